"""One table of the report in the two forms it is read in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pandas as pd

from harness.report.numbers import NONE, estimate


@dataclass(frozen=True)
class DisplayTable:
    """A table twice: `numbers` for machines, with all rows; `text` as people read it, which may be fewer.

    The first `left` columns of `text`, and `note`, are words. `keys` gives columns of `text` the numbers by which a
    reader sorts them, row by row; a table without keys is not sorted.
    """

    numbers: pd.DataFrame
    text: pd.DataFrame
    left: int = 1
    keys: Mapping[str, list[float]] = field(default_factory=dict)

    def of(self, predictors: Collection[str]) -> DisplayTable:
        """The sheet with the texts of these predictors alone."""
        kept = self.text["predictor"].isin(list(predictors)).to_numpy()
        keys = {name: [value for value, stays in zip(values, kept, strict=True) if stays] for name, values in
                self.keys.items()}  # fmt: skip
        return DisplayTable(self.numbers, self.text[kept], self.left, keys)

    @property
    def silent(self) -> bool:
        """Whether the texts have no row, or nothing but dashes right of the words."""
        return bool(self.text.iloc[:, self.left :].isin(["", NONE]).all(axis=None))

    def words(self, column: int) -> bool:
        """Whether a column of `text`, by its place, is set left."""
        return column < self.left or str(self.text.columns[column]) == "note"


def estimates(frame: pd.DataFrame, name: str, sign: bool = False) -> list[str]:
    """Values with their intervals, from the columns `name`, `name`_low and `name`_high."""
    ends = frame[[name, f"{name}_low", f"{name}_high"]].to_numpy(dtype=float)
    return [estimate(value, low, high, sign) for value, low, high in ends]


def sorted_by(frame: pd.DataFrame, **columns: str) -> dict[str, list[float]]:
    """Keys of a sheet: heading and column of `frame`, whose rows are those of the text."""
    return {heading: frame[column].astype(float).tolist() for heading, column in columns.items()}
