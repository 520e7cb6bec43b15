"""The gathered ranked table of a sweep, for files and the page."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from harness.report.numbers import count, counted, number
from harness.report.sweep.sentences import settings_table
from harness.report.sweep.sweep_tables import SweepTables
from harness.report.tables.display_table import DisplayTable, quantities, scores, strings
from harness.report.text import Content
from harness.schema.families import family

PLAIN_ENDS = ("low", "high")
"""The ends of the interval of τ in the gathered tables."""

rank_form = partial(number, decimals=1)
"""How average ranks are written."""


def gathered_table(tables: SweepTables) -> DisplayTable:
    """One row per predictor, best first: its average rank over blocks, and τ with interval in each setting.

    The numbers have each interval in two columns of their own.
    """
    order = tables.order
    names = [str(name) for name in order["predictor"]]
    ranks = tables.ranks.set_index("predictor")["rank"].reindex(names).astype(float)
    columns: dict[str, list[Content]] = {
        "predictor": strings(names),
        "family": [family(str(name)).label for name in order["family"]],
        "rank": quantities(ranks, rank_form),
    }
    found: dict[str, Any] = {"predictor": names, "family": columns["family"], "rank": ranks.tolist()}
    ends: dict[str, list[float]] = {}

    def add(heading: str, rows: pd.DataFrame, name: str, low_high: tuple[str, str], sign: bool = False) -> None:
        columns[heading] = scores(rows, name, sign, low_high)
        found[heading] = rows[name].astype(float).tolist()
        for end, column in zip(("low", "high"), low_high, strict=True):
            ends[f"{heading}, {end}"] = rows[column].astype(float).tolist()

    several = len(tables.settings) > 1
    if several:
        columns["mean τ"], found["mean τ"] = quantities(order["tau"]), order["tau"].astype(float).tolist()
    for setting in tables.settings:
        rows = tables.at(setting).set_index("predictor").reindex(names)
        add(setting if several else "τ", rows, "tau", PLAIN_ENDS)
    if not several and tables.settings:
        for heading, name, form in (("sd", "sd", number), ("runs", "jobs", count)):
            columns[heading], found[heading] = quantities(rows[name], form), rows[name].astype(float).tolist()
        add("Δτ to baseline", rows, "difference", ("difference_low", "difference_high"), sign=True)
        columns["baseline"], found["baseline"] = strings(rows["baseline"]), rows["baseline"].tolist()
    return DisplayTable(pd.DataFrame(found | ends), columns, left=2, words=("baseline",))


def budgets_table(tables: SweepTables, setting: str) -> DisplayTable:
    """One row per predictor, best at the last step first: its mean τ at every budget of the setting."""
    rows = tables.gathered[tables.gathered["setting"] == setting]
    names = strings(tables.at(setting)["predictor"])
    wide = rows.pivot(index="predictor", columns="step", values="tau").reindex(names)
    steps = sorted(int(str(step)) for step in wide)
    columns = {"predictor": names} | {counted(step, "step"): quantities(wide[step]) for step in steps}
    return DisplayTable(wide.reset_index(), columns)


def targets_table(tables: SweepTables, setting: str) -> DisplayTable:
    """One row per predictor of a setting: its mean τ with each further ground truth, at the last step."""
    rows = tables.gathered_targets[tables.gathered_targets["setting"] == setting]
    names = strings(tables.at(setting)["predictor"])
    wide = rows.pivot(index="predictor", columns="target", values="tau").reindex(names)
    columns = {"predictor": names} | {str(target): quantities(wide[target]) for target in dict.fromkeys(rows["target"])}
    return DisplayTable(wide.reset_index(), columns)


def best_table(tables: SweepTables) -> DisplayTable:
    """One row per setting: its runs and steps, the best predictor and its difference to the best other baseline."""
    rows = settings_table(tables)
    columns = {
        "setting": strings(rows["setting"]),
        "runs": quantities(rows["runs"], count),
        "steps": quantities(rows["step"], count),
        "best predictor": strings(rows["predictor"]),
        "τ": scores(rows, "tau", ends=PLAIN_ENDS),
        "sd": quantities(rows["sd"]),
        "Δτ": scores(rows, "difference", sign=True),
        "to the baseline": strings(rows["baseline"]),
    }
    return DisplayTable(rows, columns, words=("best predictor", "to the baseline"))
