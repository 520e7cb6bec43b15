"""RunTables made by `python -m harness.tabulate`: full curves of architectures x seeds, in one Parquet file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from harness.schema import Truth, demand

from . import parquet

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("architecture", "seed", "epoch", "train_loss", "valid_loss", "valid_accuracy", "test_loss", "test_accuracy")

ABOUT = {"dataset", "dataset_fingerprint", "made_by"}


@dataclass(frozen=True)
class Tabulated:
    """One such table: `curves` in the columns of `COLUMNS`, and `about`, how it was made."""

    curves: pd.DataFrame
    about: Mapping[str, Any]
    path: Path

    def truth(
        self, train_set: str | None, split: str, epochs: int | None, fingerprint: str, bench: str | None = None
    ) -> Truth:
        """Accuracy of `split` at the end of epoch `epochs` (default: the last), one column a seed.

        Raises BadInput where the table has no such training set, epoch or split, was made on other images than
        `fingerprint`, or of the networks of another benchmark than `bench` (None: any).
        """
        self.demand_bench(bench, "bench.source")
        own = self.about["dataset"]
        demand(train_set in (None, own), "bench.train_set", f"{own!r} (or null) for this table", train_set)
        made_on = self.about["dataset_fingerprint"]
        demand(
            fingerprint == made_on,
            "bench.source",
            f"a table made on the images of this data set (fingerprint {fingerprint[:12]})",
            f"{self.path} of {made_on[:12]}",
        )
        last = int(self.curves["epoch"].max())
        epoch = last if epochs is None else epochs
        demand(1 <= epoch <= last, "bench.target_epochs", f"an epoch from 1 to {last}", epochs)
        demand(split in ("valid", "test"), "bench.target_split", "'valid' or 'test' for this table", split)
        rows = self.curves[self.curves["epoch"] == epoch]
        table = rows.pivot(index="architecture", columns="seed", values=f"{split}_accuracy")
        table.columns = [str(seed) for seed in table.columns]
        return Truth(table.astype(float), own, split, epoch, f"{self.path.name}, {self.about['made_by']}")

    def demand_bench(self, bench: str | None, key: str) -> None:
        """Raise BadInput, naming `key`, for a table of another benchmark's networks than `bench` (None: any)."""
        made_of = self.about.get("network", {}).get("space", bench)
        demand(bench in (None, made_of), key, f"a table of {bench}", f"{self.path} of {made_of}")


def read(path: Path, key: str = "bench.source") -> Tabulated:
    """The table at `path`. Raises BadInput, naming `key`, where there is none, or it is not wholly one of ours."""
    demand(path.is_file(), key, "an existing table (or auto, embedded, converted, archive, table)", str(path))
    about, metadata = parquet.about(path, b"tabulate", (), key)
    ours = isinstance(about, dict) and about.keys() >= ABOUT and isinstance(about.get("network", {}), dict)
    schema, what = metadata.schema.to_arrow_schema(), "a Parquet file made by python -m harness.tabulate"
    demand(ours and set(COLUMNS) <= set(schema.names), key, what, str(path))
    kinds = {name: schema.field(name).type for name in COLUMNS}
    numbers = all(pa.types.is_floating(kinds[name]) for name in COLUMNS[3:])
    whole = all(pa.types.is_integer(kinds[name]) for name in ("seed", "epoch"))
    text = pa.types.is_string(kinds["architecture"]) or pa.types.is_large_string(kinds["architecture"])
    demand(numbers and whole and text, key, f"{what}, its columns names and numbers,", str(path))
    table = parquet.read(path, COLUMNS, key).to_pandas()
    demand(len(table) > 0 and not table.isna()[list(COLUMNS[:3])].any(axis=None), key,
           f"rows that name architecture, seed and epoch in {path}", f"{len(table)} rows")  # fmt: skip
    demand(not table.duplicated(list(COLUMNS[:3])).any(), key, f"every training once in {path}", "one twice")
    for column in ("valid_accuracy", "test_accuracy"):
        values = table[column].dropna()
        demand(bool(values.between(0, 100).all()), key, f"percentages {column} in {path}", "others")
    return Tabulated(table, about, path)
