"""The tables of ground truth that this package carries, made by `python -m harness.tabulate`."""

from __future__ import annotations

from pathlib import Path

from harness.benches.tabulated import COLUMNS, Tabulated, read

__all__ = ["COLUMNS", "Tabulated", "embedded", "read"]


def embedded(dataset: str) -> Path | None:
    """The table of this data set that the package carries, or None."""
    path = Path(__file__).with_name(f"{dataset}.parquet")
    return path if path.is_file() else None
