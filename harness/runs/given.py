"""Scores and accuracies that somebody gives, as a frame or a file: read and checked row by row."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness.schema import BadInput, Truth, demand
from harness.storage.documents import unreadable

Frame = pd.DataFrame | str | Path
"""A table, or the path of a CSV or Parquet file that holds one."""

ARCHITECTURE, SEED, ACCURACY = "architecture", "seed", "accuracy"

NOT_GIVEN = "no score was given"

FAULTS = (OSError, ValueError, KeyError, TypeError, MemoryError)
"""What pandas and pyarrow raise for a file that holds no table; their own errors are ValueErrors."""


@dataclass(frozen=True)
class Unit:
    """Whether accuracies were taken as fractions (0 to 1) and multiplied by 100."""

    fractions: bool

    def __str__(self) -> str:
        return "fractions, taken as percent" if self.fractions else "percent"


def read_frame(key: str, given: Frame) -> pd.DataFrame:
    """The table itself, or the one in the file. Raises BadInput, in one line, for anything else."""
    if isinstance(given, pd.DataFrame):
        return given
    path = Path(given)
    demand(path.is_file(), key, "a table, or the path of a CSV or Parquet file", str(given))
    demand(path.suffix in (".csv", ".parquet"), key, "a file named *.csv or *.parquet", str(given))
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype={ARCHITECTURE: str, SEED: str})
    except FAULTS as error:
        raise unreadable(path, f"a {path.suffix.removeprefix('.').upper()} table", error) from error


def scores_of(frame: pd.DataFrame, lower_is_better: Collection[str] = ()) -> pd.DataFrame:
    """Scores (architectures, predictors) by architecture name, higher is better, nan for none.

    `frame` has a column `architecture` and a number column for each predictor; those named in `lower_is_better` change
    their sign. An infinite score is none. Raises BadInput for anything else.
    """
    named = _by_architecture("scores", frame)
    twice = sorted(set(named.index[named.index.duplicated()]))
    demand(not twice, "scores", "one row per architecture", twice[:3])
    demand(len(named.columns) > 0, "scores", f"a table with {ARCHITECTURE} and a column for each predictor", 0)
    named.columns = named.columns.map(str)
    demand(named.columns.is_unique and "" not in named.columns, "scores", "columns of different names", [*named])
    strangers = [name for name in lower_is_better if name not in named]
    demand(not strangers, "lower_is_better", f"names of predictors ({_listed(named)})", strangers)
    numbers = pd.DataFrame({name: _numbers(f"scores.{name}", named[name]) for name in named}, index=named.index)
    signs = [-1.0 if name in lower_is_better else 1.0 for name in numbers]
    return numbers.where(np.isfinite(numbers)) * signs


def truth_of(frame: pd.DataFrame, source: str, seeds: str | None = None) -> tuple[Truth, Unit]:
    """The ground truth in a table with the columns `architecture`, `accuracy` and, where there are several, the seed.

    `seeds` names the column of seeds; None: `seed` where there is one. Accuracies are percent, or fractions where none
    is above 1. A row without an accuracy is no seed. Raises BadInput for anything else.
    """
    demand(seeds is None or seeds in frame, "seeds", f"a column of the accuracies ({_listed(frame)})", seeds)
    named = _by_architecture("accuracies", frame)
    demand(ACCURACY in named, "accuracies", f"a table with the column {ACCURACY}", _listed(frame))
    column = seeds or (SEED if SEED in named else None)
    accuracy = _numbers("accuracies.accuracy", named[ACCURACY])
    demand(not np.isinf(accuracy).any(), "accuracies.accuracy", "finite numbers", float("inf"))
    unit = Unit(bool(accuracy.max() <= 1 and accuracy.min() >= 0))
    seed = named[column].astype(str) if column else "given"
    rows = pd.DataFrame({SEED: seed, ACCURACY: accuracy * (100 if unit.fractions else 1)}, index=named.index).dropna()
    demand(len(rows) > 0, "accuracies.accuracy", "a number in some row", 0)
    twice = rows.index[rows.reset_index().duplicated([ARCHITECTURE, SEED])]
    wanted = "one row per architecture" + (f" and {column}" if column else f" (or a column {SEED})")
    demand(twice.empty, "accuracies", wanted, sorted(set(twice))[:3])
    table = rows.reset_index().pivot(index=ARCHITECTURE, columns=SEED, values=ACCURACY)
    return Truth(table, train_set="not said", split="not said", epochs=0, source=source), unit


def _by_architecture(key: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The table indexed by the names of its architectures."""
    demand(ARCHITECTURE in frame, key, f"a table with the column {ARCHITECTURE}", _listed(frame))
    demand(len(frame) > 0, key, "a table of at least one row", 0)
    missing = int(frame[ARCHITECTURE].isna().sum())
    demand(not missing, f"{key}.{ARCHITECTURE}", "a name in every row", f"{missing} rows without")
    return frame.assign(**{ARCHITECTURE: frame[ARCHITECTURE].astype(str)}).set_index(ARCHITECTURE)


def _numbers(key: str, column: pd.Series) -> pd.Series:
    """The column as real numbers."""
    try:
        return pd.to_numeric(column).astype(float)
    except (ValueError, TypeError) as error:
        wrong = column[pd.to_numeric(column, errors="coerce").isna() & column.notna()]
        first = wrong.iloc[0] if len(wrong) else str(column.dtype)
        raise BadInput(f"{key}: must be a column of numbers (got {first!r})") from error


def _listed(frame: pd.DataFrame) -> str:
    return ", ".join(map(str, frame.columns))
