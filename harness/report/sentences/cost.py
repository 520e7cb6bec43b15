"""What a ranking costs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.numbers import NO_BREAK, count, counted, equal, seconds
from harness.report.run_tables import RunTables
from harness.report.text import Name, Number, Points, Text, joined, listed


def describe_cost(tables: RunTables) -> Text:
    """The cheapest way to each target, and the initialization time of learned predictors."""
    if tables.given:
        return Text("The scores were given without their costs.")
    return Points([_targets(tables), _initial(tables)])


def _targets(tables: RunTables) -> Text:
    timed: list[Text] = []
    untimed: list[Text] = []
    missed: list[str] = []
    for target in tables.status["evaluation"]["targets"]:
        rows = tables.time_to_tau[tables.time_to_tau["target"] == target]
        if rows.empty:
            missed.append(f"{target:g}")
            continue
        reached = untimed if pd.isna(rows["seconds"].iloc[0]) else timed
        reached.append(_reached(target, {str(key): value for key, value in rows.iloc[0].items()}))
    parts = [Text("The cheapest way to reach ", joined(timed, "; "), ".") if timed else Text()]
    if untimed:
        parts.append(Text("Seconds were not recorded, so by steps: the first to reach ", joined(untimed, "; "), "."))
    if missed:
        parts.append(Text("No predictor reaches ", equal("τ", ""), listed(missed, "or"), "."))
    if timed or untimed:
        kind = "the cheapest" if timed else "the first"
        parts.append(Text(f"Each is {kind} of many estimates over the same architectures (selection bias)."))
    return joined(parts)


def _reached(target: float, row: dict[str, Any]) -> Text:
    steps = counted(row["step"], "step")
    price = f"{steps}, {seconds(row['seconds'])} s per architecture"
    price = steps if pd.isna(row["seconds"]) else "no training" if row["seconds"] == 0 else price
    fitted = f", fitted on {count(row['fitted_on'])} known ones" if row["fitted_on"] > 0 else ""
    return Text(
        equal("τ", f"{target:g}"), " is ", Name(row["predictor"]), " (τ ", Number(row["tau"]), f", {price}{fitted})"
    )


def _initial(tables: RunTables) -> Text:
    """The initialization time of the best predictor that is fitted on other architectures."""
    learned = tables.final[(tables.final["fitted_on"] > 0) & tables.final["tau"].notna()]
    if learned.empty:
        return Text()
    best = learned.iloc[0]
    price = f"{seconds(best['initial_seconds'])}{NO_BREAK}s of brief trainings, measures and one fit"
    if pd.isna(best["initial_seconds"]):
        price = "brief trainings, measures and one fit, whose seconds were not recorded"
    return Text(
        "A learned predictor has an initialization time: ", Name(best["predictor"]), " was fitted on ",
        f"{count(best['fitted_on'])} architectures, {price}; the full trainings that gave their accuracies come on top "
        "and are not measured here.",
    )  # fmt: skip
