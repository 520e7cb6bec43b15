"""`python -m tools.findings_check PAGE.md ...`: the estimates of pages of findings that no committed table holds.

An estimate is a number with its interval, in a table or in the text. It is held by a table that has the number and both
ends in one row, as they are printed, or all of them with the other sign. So a page that is written by hand, or a number
typed into a template, is held to the tables, too; that it is the right row of them is what the templates see to.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pandas as pd

from tools.findings_tables import ELSEWHERE, FOLDER, NAMES, PUBLISHED, judged_elsewhere, read
from tools.readme import short
from tools.site import ESTIMATE

Estimate = tuple[str, str, str]


def unknown(text: str) -> list[str]:
    """The estimates of a page, as .61 [.51, .70], that no committed table holds, in the order of the page."""
    found = (tuple(part.lstrip("+") for part in parts) for parts in estimates(text))
    return [f"{number} [{low}, {high}]" for number, low, high in found if (number, low, high) not in held()]


def estimates(text: str) -> Iterator[Estimate]:
    """Every number with its interval, whether or not a line ends within it."""
    for match in ESTIMATE.finditer(re.sub(r"\s+", " ", text)):
        number, _, low, high = match.groups()
        yield number, low, high


@cache
def held() -> frozenset[Estimate]:
    """Every estimate of the committed tables and of the published run, as it is printed, and with the other sign."""
    tables = [read(path) for path in sorted(FOLDER.glob("*.csv"))]
    tables += [read(PUBLISHED / f"{name}.parquet") for name in NAMES]
    tables += [judged_elsewhere(name) for name in ELSEWHERE]
    return frozenset(each for table in tables for each in _of(table))


def _of(table: pd.DataFrame) -> Iterator[Estimate]:
    numbers = [c for c in map(str, table) if pd.api.types.is_float_dtype(table[c])]
    own = [c for c in numbers if {f"{c}_low", f"{c}_high"} <= {*numbers}]
    shared = [c for c in numbers if c not in own and not c.endswith(("low", "high"))] if "low" in numbers else []
    for column in (*own, *shared):
        ends = (f"{column}_low", f"{column}_high") if column in own else ("low", "high")
        for number, low, high in table[[column, *ends]].dropna().itertuples(index=False):
            yield short(number), short(low), short(high)
            yield short(-number), short(-high), short(-low)


if __name__ == "__main__":
    missing = [f"{name}: {each}" for name in sys.argv[1:] for each in unknown(Path(name).read_text(encoding="utf-8"))]
    print("\n".join(missing) or "every estimate is in a committed table")
    sys.exit(1 if missing else 0)
