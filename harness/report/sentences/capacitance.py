"""What β_eff says, and what it adds to what is known without it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.numbers import equals, interval, listed, number, of, ordinal
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import RunTables


def capacitance(tables: RunTables) -> str:
    """Where the best reading of β_eff stands, what is left of it once loss or size is known, what it adds to others."""
    table = ranked_table(tables)
    mine = table[table["family"] == "capacitance"]
    name = tables.best_capacitance
    if mine.empty:
        return "No capacitance predictor (β_eff) was run."
    if name is None:
        return "No capacitance predictor (β_eff) has a τ at this budget."
    place = int(table.index[table["predictor"] == name][0])
    row: dict[str, Any] = {str(key): value for key, value in table.iloc[place].items()}
    which = f", the best of {len(mine)} capacitance predictors, itself a selection" if len(mine) > 1 else ""
    scored = int(table["tau"].notna().sum())
    text = f"β_eff (`{name}`{which}) comes {ordinal(place + 1)} of {scored}, with τ {of(row, 'tau')}."
    if pd.isna(row["difference"]):
        parts = [text, _given(row), "No paired difference to a baseline was computed.", _added(tables)]
    else:
        parts = [text, _given(row), _paired(row, 1 - tables.level), _over_budgets(tables, name), _added(tables)]
    return " ".join(part for part in parts if part)


def _given(row: dict[str, Any]) -> str:
    """What is left of the predictor's τ once the training loss, FLOPs, parameters, or the first two are held fixed."""
    said = [
        f"{of(row, column)} given {what}"
        for column, what in (
            ("tau_given_train_loss", "the training loss"),
            ("tau_given_flops", "FLOPs"),
            ("tau_given_params", "parameters"),
            ("tau_given_train_loss_and_flops", "the training loss and FLOPs together"),
        )
        if pd.notna(row[column])
    ]
    return f"Its partial τ is {listed(said)}." if said else ""


def _added(tables: RunTables) -> str:
    """What β_eff adds to predictors that were also run without it."""
    rows = tables.at_end(tables.ablations)
    rows = rows[(rows["group"] == "capacitance") & rows["difference"].notna()]
    return " ".join(
        f"Among the inputs of `{row['predictor']}`, β_eff changes τ by {number(row['difference'], sign=True)} "
        f"{interval(row['low'], row['high'], sign=True)} (from {number(row['tau_without'])} to {number(row['tau'])})."
        for row in rows.to_dict("records")
    )


def _paired(row: Any, alpha: float) -> str:
    low, high = row["difference_low"], row["difference_high"]
    text = (
        f"Its paired difference in τ to the best baseline, `{row['against']}`, is "
        f"{number(row['difference'], sign=True)} {interval(low, high, sign=True)}"
    )
    if pd.notna(row["p"]):
        text += f" ({equals(row['p'])}, {equals(row['p_holm'])} after Holm's correction)"
    unsure = ", but not after the correction" if row["p_holm"] > alpha else ""
    if pd.isna(low) or pd.isna(high):
        return text.rstrip() + " (no interval)."
    if low > 0:
        return f"{text}: the interval excludes 0, in favour of β_eff{unsure}."
    if high < 0:
        return f"{text}: the interval excludes 0, in favour of the baseline{unsure}."
    return text + ": the interval includes 0, so these architectures do not tell the two apart."


def _over_budgets(tables: RunTables, name: str) -> str:
    rows = tables.differences[(tables.differences["predictor"] == name) & tables.differences["low"].notna()]
    if len(rows) < 2:
        return ""
    above, below = int((rows["low"] > 0).sum()), int((rows["high"] < 0).sum())
    return (
        f"Against the best baseline of each of {len(rows)} budgets the interval lies above 0 at {above} and below 0 at "
        f"{below} (not corrected for looking at several)."
    )
