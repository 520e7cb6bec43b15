"""Sheets on the good architectures and on single choices: where a search lives, and where predictors are weak."""

from __future__ import annotations

from math import isinf

import pandas as pd

from harness.report.numbers import estimate, number
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import RunTables
from harness.report.tables.display_table import DisplayTable, estimates


def subsets(tables: RunTables) -> DisplayTable:
    """τ among all architectures and among the good ones."""
    table = ranked_table(tables)
    names = {"all": "tau", "top 50 %": "tau_half", "top 20 %": "tau_fifth", "top 10 %": "tau_tenth"}
    text = {heading: estimates(table, name) for heading, name in names.items()}
    kept = [f"{name}{end}" for name in names.values() for end in ("", "_low", "_high")]
    numbers = table[["predictor", *kept, "n", "n_half", "n_fifth", "n_tenth"]]
    return DisplayTable(numbers, pd.DataFrame({"predictor": table["predictor"], **text}))


def selection(tables: RunTables) -> DisplayTable:
    """Precision@k and top-k regret: the numbers at every budget, the text at the last, in the order of the ranking."""
    rows = tables.at_end(tables.selection)
    said = {}
    for name, heading in (("precision", "precision@{}"), ("regret", "regret@{}")):
        for k, of_k in rows.groupby("k"):
            said[heading.format(k)] = dict(zip(of_k["predictor"], estimates(of_k, name), strict=True))
    return DisplayTable(tables.selection, _ranked(tables, said))


def pairs(tables: RunTables) -> DisplayTable:
    """Share of pairs put in the right order, by the distance of their accuracies; the text at the last budget."""
    rows = tables.at_end(tables.pairs)
    ranges = rows[["gap_low", "gap_high"]].drop_duplicates().sort_values("gap_low").to_numpy(dtype=float)
    said = {}
    for low, high in ranges:
        of_gap = rows[rows["gap_low"] == low].to_dict("records")
        said[gap(low, high)] = {row["predictor"]: estimate(row["accuracy"], row["low"], row["high"]) for row in of_gap}
    return DisplayTable(tables.pairs, _ranked(tables, said))


def gap(low: float, high: float) -> str:
    """A range of distances in accuracy, such as 0.5\N{EN DASH}1, or > 10 for one without an end."""
    return f"> {low:g}" if isinf(high) else f"{low:g}\N{EN DASH}{high:g}"


def _ranked(tables: RunTables, said: dict[str, dict[str, str]]) -> pd.DataFrame:
    """A row a predictor, a column a heading; a dash where a predictor has none."""
    names = tables.final["predictor"]
    columns = {heading: [texts.get(name, number(float("nan"))) for name in names] for heading, texts in said.items()}
    return pd.DataFrame({"predictor": names, **columns})
