"""Where predictors fail."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.numbers import count, estimate, listed, number, of
from harness.report.run_tables import RunTables

STAGES = {"train": "training", "measure": "measure", "score": "score"}
"""What a failure of each stage is called; the plural adds an s."""


def failing(tables: RunTables) -> str:
    """How the best predictor does among the good architectures, in its first choices, and on close pairs."""
    scored = tables.final[tables.final["tau"].notna()]
    if scored.empty:
        return f"No predictor has a Kendall τ, so there is no ranking to look into. {_lost(tables)}"
    best: dict[str, Any] = {str(key): value for key, value in scored.iloc[0].items()}
    name = str(best["predictor"])
    parts = (_good(best, tables), _choice(tables, name), _close(tables, name), _lost(tables))
    return " ".join(part for part in parts if part)


def _good(best: dict[str, Any], tables: RunTables) -> str:
    """τ among the good ones, with what the truth's own noise leaves to be known there."""
    names = {"top 50 %": "tau_half", "top 20 %": "tau_fifth", "top 10 %": "tau_tenth"}
    names = {name: column for name, column in names.items() if pd.notna(best[column])}
    if not names:
        return ""
    said = [f"{of(best, column)} in the {name}{_oracle(tables, name)}" for name, column in names.items()]
    text = f"`{best['predictor']}` ranks the good architectures with τ {listed(said)}"
    unsure = [name for name, column in names.items() if best[f"{column}_low"] <= 0 <= best[f"{column}_high"]]
    return text + (f"; in the {listed(unsure)} the interval includes 0." if unsure else ".")


def _oracle(tables: RunTables, subset: str) -> str:
    row = tables.ceilings(subset).get("oracle")
    if not row:
        return ""
    return f" (oracle ceiling {number(row['tau'])})" if row["tau"] > 0 else " (no ceiling above 0 can be shown)"


def _choice(tables: RunTables, name: str) -> str:
    rows = tables.at_end(tables.selection)
    rows = rows[(rows["predictor"] == name) & rows["precision"].notna() & (rows["k"] < rows["n"])].sort_values("k")
    if rows.empty:
        return ""
    first, last = rows.iloc[0], rows.iloc[-1]
    regret = estimate(first["regret"], first["regret_low"], first["regret_high"])
    lost = f"choosing the best of its first {first['k']}" if first["k"] > 1 else "taking the one it ranks first"
    return (
        f"Of the {last['k']} that it ranks first, {number(100 * last['precision'], 0)} % are among the true best "
        f"{last['k']} (by chance {number(100 * last['k'] / last['n'], 0)} %); "
        f"{lost} loses {regret} percentage points of accuracy to the best there is."
    )


def _close(tables: RunTables, name: str) -> str:
    """The nearest and the farthest pairs, of ranges that do not hang on one architecture."""
    rows = tables.at_end(tables.pairs)
    rows = rows[(rows["predictor"] == name) & rows["accuracy"].notna() & (rows["disjoint"] > 1)].sort_values("gap_low")
    if len(rows) < 2:
        return ""
    close, far = rows.iloc[0], rows.iloc[-1]
    parts = [f"{number(100 * row['accuracy'], 0)} % of pairs {_apart(row)}" for row in (close, far)]
    return f"It puts {listed(parts)} in the right order."


def _apart(row: Any) -> str:
    low, high = f"{row['gap_low']:g}", f"{row['gap_high']:g}"
    if high == "inf":
        return f"more than {low} points apart"
    return f"at most {high} points apart" if row["gap_low"] == 0 else f"{low} to {high} points apart"


def _lost(tables: RunTables) -> str:
    """How much is missing; its reasons are in the table."""
    if tables.failures.empty:
        return "No training and no score failed."
    of = tables.failures["stage"].value_counts()
    said = [f"{count(n)} {STAGES.get(str(stage), str(stage))}{'s' if n > 1 else ''}" for stage, n in of.items()]
    return f"{listed(said)} failed, counted for an architecture at a budget."
