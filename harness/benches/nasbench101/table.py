"""Ground truth of NAS-Bench-101: the official TFRecord file, or the Parquet file that is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from harness import files
from harness.benches import parquet
from harness.benches.nasbench101 import space
from harness.benches.nasbench101.conversion import COLUMNS, KEY, METADATA, converted
from harness.files import Download, Source
from harness.schema import Truth, demand

if TYPE_CHECKING:
    import pandas as pd

TRAIN_SET = "cifar10"
_SITE = "https://storage.googleapis.com/nasbench"
FILES = tuple(
    Download(f"{name}.tfrecord", f"sha256:{checksum}", (f"{_SITE}/{name}.tfrecord",))
    for name, checksum in (
        ("nasbench_only108", "4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1"),
        ("nasbench_full", "3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c"),
    )
)
SOURCE = Source("table", tuple((file,) for file in FILES), "499 MB (108 epochs) and 1.95 GB (4, 12, 36 and 108 epochs)")


def truth(path: Path, split: str, epochs: int | None) -> Truth:
    """Accuracies (percent) after the last of `epochs` (None: the most in the file) on `split`, one column a training.

    `path` is the official file, or one that was made of it by this function. Raises BadInput for any other, and for
    epochs that it does not have.
    """
    made = path if path.suffix == ".parquet" else converted(path)
    ours = isinstance(parquet.about(made, METADATA, COLUMNS, KEY)[0], dict)
    table = _typed(parquet.read(made, COLUMNS, KEY), made).to_pandas()
    known = sorted(set(table["epochs"]))
    chosen = max(known, default=0) if epochs is None else epochs
    demand(chosen in known, "bench.target_epochs", f"epochs of {path.name} ({', '.join(map(str, known))})", epochs)
    rows = table[table["epochs"] == chosen]
    accuracy = rows.pivot(index="architecture", columns="seed", values=f"{split}_accuracy").astype(float)
    accuracy.index, accuracy.columns = accuracy.index.astype(str), [str(seed) for seed in accuracy]
    if not ours:  # what is made here was compared with the graph hash of every cell
        _demand_cells(accuracy, made)
    _demand_percent(accuracy, made)
    return Truth(accuracy, TRAIN_SET, split, int(chosen), f"{path.name}, {split} accuracy")


def _typed(table: pa.Table, path: Path) -> pa.Table:
    """The same table, if its columns are names, whole numbers and numbers, and no training is there twice."""
    kinds = {name: table.schema.field(name).type for name in COLUMNS}
    named = kinds["architecture"]
    text = named.value_type if pa.types.is_dictionary(named) else named
    whole = all(pa.types.is_integer(kinds[name]) for name in COLUMNS[1:3])
    real = all(pa.types.is_floating(kinds[name]) for name in COLUMNS[3:])
    sound = (pa.types.is_string(text) or pa.types.is_large_string(text)) and whole and real and len(table) > 0
    demand(sound, KEY, f"a table of {', '.join(COLUMNS)} in {path}", ", ".join(map(str, kinds.values())))
    keys = table.select(list(COLUMNS[:3]))
    once = not any(column.null_count for column in keys.columns) and not keys.to_pandas().duplicated().any()
    demand(once, KEY, f"one row per architecture, epochs and seed in {path}", "more, or rows without")
    return table


def _demand_cells(accuracy: pd.DataFrame, path: Path) -> None:
    strange = next((name for name in accuracy.index if not space.known(name)), None)
    demand(strange is None, KEY, f"architectures of nasbench101 in {path}", strange)


def _demand_percent(accuracy: pd.DataFrame, path: Path) -> None:
    values = accuracy.to_numpy()
    outside = values[~np.isnan(values) & ~((values >= 0) & (values <= 100))]
    demand(not outside.size, KEY, f"accuracies from 0 to 100 percent in {path}", outside[:1].tolist())


def is_official(path: Path) -> bool:
    """Whether a file is the official one, by its ending, or a Parquet file of these columns and not `tabulate`'s."""
    if path.suffix == ".parquet" and path.is_file():
        return set(COLUMNS) <= set(parquet.about(path, METADATA, (), KEY)[1].schema.to_arrow_schema().names)
    return path.suffix == ".tfrecord"


def find(data: str | None, name: str) -> Path:
    """The official file in the data folder, or what was made of it; downloaded where neither is there."""
    made = (files.find(data, Path(file.name).with_suffix(".parquet").name) for file in FILES)
    present = next((path for path in made if path), None)
    return present or files.obtain(SOURCE, data, f"{name}-{SOURCE.what}")[0]
