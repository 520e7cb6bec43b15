"""The tables of ground truth that this package carries, made by `python -m harness.tabulate +bench=pretrained`."""

from __future__ import annotations

from pathlib import Path


def embedded(dataset: str) -> Path | None:
    """The table of this data set that the package carries, or None."""
    path = Path(__file__).with_name(f"{dataset}.parquet")
    return path if path.is_file() else None


def carried() -> dict[str, Path]:
    """Every table that the package carries, by the name of its data set."""
    here = Path(__file__).parent
    return {path.stem: path for path in sorted(here.glob("*.parquet"))}
