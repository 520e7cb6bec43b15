"""Tables of fine-tuned accuracies, and of scores, that others published: models and data sets in a user's file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness.schema import BadInput, demand

from .names import dataset_name, model_name

COLUMNS = {
    "model": ("model", "architecture", "network"),
    "source": ("source_dataset", "source"),
    "dataset": ("dataset", "target_dataset", "target"),
    "accuracy": ("accuracy", "finetuned_accuracy", "fine_tuned_accuracy", "acc"),
}
"""Names that each column may have, in any case."""

ABSENT = -1.0
"""What PARC's table has for a fine-tuning that failed."""

LARGEST = 2**25  # bytes of a file

FAULTS = (OSError, ValueError, LookupError, TypeError, ArithmeticError, MemoryError)
"""What pandas raises of damaged files; its parser's and Arrow's errors are ValueErrors."""


@dataclass(frozen=True)
class Published:
    """One such table. `accuracy`: percent, (models, data sets), nan where none is published; higher is better.

    `scores`: further numbers of the table, each (models, data sets), e.g. LogME. `architecture`: that of each model,
    which is the model itself unless the table names what it was trained on before. `notes`: what was recognised.
    """

    path: Path
    accuracy: pd.DataFrame
    scores: Mapping[str, pd.DataFrame]
    architecture: pd.Series
    notes: tuple[str, ...] = ()

    def on(self, dataset: str) -> pd.Series:
        """Accuracy on one data set, (models,), in percent. Raises BadInput for one that is not in the table."""
        known = [*self.accuracy.columns]
        name = dataset_name(dataset)
        demand(name in known, "dataset", f"one of {', '.join(known)}", dataset)
        return self.accuracy[name]


def read(path: Path) -> Published:
    """The accuracies in a .csv or .parquet file. Raises BadInput, in one line that names the file.

    Long form: a row is a model on a data set, with columns as in `COLUMNS` (`source` is optional: then a model is
    "ARCHITECTURE@SOURCE"); other numeric columns are scores. Wide form: a row is a model and any other column a data
    set, or a row is a data set and any other column a model. Percent, or fractions where no value exceeds 1. Spellings
    of known names are unified (`names`). An empty cell is nan; a model twice on one data set is refused.
    """
    frame = _frame(path)
    found = _found(frame)
    long = {"model", "dataset"} <= found.keys()
    if long and "accuracy" not in found:
        wanted = f"a table with a column of accuracies ({', '.join(COLUMNS['accuracy'])})"
        raise BadInput(f"table: must be {wanted} (got {path} with {_listed(frame.columns)})")
    rows = _named(path, frame, found) if long else _melted(path, frame, found)
    accuracy = _grid(path, rows, "accuracy")
    accuracy, notes = _percent(path, accuracy)
    form = "one row for each model and data set" if long else "one row for each model or data set"
    return Published(path, accuracy, _scores(path, rows), _architecture(rows), (form, *notes))


def read_scores(path: Path) -> dict[str, pd.DataFrame]:
    """The scores in a file of the long form, each (models, data sets); the accuracies, if there are any, left out.

    Raises BadInput as `read` does.
    """
    frame = _frame(path)
    found = _found(frame)
    missing = [name for name in ("model", "dataset") if name not in found]
    demand(not missing, "scores", f"a table with the columns {' and '.join(missing)}", f"{path} without")
    scores = _scores(path, _named(path, frame, found))
    demand(bool(scores), "scores", "a table with a column of numbers besides the accuracy", str(path))
    return scores


def _frame(path: Path) -> pd.DataFrame:
    """All columns of the file as they are."""
    demand(path.is_file(), "table", "an existing .csv or .parquet file", str(path))
    demand(path.suffix.lower() in (".csv", ".parquet"), "table", "a .csv or .parquet file", str(path))
    demand(path.stat().st_size <= LARGEST, "table", f"a file of at most {LARGEST} bytes", str(path))
    try:
        frame = pd.read_csv(path) if path.suffix.lower() == ".csv" else pd.read_parquet(path)
    except FAULTS as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"table: must be a readable table (got {path}: {type(error).__name__}: {reason})") from error
    demand(len(frame) > 0, "table", "a table with rows", str(path))
    return frame.rename(columns=str)


def _found(frame: pd.DataFrame) -> dict[str, str]:
    """The table's name of each column of `COLUMNS` that it has."""
    there = {name.strip().lower(): name for name in reversed(frame.columns)}
    likely = {role: [there[name] for name in names if name in there] for role, names in COLUMNS.items()}
    return {role: names[0] for role, names in likely.items() if names}


def _named(path: Path, frame: pd.DataFrame, found: Mapping[str, str]) -> pd.DataFrame:
    """The table with the names of `COLUMNS` for columns, and one spelling for each model and data set."""
    rows = frame.rename(columns={name: role for role, name in found.items()})
    for role in ("model", "dataset", "source"):
        if role in rows:
            empty = np.flatnonzero(rows[role].isna())
            wanted = f"a table with a {role} in every row"
            demand(not len(empty), "table", wanted, f"{path} without in row {1 + int(empty[0]) if len(empty) else 0}")
    rows["architecture"] = rows["model"].astype(str).map(model_name)
    rows["model"] = rows["architecture"]
    rows["dataset"] = rows["dataset"].astype(str).map(dataset_name)
    if "source" in rows:
        rows["model"] = rows["architecture"] + "@" + rows.pop("source").astype(str).map(dataset_name)
    twice = rows[rows.duplicated(["model", "dataset"])]
    first = "" if twice.empty else f": {twice['model'].iloc[0]} on {twice['dataset'].iloc[0]}"
    wanted = "a table with one row for each model and data set"
    demand(twice.empty, "table", wanted, f"{path} with {len(twice)} repeated{first}")
    return rows


def _melted(path: Path, frame: pd.DataFrame, found: Mapping[str, str]) -> pd.DataFrame:
    """The long form of a wide table."""
    role = next((role for role in ("model", "dataset") if role in found), "")
    likely = [f"{what} ({', '.join(COLUMNS[name])})" for what, name in (("models", "model"), ("data sets", "dataset"))]
    wanted = f"a table with a column of {' or of '.join(likely)}"
    demand(bool(role), "table", wanted, f"{path} with {_listed(frame.columns)}")
    other = "dataset" if role == "model" else "model"
    kept = [found[name] for name in (role, "source") if name in found and (name == role or role == "model")]
    rows = frame.melt(id_vars=kept, var_name=other, value_name="accuracy")
    demand(rows[other].nunique() > 0, "table", "a table with accuracies", f"{path} with {_listed(frame.columns)}")
    return _named(path, rows, {name: found[name] for name in (role, "source") if found.get(name) in kept})


def _grid(path: Path, rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """A column as (models, data sets), both in the order of the table."""
    numbers = pd.to_numeric(rows[column], errors="coerce").astype(float)
    strange = rows[column][numbers.isna() & rows[column].notna()]
    first = "" if strange.empty else f"{strange.iloc[0]!r} in column {column}"
    demand(strange.empty, "table", "a table with numbers", f"{path} with {first}")
    grid = rows.assign(value=numbers).pivot(index="model", columns="dataset", values="value")
    return grid.loc[rows["model"].unique(), rows["dataset"].unique()].rename_axis(index="model", columns="dataset")


def _percent(path: Path, accuracy: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The accuracies in percent, and what was noticed."""
    values = accuracy.to_numpy()
    absent = int((values == ABSENT).sum())
    accuracy = accuracy.mask(values == ABSENT)
    values = accuracy.to_numpy()
    there = np.isfinite(values)
    demand(bool(there.any()), "table", "a table with accuracies", f"{path} without")
    low, high = float(values[there].min()), float(values[there].max())
    wanted = "a table with accuracies of 0 to 100 (or 0 to 1)"
    demand(0 <= low <= high <= 100, "table", wanted, f"{path}, {low} to {high}")
    notes = [f"{absent} values of {ABSENT:g}, taken as empty"] if absent else []
    notes += [f"{(~there).sum()} of {there.size} cells are empty"] if not there.all() else []
    if high <= 1:
        return accuracy * 100, ["fractions, taken as percent", *notes]
    return accuracy, ["percent", *notes]


def _scores(path: Path, rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    others = [str(name) for name in rows if name not in (*COLUMNS, "architecture")]
    return {name: _grid(path, rows, name) for name in others if pd.api.types.is_numeric_dtype(rows[name])}


def _architecture(rows: pd.DataFrame) -> pd.Series:
    return rows.drop_duplicates("model").set_index("model")["architecture"]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)[:200]
