"""Which predictor ranks best, and by how much over which baseline."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.numbers import equal
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import RunTables
from harness.report.text import Name, Points, Text, score


def describe_ranking(tables: RunTables) -> Text:
    """The best predictor and the baseline to compare it with."""
    table = ranked_table(tables)
    scored = table[table["tau"].notna()]
    if scored.empty:
        return Text(f"None of the {len(table)} predictors has a Kendall τ {tables.moment}; nothing was ranked.")
    best: dict[str, Any] = {str(key): value for key, value in scored.iloc[0].items()}
    first = Text(
        Name(best["predictor"]), " has the highest Kendall τ, ", score(best, "tau"),
        f" ({tables.percent} interval, {equal('n', best['n'])})", _compared(best, scored), ".",
    )  # fmt: skip
    if len(scored) == 1:
        return Text(first, " It is the only predictor with a τ.")
    selection = Text(
        f"As the maximum of {len(scored)} estimates over the same architectures it is subject to selection bias "
        "(winner's curse): expect a lower τ on others."
    )
    return Points([first, selection, _sets(tables)])


def _compared(best: dict[str, Any], scored: pd.DataFrame) -> Text:
    """The best baseline next to the best predictor; the next one where the best predictor is a baseline itself."""
    if pd.isna(best["difference"]):
        return Text(", and is itself the best baseline" if best["baseline"] else "")
    rival: dict[str, Any] = {
        str(key): value for key, value in scored.set_index("predictor").loc[best["against"]].items()
    }
    which = "the next baseline" if best["baseline"] else "the best baseline"
    return Text(
        ", against ", score(rival, "tau"), f" for {which}, ", Name(best["against"]), " (paired difference ",
        score(best, "difference", sign=True), ")",
    )  # fmt: skip


def _sets(tables: RunTables) -> Text:
    """Whether all are ranked over the same architectures."""
    counts = tables.final.loc[tables.final["tau"].notna(), "n"]
    if counts.nunique() < 2:
        return Text()
    few = int((counts < counts.max() / 2).sum())
    last = f" {few} with scores for less than half of them {'is' if few == 1 else 'are'} ranked after the others."
    return Text(
        f"Predictors with failures are ranked on fewer architectures ({counts.min()} to {counts.max()}), so their τ is "
        f"not over the same set.{last if few else ''}"
    )
