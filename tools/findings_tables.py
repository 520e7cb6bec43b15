"""Numbers of the pages of findings out of the committed tables."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from tools.readme import short

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "findings"
PUBLISHED = ROOT / "results" / "published" / "nasbench201-digits"
NAMES = ("metrics", "differences", "ablations", "ceiling")
"""Tables of the published run; every other name is that of a CSV file of `FOLDER`."""

HARD = "\N{NO-BREAK SPACE}"
NONE = "–"


@cache
def read(path: Path) -> pd.DataFrame:
    """A table, read once."""
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


ELSEWHERE = {"published_agreement": ("agreement", "tables"), "published_judged": ("judged", "truth")}
"""Tables out of published_tables.json: the list of its parts, and what names a part."""


@cache
def judged_elsewhere(name: str) -> pd.DataFrame:
    """A table of `ELSEWHERE`, a part below the other."""
    key, part = ELSEWHERE[name]
    parts = json.loads((FOLDER / "published_tables.json").read_text(encoding="utf-8"))[key]
    return pd.concat([pd.DataFrame(each["rows"]).assign(**{part: str(each[part])}) for each in parts])


def _path(published: Path, name: str) -> Path:
    return published / f"{name}.parquet" if name in NAMES else FOLDER / f"{name}.csv"


def rows(published: Path, name: str, **where: Any) -> pd.DataFrame:
    """The rows of table `name` whose columns have the values `where`, or one of several values in a list.

    Those of the last step alone if neither step nor epoch is asked for. Raises KeyError for a value of a list that no
    row has.
    """
    found = judged_elsewhere(name) if name in ELSEWHERE else read(_path(published, name))
    for column, wanted in where.items():
        several = wanted if isinstance(wanted, list) else []
        found = found[found[column].isin(several or [wanted])]
        if missing := set(several) - set(found[column]):
            raise KeyError(f"{name}: no row has {column} {missing}")
    if "step" in found and not {"step", "epoch"} & set(where):
        found = found[found["step"] == found["step"].max()]
    return found


def row(published: Path, name: str, **where: Any) -> pd.Series:
    """The one row of `rows`. Raises KeyError for no such row, and for several."""
    found = rows(published, name, **where)
    if len(found) != 1:
        raise KeyError(f"{name}: {len(found)} rows have {where}")
    return found.iloc[0]


def value(
    published: Path, name: str, column: str = "tau", /, decimals: int = 2, signed: bool = False, **where: Any
) -> str:
    """A number, as .61; a difference (`signed`) as +.05."""
    return _signed(float(row(published, name, **where)[column]), signed, decimals)


def percent(published: Path, name: str, column: str, /, **where: Any) -> str:
    """A share, as 57 %."""
    return f"{100 * float(row(published, name, **where)[column]):.0f}{HARD}%"


def estimate(published: Path, name: str, column: str = "tau", /, signed: bool = False, **where: Any) -> str:
    """A number with its interval, as .61 [.51, .70]; a difference (`signed`) as +.05 [.02, .08]."""
    found = row(published, name, **where)
    low, high = (short(float(found[end])) for end in _ends(found.index, column))
    return f"{_signed(float(found[column]), signed)}{HARD}[{low},{HARD}{high}]"


def opposite(published: Path, name: str, column: str, /, **where: Any) -> str:
    """The number and the interval of `estimate` with the other sign: how far a predictor is behind."""
    found = row(published, name, **where)
    value, low, high = (short(-float(found[key])) for key in (column, *reversed(_ends(found.index, column))))
    return f"{value}{HARD}[{low},{HARD}{high}]"


def cell(published: Path, name: str, column: str = "tau", /, signed: bool = False, **where: Any) -> str:
    """An estimate of a table's cell: a dash where there is no such row, or no number in it; alone without interval."""
    found = rows(published, name, **where)
    if found.empty or pd.isna(row(published, name, **where)[column]):
        return NONE
    known = any(end in found and found[end].notna().all() for end in _ends(found.columns, column))
    return estimate(published, name, column, signed, **where) if known else value(published, name, column, **where)


def count(published: Path, name: str, column: str = "n", /, **where: Any) -> str:
    """A whole number."""
    return f"{int(row(published, name, **where)[column]):,}"


def span(published: Path, name: str, column: str = "tau", /, signed: bool = False, **where: Any) -> str:
    """The least and the largest number of several rows, as .39 to .56."""
    found = rows(published, name, **where)[column]
    return f"{_signed(float(found.min()), signed)} to {_signed(float(found.max()), signed)}"


def counted(published: Path, name: str, column: str = "tau", /, side: str = "all", **where: Any) -> str:
    """How many rows there are (`side` "all"), or how many whose interval lies "above" or "below" 0."""
    found = rows(published, name, **where)
    low, high = (found[end] for end in _ends(found.columns, column))
    chosen = {"all": found[column].notna(), "above": low > 0, "below": high < 0}[side]
    return str(int(chosen.sum()))


def _ends(columns: pd.Index, column: str) -> list[str]:
    """The names of the columns with the ends of a number's interval."""
    return [f"{column}_{end}" if f"{column}_{end}" in columns else end for end in ("low", "high")]


def _signed(number: float, signed: bool, decimals: int = 2) -> str:
    return ("+" if signed and round(number, decimals) > 0 else "") + short(number, decimals)
