"""The tables of ground truth that this package carries, made by `python -m harness.tabulate +bench=pretrained`."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from harness.benches import tabulated

if TYPE_CHECKING:
    import pandas as pd


def embedded(dataset: str) -> Path | None:
    """The table of this data set that the package carries, or None."""
    path = Path(__file__).with_name(f"{dataset}.parquet")
    return path if path.is_file() else None


def carried() -> dict[str, Path]:
    """Every table that the package carries, by the name of its data set."""
    here = Path(__file__).parent
    return {path.stem: path for path in sorted(here.glob("*.parquet"))}


@functools.lru_cache(maxsize=64)
def final(path: Path, split: str) -> pd.DataFrame:
    """Accuracy (percent) on `split` after the last epoch of a table: (networks, seeds). Raises BadInput for a damaged
    one."""
    curves = tabulated.read(path).curves
    last = curves[curves["epoch"] == curves["epoch"].max()]
    table: pd.DataFrame = last.pivot(index="architecture", columns="seed", values=f"{split}_accuracy").astype(float)
    return table
