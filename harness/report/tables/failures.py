"""What gave no number, counted by its reason."""

from __future__ import annotations

import pandas as pd

from harness.report.numbers import NONE, count
from harness.report.run_tables import RunTables
from harness.report.tables.display_table import DisplayTable, quantities, strings


def failures(tables: RunTables) -> DisplayTable:
    """Failures by stage, predictor and reason, most frequent first."""
    counted = count_failures(tables.failures)
    columns = {
        "stage": strings(counted["stage"]),
        "predictor": [name or NONE for name in strings(counted["predictor"])],
        "reason": strings(counted["reason"]),
        "rows": quantities(counted["count"], count),
        "architectures": quantities(counted["architectures"], count),
        "budgets": quantities(counted["budgets"], count),
    }
    return DisplayTable(counted, columns, left=3)


def count_failures(failures: pd.DataFrame) -> pd.DataFrame:
    """Failures counted by stage, predictor and reason, most frequent first.

    `count` is rows (an architecture at a budget), `architectures` how many different ones, `budgets` at how many.
    """
    groups = failures.groupby(["stage", "predictor", "reason"], dropna=False)
    counted = groups.agg(
        count=("reason", "size"), architectures=("architecture", "nunique"), budgets=("step", "nunique")
    )
    by = ["count", "stage", "predictor", "reason"]
    return counted.reset_index().sort_values(by, ascending=[False, True, True, True], ignore_index=True)
