"""Tables made by `python -m harness.tabulate`: full curves of architectures x seeds, in one Parquet file."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from harness.schema import BadInput, Truth, demand
from harness.storage.files import write_atomically

from . import parquet

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("architecture", "seed", "epoch", "train_loss", "valid_loss", "valid_accuracy", "test_loss", "test_accuracy")
"""What every table has. Others may follow, of numbers or of vectors of numbers, as a benchmark records them."""

ABOUT = ("dataset", "dataset_fingerprint", "made_by")

METADATA = b"tabulate"

TABLE_VERSION = 3
"""From this version on a table has a digest of its content."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tabulated:
    """One such table: `curves` in the columns of `COLUMNS` and others, and `about`, how it was made."""

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
            f"{self.path} of {made_on[:12]}{self._overrides()}",
        )
        last = int(self.curves["epoch"].max())
        epoch = last if epochs is None else epochs
        demand(1 <= epoch <= last, "bench.target_epochs", f"an epoch from 1 to {last}", epochs)
        demand(split in ("valid", "test"), "bench.target_split", "'valid' or 'test' for this table", split)
        rows = self.curves[self.curves["epoch"] == epoch]
        table = rows.pivot(index="architecture", columns="seed", values=f"{split}_accuracy")
        table.columns = [str(seed) for seed in table.columns]
        return Truth(table.astype(float), own, split, epoch, self.label)

    def _overrides(self) -> str:
        """What to type for the images that the table was made on; empty where it does not say."""
        made = self.about.get("dataset_settings", {})
        keys = [f"dataset.{key}={'null' if value is None else value}" for key, value in made.items()]
        shown = [key for key in keys if not key.startswith(("dataset.kind=", "dataset.name=", "dataset.checksum="))]
        return f", made with {' '.join(shown)}" if shown else ""

    @property
    def label(self) -> str:
        """Where the accuracies come from: file, program, and the head where it is not the networks' own."""
        head = "".join(f", trained through the head {name}" for name in self.about.get("head", {}))
        return f"{self.path.name}, {self.about['made_by']}{head}"

    def demand_bench(self, bench: str | None, key: str) -> None:
        """Raise BadInput, naming `key`, for a table of another benchmark's networks than `bench` (None: any)."""
        made_of = self.about.get("network", {}).get("space", bench)
        demand(bench in (None, made_of), key, f"a table of {bench}", f"{self.path} of {made_of}")


def write(path: Path, curves: pd.DataFrame, about: Mapping[str, Any]) -> None:
    """Store a table, whole or not at all, with how it was made and a digest of both in the file's metadata."""
    others = [name for name in curves if name not in COLUMNS]
    table = pa.Table.from_pandas(curves[[*COLUMNS, *others]], preserve_index=False)
    about = {**about, "table_version": TABLE_VERSION}
    about["content_sha256"] = content_digest(table, about)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), METADATA: json.dumps(about).encode()})
    options = {"compression": "zstd", "compression_level": 15, "write_page_checksum": True}
    if others:  # vectors of measurements seldom repeat a number
        options |= {"use_dictionary": ["architecture"], "use_byte_stream_split": _leaves(table)}
    write_atomically(path, lambda file: pq.write_table(table, file, **options))


def _leaves(table: pa.Table) -> list[str]:
    """Names, as Parquet has them, of what holds float32."""
    kinds = {field.name: field.type for field in table.schema}
    plain = [name for name, kind in kinds.items() if pa.types.is_float32(kind)]
    return plain + [f"{name}.list.element" for name, kind in kinds.items() if pa.types.is_list(kind)]


def content_digest(table: pa.Table, about: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the names, types and values of the columns and of `about`, whatever the file's encoding."""
    sha = hashlib.sha256(json.dumps({k: v for k, v in about.items() if k != "content_sha256"}, sort_keys=True).encode())
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            kind, values = "string", json.dumps(column.to_pylist()).encode()
        elif pa.types.is_list(column.type):
            held = column.combine_chunks()
            lengths = held.value_lengths().fill_null(-1).to_numpy(zero_copy_only=False)
            kind = f"list of {column.type.value_type}"
            values = lengths.tobytes() + held.flatten().to_numpy(zero_copy_only=False).tobytes()
        else:
            kind, values = str(column.type), np.ascontiguousarray(column.to_numpy()).tobytes()
        sha.update(f"{name} {kind} {len(values)} ".encode() + values)
    return sha.hexdigest()


def read(path: Path, key: str = "bench.source") -> Tabulated:
    """The table at `path`; one of an earlier version, which has no digest, is read with a warning.

    Raises BadInput, naming `key`, where there is none, it is not one of ours, or it is not what was written.
    """
    demand(_is_file(path), key, "an existing table (or auto, embedded, converted, archive, table)", str(path))
    about, metadata = parquet.about(path, METADATA, (), key)
    what = "a Parquet file made by python -m harness.tabulate"
    ours = isinstance(about, dict) and all(isinstance(about.get(name), str) for name in ABOUT)
    demand(ours and isinstance(about.get("network", {}), dict), key, what, str(path))
    schema = metadata.schema.to_arrow_schema()
    demand(set(COLUMNS) <= set(schema.names), key, what, str(path))
    kinds = {name: schema.field(name).type for name in COLUMNS}
    numbers = all(pa.types.is_floating(kinds[name]) for name in COLUMNS[3:])
    whole = all(pa.types.is_integer(kinds[name]) for name in ("seed", "epoch"))
    text = pa.types.is_string(kinds["architecture"]) or pa.types.is_large_string(kinds["architecture"])
    demand(numbers and whole and text, key, f"{what}, its columns names and numbers,", str(path))
    others = [name for name in schema.names if name not in COLUMNS]
    known = all(_numbers(schema.field(name).type) for name in others)
    demand(known, key, f"{what}, its further columns numbers or vectors of numbers,", str(path))
    table = parquet.read(path, [*COLUMNS, *others], key)
    curves = table.to_pandas()
    demand(len(curves) > 0 and not curves.isna()[list(COLUMNS[:3])].any(axis=None), key,
           f"rows that name architecture, seed and epoch in {path}", f"{len(curves)} rows")  # fmt: skip
    _demand_digest(path, table, about, key)
    _demand_ranges(path, curves, key)
    return Tabulated(curves, about, path)


def _numbers(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind.value_type if pa.types.is_list(kind) else kind))


def find(source: str, folder: Path, stem: str, bench: str) -> Tabulated:
    """The table at the path `source`, or where that is "embedded" the one of the name `stem` in `folder`.

    Raises BadInput where the package carries none of this name; `stem` ends with the name of the data set.
    """
    if source != "embedded":
        return read(Path(source))
    path = folder / f"{stem}.parquet"
    if not path.is_file():
        made = ", ".join(sorted(file.stem for file in folder.glob("*.parquet"))) or "none"
        raise BadInput(
            f"dataset: must be a data set with an embedded table ({made}), or bench.source= a table made by"
            f" `python -m harness.tabulate +bench={bench}` (got {stem!r})"
        )
    return read(path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _demand_digest(path: Path, table: pa.Table, about: Mapping[str, Any], key: str) -> None:
    if "content_sha256" not in about and "table_version" not in about:
        log.warning("%s was made by an earlier version and has no checksum: damage to it may go unnoticed", path)
        return
    demand(about.get("content_sha256") == content_digest(table, about), key,
           "an undamaged table", f"{path}, whose checksum does not match")  # fmt: skip


def _demand_ranges(path: Path, curves: pd.DataFrame, key: str) -> None:
    demand(
        not curves.duplicated(list(COLUMNS[:3])).any(),
        key,
        "a table with one row per training and epoch",
        f"more in {path}",
    )
    demand(
        bool((curves["epoch"] >= 0).all()), key, "a table with epochs from 0 on", f"{curves['epoch'].min()} in {path}"
    )
    for column, most in (("valid_accuracy", 100), ("test_accuracy", 100), ("train_loss", inf), ("valid_loss", inf)):
        values = curves[column].dropna()
        outside = values[~values.between(0, most)]
        demand(outside.empty, key, f"a table with {column} from 0 to {most}", f"{[*outside[:1]]} in {path}")
