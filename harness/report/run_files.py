"""The tables of one run out of its folder, read and checked; the only way into the report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.report.run_tables import RunTables
from harness.schema import demand
from harness.schema.columns import OPTIONAL_TABLES, RUN_TABLES
from harness.schema.documents import RUN_STATUS, demand_keys
from harness.schema.visible import visible, visible_value
from harness.storage.tables import STATUS, is_stored, read_results

if TYPE_CHECKING:
    import pandas as pd


def read(folder: Path) -> RunTables:
    """The tables of a results folder.

    Raises BadInput, in one line that names the file, where one is missing, damaged, or made by an earlier version.
    """
    further = [name for name in OPTIONAL_TABLES if is_stored(folder, name)]
    found = read_results(folder, [*RUN_TABLES, *further])
    demand_keys(str(folder / STATUS), found.status, RUN_STATUS)
    tables = {name: visible_texts(frame) for name, frame in found.tables.items()}
    _demand_consistent(folder, tables)
    return RunTables(
        **tables,
        status=visible_value(found.status),
        environment={visible(key): visible(str(value)) for key, value in found.environment.items()},
        config=visible(found.config, lines=True),
    )


def visible_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with every text in it, names of columns too, made visible: figures draw them as they are."""
    named = frame.rename(columns=lambda name: visible(str(name)))
    texts = named.select_dtypes(["object", "str"]).columns
    demand(named.columns.is_unique, "results", "tables with columns of different names", "several of one name")
    return named.assign(**{name: named[name].map(visible, na_action="ignore") for name in texts})


def _demand_consistent(folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Raise BadInput for tables that cannot be of one run."""
    demand(len(tables["metrics"]) > 0, str(folder / "metrics.parquet"), "a table of at least one row", 0)
    for name, keys in ((name, keys) for name, keys in KEYS.items() if name in tables):
        twice = bool(tables[name].duplicated(list(keys)).any())
        demand(not twice, str(folder / f"{name}.parquet"), f"a table with one row per {', '.join(keys)}", "several")
    known = set(tables["architectures"]["architecture"])
    strangers = sorted(set(tables["scores"]["architecture"]) - known)
    demand(not strangers, str(folder / "scores.parquet"), "a table of the run's architectures", strangers[:1])
    unscored = sorted(set(tables["metrics"]["predictor"]) - set(tables["scores"]["predictor"]))
    demand(not unscored, str(folder / "metrics.parquet"), "a table of predictors with scores", unscored[:1])


KEYS = {
    "architectures": ("architecture",),
    "metrics": ("predictor", "step"),
    "scores": ("predictor", "step", "architecture"),
    "differences": ("predictor", "step"),
    "selection": ("predictor", "step", "k"),
    "pairs": ("predictor", "step", "gap_low"),
    "targets": ("target", "predictor", "step"),
    "elsewhere": ("architecture", "dataset", "seed"),
}
"""What names a row of a table."""
