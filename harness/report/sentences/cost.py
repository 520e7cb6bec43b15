"""What a ranking costs."""

from __future__ import annotations

from typing import Any

from harness.report.numbers import count, listed, number, seconds
from harness.report.tables import Tables


def cost(tables: Tables) -> str:
    """The cheapest way to each target, and what learned predictors cost before their first score."""
    return " ".join(part for part in (_targets(tables), _initial(tables)) if part)


def _targets(tables: Tables) -> str:
    said, missed = [], []
    for target in tables.status["evaluation"]["targets"]:
        rows = tables.time_to_tau[tables.time_to_tau["target"] == target]
        if rows.empty:
            missed.append(f"{target:g}")
        else:
            said.append(_reached(target, {str(key): value for key, value in rows.iloc[0].items()}))
    text = f"The cheapest way to reach {'; '.join(said)}." if said else ""
    if missed:
        text += (
            f" No predictor reaches τ = {listed(missed)}." if said else f"No predictor reaches τ = {listed(missed)}."
        )
    return text + (" These are the cheapest of many estimates on the same architectures." if said else "")


def _reached(target: float, row: dict[str, Any]) -> str:
    price = (
        "no training" if row["seconds"] == 0 else f"{row['step']} steps, {seconds(row['seconds'])} s an architecture"
    )
    fitted = f", fitted on {count(row['fitted_on'])} known ones" if row["fitted_on"] > 0 else ""
    return f"τ = {target:g} is `{row['predictor']}` (τ {number(row['tau'])}, {price}{fitted})"


def _initial(tables: Tables) -> str:
    """The dearest start among the best: the best predictor that is fitted on others."""
    learned = tables.final[(tables.final["fitted_on"] > 0) & tables.final["tau"].notna()]
    if learned.empty:
        return ""
    best = learned.iloc[0]
    return (
        f"A predictor that learns pays before its first score: `{best['predictor']}` was fitted on "
        f"{count(best['fitted_on'])} architectures, {seconds(best['initial_seconds'])} s of brief trainings, measures "
        "and one fit; the full trainings that gave their accuracies come on top and are not measured here."
    )
