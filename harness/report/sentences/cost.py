"""What a ranking costs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.numbers import count, counted, listed, number, seconds
from harness.report.run_tables import RunTables


def cost(tables: RunTables) -> str:
    """The cheapest way to each target, and what learned predictors cost before their first score."""
    return " ".join(part for part in (_targets(tables), _initial(tables)) if part)


def _targets(tables: RunTables) -> str:
    timed: list[str] = []
    untimed: list[str] = []
    missed: list[str] = []
    for target in tables.status["evaluation"]["targets"]:
        rows = tables.time_to_tau[tables.time_to_tau["target"] == target]
        if rows.empty:
            missed.append(f"{target:g}")
            continue
        said = untimed if pd.isna(rows["seconds"].iloc[0]) else timed
        said.append(_reached(target, {str(key): value for key, value in rows.iloc[0].items()}))
    parts = [f"The cheapest way to reach {'; '.join(timed)}."] if timed else []
    if untimed:
        parts.append(f"Seconds were not recorded, so by steps: the first to reach {'; '.join(untimed)}.")
    if missed:
        parts.append(f"No predictor reaches τ = {listed(missed, 'or')}.")
    if timed or untimed:
        kind = "the cheapest" if timed else "the first"
        parts.append(f"These are {kind} of many estimates on the same architectures.")
    return " ".join(parts)


def _reached(target: float, row: dict[str, Any]) -> str:
    steps = counted(row["step"], "step")
    price = f"{steps}, {seconds(row['seconds'])} s an architecture"
    price = steps if pd.isna(row["seconds"]) else "no training" if row["seconds"] == 0 else price
    fitted = f", fitted on {count(row['fitted_on'])} known ones" if row["fitted_on"] > 0 else ""
    return f"τ = {target:g} is `{row['predictor']}` (τ {number(row['tau'])}, {price}{fitted})"


def _initial(tables: RunTables) -> str:
    """The dearest start among the best: the best predictor that is fitted on others."""
    learned = tables.final[(tables.final["fitted_on"] > 0) & tables.final["tau"].notna()]
    if learned.empty:
        return ""
    best = learned.iloc[0]
    price = f"{seconds(best['initial_seconds'])} s of brief trainings, measures and one fit"
    if pd.isna(best["initial_seconds"]):
        price = "brief trainings, measures and one fit, whose seconds were not recorded"
    return (
        f"A predictor that learns pays before its first score: `{best['predictor']}` was fitted on "
        f"{count(best['fitted_on'])} architectures, {price}; the full trainings that gave their "
        "accuracies come on top and are not measured here."
    )
