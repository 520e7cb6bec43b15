"""Where the predictors under study rank, and what they add to what is known without them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.numbers import equals, ordinal
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import RunTables
from harness.report.text import SYMBOLS, Content, Name, Number, Points, Text, joined, listed, score
from harness.schema.families import FAMILIES, family


def label(tables: RunTables, name: str) -> Content:
    """How a family or a predictor is called in a sentence: a family by its symbol or label, a predictor by its name."""
    if name in FAMILIES or name in set(tables.metrics["family"]):
        return SYMBOLS.get(family(name).symbol, family(name).label)
    return Name(name)


def title_studied(tables: RunTables) -> Text:
    """The question of the section, whatever is studied."""
    names = [label(tables, name) for name in tables.studied]
    if not names:
        return Text("What is under study?")
    return Text("What ", "does " if len(names) == 1 else "do ", listed(names), " add?")


def describe_studied(tables: RunTables) -> Text:
    """Where the best predictor under study ranks, what is left of it given loss or size, what it adds to others."""
    table = ranked_table(tables)
    mine = table[tables.is_studied(table)]
    name = tables.best_studied
    if not tables.studied:
        return Text("No family and no predictor is named as under study.")
    about = listed([label(tables, each) for each in tables.studied])
    if mine.empty:
        return Text("No predictor under study (", about, ") was run.")
    if name is None:
        return Text("No predictor under study (", about, ") has a τ at this budget.")
    place = int(table.index[table["predictor"] == name][0])
    row: dict[str, Any] = {str(key): value for key, value in table.iloc[place].items()}
    chosen = f", the best of {len(mine)} predictors under study, itself a selection" if len(mine) > 1 else ""
    which = Text(" (", about, chosen, ")") if about != Text(Name(name)) else Text(chosen)
    scored = int(table["tau"].notna().sum())
    first = Text(Name(name), which, f" ranks {ordinal(place + 1)} of {scored}, with τ ", score(row, "tau"), ".")
    if pd.isna(row["difference"]):
        missing = Text("No paired difference to a baseline was computed.")
        return Points([first, _given(row), missing, _added(tables)])
    return Points([first, _given(row), _paired(row, tables), _over_budgets(tables, name), _added(tables)])


def _given(row: dict[str, Any]) -> Text:
    """What is left of the predictor's τ once the training loss, FLOPs, parameters, or the first two are held fixed."""
    partial = [
        Text(score(row, column), f" given {what}")
        for column, what in (
            ("tau_given_train_loss", "the training loss"),
            ("tau_given_flops", "FLOPs"),
            ("tau_given_params", "parameters"),
            ("tau_given_train_loss_and_flops", "the training loss and FLOPs together"),
        )
        if pd.notna(row[column])
    ]
    return Text("Its partial τ is ", listed(partial), ".") if partial else Text()


def _added(tables: RunTables) -> Text:
    """What the inputs under study add to predictors that were also run without them."""
    rows = tables.at_end(tables.ablations).rename(columns={"low": "difference_low", "high": "difference_high"})
    rows = rows[rows["group"].isin(tables.studied) & rows["difference"].notna()]
    return joined(
        Text(
            "Among the inputs of ", Name(row["predictor"]), ", ", label(tables, str(row["group"])), " changes τ by ",
            score(row, "difference", sign=True), " (from ", Number(row["tau_without"]), " to ",
            Number(row["tau"]), ").",
        )
        for row in rows.to_dict("records")
    )  # fmt: skip


def _paired(row: Any, tables: RunTables) -> Text:
    """The paired difference to the best baseline, and what its interval says."""
    own, adjusted = equals(row["p"], tables.floor_of(row, "p")), equals(row["p_holm"], tables.floor_of(row))
    p = f" ({own}, {adjusted} after Holm's correction)" if pd.notna(row["p"]) else ""
    text = Text(
        "Its paired difference in τ to the best baseline, ", Name(row["against"]), ", is ",
        score(row, "difference", sign=True), p,
    )  # fmt: skip
    if pd.isna(row["difference_low"]) or pd.isna(row["difference_high"]):
        return Text(text, " (no interval).")
    if row["difference_low"] <= 0 <= row["difference_high"]:
        return Text(text, ": the interval includes 0.")
    winner = row["predictor"] if row["difference_low"] > 0 else row["against"]
    unsure = ", but is not statistically significant after the correction" if row["p_holm"] > tables.alpha else ""
    return Text(text, ": the interval excludes 0, in favour of ", Name(winner), unsure, ".")


def _over_budgets(tables: RunTables, name: str) -> Text:
    """At how many budgets the interval of the difference excludes 0."""
    rows = tables.differences[(tables.differences["predictor"] == name) & tables.differences["low"].notna()]
    if len(rows) < 2:
        return Text()
    above, below = int((rows["low"] > 0).sum()), int((rows["high"] < 0).sum())
    return Text(
        f"Against the best baseline of each of {len(rows)} budgets the interval lies above 0 at {above} and below 0 at "
        f"{below} (uncorrected for multiple comparisons)."
    )
