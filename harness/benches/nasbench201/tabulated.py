"""Tables made by `python -m harness.tabulate`: full curves of architectures x seeds, in one Parquet file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.schema import BadInput, Truth, demand

COLUMNS = ("architecture", "seed", "epoch", "train_loss", "valid_loss", "valid_accuracy", "test_loss", "test_accuracy")


@dataclass(frozen=True)
class Tabulated:
    """One such table: `curves` in the columns of `COLUMNS`, and `about`, how it was made."""

    curves: pd.DataFrame
    about: Mapping[str, Any]
    path: Path

    def truth(self, train_set: str | None, split: str, epochs: int | None, fingerprint: str) -> Truth:
        """Accuracy of `split` at the end of epoch `epochs` (default: the last), one column a seed.

        Raises BadInput where the table has no such training set, epoch or split, or was made on other images than
        `fingerprint`.
        """
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


def read(path: Path) -> Tabulated:
    """The table at `path`. Raises BadInput where there is none or where it is not one of ours."""
    demand(path.is_file(), "bench.source", "an existing table (or embedded, table, archive, auto)", str(path))
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise BadInput(f"bench.source: a Parquet file is needed, got {path} ({error})") from error
    about = (table.schema.metadata or {}).get(b"tabulate")
    demand(
        about is not None and set(COLUMNS) <= set(table.column_names),
        "bench.source",
        "a Parquet file made by python -m harness.tabulate",
        str(path),
    )
    return Tabulated(table.select(list(COLUMNS)).to_pandas(), json.loads(about or b"{}"), path)


def embedded(dataset: str) -> Path | None:
    """The table of this data set that the package carries, or None."""
    path = Path(__file__).with_name(f"{dataset}.parquet")
    return path if path.is_file() else None
