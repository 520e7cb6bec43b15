"""Tables on the good architectures and on single choices: where a search lives, and where predictors are weak."""

from __future__ import annotations

from math import isinf

import pandas as pd

from harness.report.numbers import NONE
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import TOPS, RunTables
from harness.report.tables.display_table import DisplayTable, scores, strings
from harness.report.text import Content


def subsets(tables: RunTables) -> DisplayTable:
    """τ among all architectures and among the good ones."""
    table = ranked_table(tables)
    names = {"all": "tau", **{top: column for column, top in TOPS.items()}}
    kept = [f"{name}{end}" for name in names.values() for end in ("", "_low", "_high")]
    columns = {heading: scores(table, name) for heading, name in names.items()}
    return DisplayTable(
        table[["predictor", *kept, "n", "n_half", "n_fifth", "n_tenth"]],
        {"predictor": strings(table["predictor"]), **columns},
    )


def selection(tables: RunTables) -> DisplayTable:
    """Precision@k and top-k regret: the numbers at every budget, shown at the last, in the order of the ranking."""
    rows = tables.at_end(tables.selection)
    cells = {}
    for name, heading in (("precision", "precision@{}"), ("regret", "regret@{}")):
        for k, of_k in rows.groupby("k"):
            cells[heading.format(k)] = dict(zip(of_k["predictor"], scores(_open(of_k, name), name), strict=True))
    return DisplayTable(tables.selection, _ranked(tables, cells))


def _open(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows without the intervals that have no width: of one choice that no draw changes they say nothing."""
    closed = rows[f"{name}_low"] == rows[f"{name}_high"]
    return rows.assign(**{f"{name}{end}": rows[f"{name}{end}"].mask(closed) for end in ("_low", "_high")})


def pairs(tables: RunTables) -> DisplayTable:
    """Share of pairs put in the right order, by the distance of their accuracies; shown at the last budget."""
    rows = tables.at_end(tables.pairs)
    ranges = rows[["gap_low", "gap_high"]].drop_duplicates().sort_values("gap_low").to_numpy(dtype=float)
    cells = {}
    for low, high in ranges:
        of_gap = rows[rows["gap_low"] == low]
        values = scores(of_gap, "accuracy", ends=("low", "high"))
        cells[gap(low, high)] = dict(zip(of_gap["predictor"], values, strict=True))
    return DisplayTable(tables.pairs, _ranked(tables, cells))


def gap(low: float, high: float) -> str:
    """A range of distances in accuracy, such as 0.5\N{EN DASH}1, or > 10 for one without an end."""
    return f"> {low:g}" if isinf(high) else f"{low:g}\N{EN DASH}{high:g}"


def _ranked(tables: RunTables, cells: dict[str, dict[str, Content]]) -> dict[str, list[Content]]:
    """A row per predictor, a column per heading; a dash where a predictor has none."""
    names = strings(tables.final["predictor"])
    return {"predictor": names} | {
        heading: [of.get(str(name), NONE) for name in names] for heading, of in cells.items()
    }
