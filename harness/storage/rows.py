"""Tables of a user's own: CSV, Parquet or JSON, read without trust; what is wrong is named by its row."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.files.places import exists
from harness.schema import BadInput, demand, suggestion

if TYPE_CHECKING:
    import pandas as pd

ARCHITECTURE = "architecture"
ENDINGS = (".csv", ".json", ".parquet")
SHOWN = 10
"""Columns that an error lists."""


def read(path: Path, key: str, under: str | None = None) -> pd.DataFrame:
    """The table at `path`, its cells as they are written (those of a CSV as text), rows numbered from 1.

    JSON: a mapping of architectures to a number, or to a mapping of columns, which may hold mappings themselves
    (`jacov.score` is then a column), or a list of rows; `under` is the key below which it lies. An architecture that is
    a key there is in the column `architecture`. Raises BadInput, naming `key`, for a file that is missing, damaged or
    empty.
    """
    import pandas as pd
    import pyarrow as pa

    faults = (pa.ArrowException, csv.Error, OSError, ValueError, LookupError, TypeError, ArithmeticError, MemoryError)
    demand(path.suffix in ENDINGS, key, f"a file that ends in {', '.join(ENDINGS)}", str(path))
    demand(under is None or path.suffix == ".json", key, "a JSON file where a key within it is named", str(path))
    try:
        demand(exists(path), key, "an existing file", str(path))
        if path.suffix == ".csv":
            found = _of_csv(path, key)
        elif path.suffix == ".parquet":
            found = pd.read_parquet(path).reset_index(drop=True)
        else:
            found = _of_json(json.loads(path.read_text(encoding="utf-8")), under, key, path)
    except (*faults, RecursionError) as error:
        if isinstance(error, BadInput):
            raise
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"{key}: must be a readable table (got {path} ({type(error).__name__}: {reason}))") from error
    demand(len(found) > 0, key, "a table with rows", str(path))
    return found.set_axis(range(1, len(found) + 1)).rename(columns=str)


def _of_csv(path: Path, key: str) -> pd.DataFrame:
    """Not pandas' reader: a row with one field too many, as a comma without quotes makes, would shift its columns."""
    import pandas as pd

    with path.open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file, skipinitialspace=True, strict=True)
    rows = [row for row in rows if row]
    wrong = [place for place, row in enumerate(rows, start=1) if len(row) != len(head)]
    if wrong:
        got = f"{len(rows[wrong[0] - 1])} fields in row {wrong[0]} of {path}; put values with commas in double quotes"
        raise BadInput(f"{key}: must be a table with {len(head)} fields in every row (got {got})")
    return pd.DataFrame(rows, columns=head, dtype=str)


def _of_json(read: Any, under: str | None, key: str, path: Path) -> pd.DataFrame:
    import pandas as pd

    if under is not None:
        known = list(read) if isinstance(read, dict) else []
        demand(under in known, key, f"a file with the key {under!r} (it has {', '.join(known[:SHOWN])})", str(path))
        read = read[under]
    if isinstance(read, dict):
        read = [
            {ARCHITECTURE: name, **(row if isinstance(row, dict) else {"score": row})} for name, row in read.items()
        ]
    shaped = isinstance(read, list) and all(isinstance(row, dict) for row in read)
    demand(shaped, key, "a mapping of architectures, or a list of rows", str(path))
    return pd.json_normalize(read)


def column(table: pd.DataFrame, name: str, key: str, path: Path) -> pd.Series:
    """One column. Raises BadInput, naming `key` and the columns that there are."""
    if name not in table:
        there, near = ", ".join(map(str, table.columns[:SHOWN])), suggestion(name, list(table.columns))
        raise BadInput(f"{key}: must be a column of {path.name} ({there}) (got {name!r}){near}")
    return table[name]


def number(cell: object) -> float | None:
    """The number that a cell holds, nan where it is empty or says so; None where it holds something else."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return float("nan")
    try:
        return float(cell) if isinstance(cell, str | int | float) or hasattr(cell, "dtype") else None  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
