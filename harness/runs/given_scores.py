"""Scores and accuracies that somebody gives, as a frame or a file: read and checked row by row."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness.schema import Truth, demand
from harness.storage import rows
from harness.storage.rows import ARCHITECTURE

Frame = pd.DataFrame | str | Path
"""A table, or the path of a CSV, Parquet or JSON file that holds one."""

SEED, ACCURACY = "seed", "accuracy"

NOT_GIVEN = "no score was given"


@dataclass(frozen=True)
class Table:
    """A table with rows numbered from 1, and what errors call it: `key`, and the `place` it came from."""

    key: str
    place: Path
    frame: pd.DataFrame

    @classmethod
    def read(cls, key: str, given: Frame) -> Table:
        """The table itself, or the one in the file. Raises BadInput, in one line, for anything else."""
        if not isinstance(given, pd.DataFrame):
            return cls(key, Path(given), rows.read(Path(given), key))
        demand(len(given) > 0, key, "a table with rows", f"{len(given)} rows")
        numbered = given.set_axis(range(1, len(given) + 1)).rename(columns=str)
        demand(numbered.columns.is_unique, key, "a table with columns of different names", "several of one name")
        return cls(key, Path("the table"), numbered)

    def column(self, name: str) -> pd.Series:
        """One column as it is. Raises BadInput where there is none of this name."""
        return rows.column(self.frame, name, self.key, self.place)

    def architectures(self) -> pd.Series:
        """The names of the architectures, one in every row."""
        names = self.column(ARCHITECTURE)
        empty = [*names.index[names.isna() | (names.astype(str).str.strip() == "")]]
        demand(
            not empty,
            self.key,
            f"a table with an {ARCHITECTURE} in every row",
            f"none in row {empty[0]}" if empty else "",
        )
        return names.astype(str)

    def numbers(self, name: str) -> pd.Series[float]:
        """A column of numbers, nan where a cell is empty. Raises BadInput, by the number of the row."""
        cells = self.column(name)
        found = {row: rows.number(cell) for row, cell in cells.items()}
        for row, value in found.items():
            demand(value is not None, self.key, f"a table with numbers as {name}", f"{cells[row]!r} in row {row}")  # type: ignore[call-overload]
        return pd.Series(found, dtype=float)

    def demand_different(self, keys: pd.DataFrame, wanted: str) -> None:
        """Raise BadInput for two rows with the same `keys`."""
        twice = [*keys.index[keys.duplicated()]]
        got = f"another row of {keys.loc[twice[0]].iloc[0]}, number {twice[0]}" if twice else ""
        demand(not twice, self.key, f"a table with {wanted}", got)


def scores_of(given: Frame, lower_is_better: Collection[str] = ()) -> pd.DataFrame:
    """Scores (architectures, predictors) by architecture name, higher is better, nan for none.

    `given` has a column `architecture` and a number column for each predictor; those named in `lower_is_better` change
    their sign. An infinite score is none. Raises BadInput for anything else.
    """
    table = Table.read("scores", given)
    names = table.architectures()
    table.demand_different(names.to_frame(), "one row per architecture")
    predictors = [name for name in map(str, table.frame.columns) if name != ARCHITECTURE]
    demand(bool(predictors), "scores", f"a table with {ARCHITECTURE} and a column for each predictor", ARCHITECTURE)
    strangers = [name for name in lower_is_better if name not in predictors]
    demand(not strangers, "lower_is_better", f"names of predictors ({', '.join(predictors)})", strangers)
    numbers = pd.DataFrame({name: table.numbers(name) for name in predictors}).set_axis(names)
    signs = [-1.0 if name in lower_is_better else 1.0 for name in predictors]
    return numbers.where(np.isfinite(numbers)) * signs


def truth_of(given: Frame, seeds: str | None = None) -> tuple[Truth, str]:
    """The ground truth in a table with the columns `architecture`, `accuracy` and, where there are several, the seed;
    and the unit in which its accuracies were read, in words.

    `seeds` names the column of seeds; None: `seed` where there is one. Accuracies are percent, or fractions where none
    is above 1. A row without an accuracy is no seed. Raises BadInput for anything else.
    """
    table = Table.read("accuracies", given)
    names, accuracy = table.architectures(), table.numbers(ACCURACY)
    demand(not np.isinf(accuracy).any(), "accuracies", f"a table with finite numbers as {ACCURACY}", float("inf"))
    demand(bool(accuracy.notna().any()), "accuracies", f"a table with a number as {ACCURACY} in some row", "none")
    column = seeds or (SEED if SEED in table.frame else None)
    seed = table.column(column).astype(str) if column else "given"
    fractions = bool(accuracy.max() <= 1 and accuracy.min() >= 0)
    keyed = pd.DataFrame({ARCHITECTURE: names, SEED: seed, ACCURACY: accuracy * (100 if fractions else 1)}).dropna()
    wanted = f"one row per architecture and {column}" if column else f"one row per architecture (or a column {SEED})"
    table.demand_different(keyed[[ARCHITECTURE, SEED]], wanted)
    source = "a table" if isinstance(given, pd.DataFrame) else str(given)
    wide = keyed.pivot(index=ARCHITECTURE, columns=SEED, values=ACCURACY)
    return Truth(wide, "not said", "not said", None, source), "fractions, taken as percent" if fractions else "percent"
