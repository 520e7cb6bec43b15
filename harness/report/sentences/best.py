"""Which predictor ranks best, and by how much over which baseline."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.numbers import of
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import RunTables


def ranking(tables: RunTables) -> str:
    """The best predictor and what stands against it."""
    table = ranked_table(tables)
    scored = table[table["tau"].notna()]
    if scored.empty:
        return f"None of the {len(table)} predictors has a Kendall τ {tables.moment}; nothing was ranked."
    best: dict[str, Any] = {str(key): value for key, value in scored.iloc[0].items()}
    text = (
        f"`{best['predictor']}` has the highest Kendall τ, {of(best, 'tau')} ({tables.percent} interval, "
        f"n = {best['n']}){_against(best, scored)}."
    )
    if len(scored) == 1:
        return text + " It is the only predictor with a τ."
    text += (
        f" It is the largest of {len(scored)} estimates on the same architectures, so it carries selection: expect a "
        "lower τ on others."
    )
    return " ".join(part for part in (text, _sets(tables)) if part)


def _against(best: dict[str, Any], scored: pd.DataFrame) -> str:
    """The best baseline beside the best predictor; the next one where the best predictor is a baseline itself."""
    if pd.isna(best["difference"]):
        return ", and is itself the best baseline" if best["baseline"] else ""
    rival: dict[str, Any] = dict(scored.set_index("predictor").loc[best["against"]])
    which = "the next baseline" if best["baseline"] else "the best baseline"
    paired = of(best, "difference", sign=True)
    return f", against {of(rival, 'tau')} for {which}, `{best['against']}` (paired difference {paired})"


def _sets(tables: RunTables) -> str:
    counts = tables.final.loc[tables.final["tau"].notna(), "n"]
    if counts.nunique() < 2:
        return ""
    return (
        f"Predictors with failures are ranked on fewer architectures ({counts.min()} to {counts.max()}), so their τ is "
        "not over the same set."
    )
