"""Ground truth from a table of a user's own: architecture, accuracy, and a seed where there are several."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.benches import parquet, tabulated
from harness.schema import BadInput, Truth, demand
from harness.storage import rows
from harness.storage.rows import ARCHITECTURE

if TYPE_CHECKING:
    import pandas as pd

KEY = "bench.source"
ACCURACY, SEED = "accuracy", "seed"
ONE = "mean"
"""The seed's name where the table has none."""

UNITS = {"percent": 100.0, "fraction": 1.0}
"""Units of accuracy, with the largest value there is."""

log = logging.getLogger(__name__)


def demand_unit(unit: str | None) -> None:
    """Raise BadInput for a unit that is not known."""
    demand(unit is None or unit in UNITS, "bench.unit", f"{' or '.join(map(repr, UNITS))} (or null: guessed)", unit)


def is_own(path: Path) -> bool:
    """Whether the file at `path` is a table of a user's own, and none that `python -m harness.tabulate` made."""
    if path.suffix == ".parquet" and path.is_file():
        return parquet.about(path, tabulated.METADATA, (), KEY)[0] is None
    return path.suffix == ".csv"


def read(path: Path, unit: str | None, name_of: Callable[[object], str]) -> pd.DataFrame:
    """Accuracies in percent, indexed by the names that `name_of` gives, one column a seed, nan where there is none.

    The table has columns `architecture` and `accuracy`, and may have `seed`. `unit`: that of its accuracies, "percent"
    or "fraction"; None: fractions where none is above 1, which a warning says, else percent. Raises BadInput, by the
    number of the row, for an architecture that is none of the benchmark's, an accuracy that is no number within the
    unit's range, and two rows of one training.
    """
    table = rows.read(path, KEY)
    architectures, cells = (rows.column(table, name, KEY, path) for name in (ARCHITECTURE, ACCURACY))
    values = {int(row): rows.number(cell) for row, cell in cells.items()}  # type: ignore[call-overload]
    for row, value in values.items():
        finite = value is not None and abs(value) < float("inf")
        demand(finite, KEY, f"a table with a number as {ACCURACY}", f"{cells[row]!r} in row {row} of {path}")
    found = table.assign(accuracy=_percent(values, unit, path), architecture=_names(architectures, name_of, path))
    found["seed"] = [str(seed) for seed in table[SEED]] if SEED in table else ONE
    twice = found.duplicated([ARCHITECTURE, SEED], keep=False)
    if twice.any():
        name, seed = found.loc[twice, [ARCHITECTURE, SEED]].iloc[0]
        same = found.index[(found[ARCHITECTURE] == name) & (found[SEED] == seed)].tolist()
        of = f" of seed {seed}" if SEED in table else f" (several trainings are told apart by a column {SEED})"
        got = f"rows {same[0]} and {same[1]} of {path} for {name}{of}"
        raise BadInput(f"{KEY}: must be a table with one row per training (got {got})")
    return found.pivot(index=ARCHITECTURE, columns=SEED, values=ACCURACY).rename_axis(index=None, columns=None)


def truth(
    path: Path, unit: str | None, protocol: tuple[str, str, int | None], name_of: Callable[[object], str]
) -> Truth:
    """The ground truth of such a table; its training set, split and epochs are what the `protocol` says they are."""
    return Truth(read(path, unit, name_of), *protocol, source=f"{path.name}, {ACCURACY}")


def _percent(values: dict[int, float | None], unit: str | None, path: Path) -> list[float]:
    numbers = [value for value in values.values() if value is not None]
    if unit is None:
        unit = "fraction" if max(numbers) <= 1 else "percent"
        if unit == "fraction":
            said = f"{path.name} are read as fractions (the largest is {max(numbers):g})"
            log.warning("%s: accuracies of %s; bench.unit=fraction or percent settles it", KEY, said)
    for row, value in zip(values, numbers, strict=True):
        wanted = f"a table with accuracies from 0 to {UNITS[unit]:g} ({unit})"
        demand(0 <= value <= UNITS[unit], KEY, wanted, f"{value:g} in row {row} of {path}")
    return [value * 100 / UNITS[unit] for value in numbers]


def _names(architectures: pd.Series, name_of: Callable[[object], str], path: Path) -> list[str]:
    names = []
    for row, given in architectures.items():
        try:
            names.append(name_of(given))
        except (BadInput, ValueError) as error:
            raise BadInput(f"{KEY}: row {row} of {path}: {error}") from error
    return names
