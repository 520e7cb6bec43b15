"""Whether the difference is real."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.numbers import count, counted, equals, estimate, number, of, percent
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import RunTables


def settled(tables: RunTables) -> str:
    """The test of the best predictor against the best baseline, what this n could tell, and how many are tied."""
    table = ranked_table(tables)
    compared = table[table["difference"].notna()]
    if compared.empty:
        return f"No paired difference to a baseline was computed, so no difference was tested. {_ceiling(tables)}"
    first: dict[str, Any] = {str(key): value for key, value in compared.iloc[0].items()}
    parts = (_verdict(first, tables, len(compared)), _power(first), _tied(table, tables), _ceiling(tables))
    return " ".join(part for part in parts if part)


def _verdict(row: dict[str, Any], tables: RunTables, compared: int) -> str:
    """The paired interval and the permutation test; they decide by the Holm-adjusted p."""
    told = "no interval" if pd.isna(row["difference_low"]) else f"{tables.percent} interval"
    text = (
        f"`{row['predictor']}` differs from `{row['against']}` by {of(row, 'difference', sign=True)} in τ (paired, "
        f"{told}); the permutation test gives {equals(row['p'])}, {equals(row['p_holm'])} after Holm's correction "
        f"for {compared} comparison{'s' if compared > 1 else ''}"
    )
    if pd.isna(row["p_holm"]):
        return text + "."
    if row["p_holm"] > _alpha(tables):
        return text + ": these architectures do not tell the two apart."
    return text + f": the difference is significant at {percent(_alpha(tables))}."


def _power(row: dict[str, Any]) -> str:
    if pd.isna(row["detectable"]):
        return ""
    if row["detectable"] == 0:
        return "Both rank every architecture alike."
    return (
        f"With n = {count(row['n_paired'])} a difference of {number(row['detectable'])} between these two would be "
        "found four times in five, before any correction for several comparisons; a smaller one may well be missed."
    )


def _tied(table: pd.DataFrame, tables: RunTables) -> str:
    """How many cannot be told from the best baseline, which all others are compared to."""
    rival = table.loc[table["difference"].notna() & table["against"].notna(), "against"].mode()
    if rival.empty:
        return ""
    others = table[(table["against"] == rival.iloc[0]) & table["p_holm"].notna()]
    if others.empty:
        return ""
    real = others["p_holm"] <= _alpha(tables)
    above, below = int((real & (others["difference"] > 0)).sum()), int((real & (others["difference"] < 0)).sum())
    return (
        f"Of the {len(others)} predictors compared with the best baseline, `{rival.iloc[0]}`, {int((~real).sum())} "
        f"cannot be told from it (Holm-adjusted p above {number(_alpha(tables), 3).rstrip('0')}), {above} "
        f"rank{'s' if above == 1 else ''} better and {below} worse."
    )


def _ceiling(tables: RunTables) -> str:
    kinds = tables.ceilings()
    if not kinds:
        return f"No ceiling is given: {tables.why_no_ceiling}."
    if not tables.band:
        return "The seeds of the truth do not agree: no ceiling above 0 can be shown."
    return f"The ceiling: {'; '.join(_reach(kind, row) for kind, row in kinds.items())}."


def _reach(kind: str, row: dict[str, Any]) -> str:
    """What one kind of ceiling means, with its τ."""
    tau = estimate(row["tau"], row["low"], row["high"])
    if kind == "retraining":
        one = f", one more training each with τ {number(row['tau_one'])}" if pd.notna(row["tau_one"]) else ""
        return f"repeating the whole truth, {counted(row['seeds'], 'seed')} each, would order them with τ {tau}{one}"
    return f"{'knowing the expected accuracy without noise' if kind == 'oracle' else kind} would give τ {tau}"


def _alpha(tables: RunTables) -> float:
    return round(1 - tables.level, 12)
