"""Sheets on cost: the cheapest way to a given τ, and what a learned predictor costs before its first score."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.numbers import NONE, count, estimate, number, seconds
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import RunTables
from harness.report.tables.display_table import DisplayTable, estimates
from harness.report.tables.rankings import number_of


def time_to_tau(tables: RunTables) -> DisplayTable:
    """The cheapest budget of every predictor that reaches a τ; the text has the cheapest predictor of each family."""
    before = tables.metrics[["predictor", "step", "initial_seconds"]]
    reaching = tables.time_to_tau.merge(before, on=["predictor", "step"], how="left")
    first = reaching.drop_duplicates(["target", "family"])
    heading = f"τ [{tables.percent}]"
    rows = []
    for target in tables.status["evaluation"]["targets"]:
        reached = first[first["target"] == target]
        if reached.empty:
            rows.append((f"{target:g}", "none reaches it", *[NONE] * 6))
        rows += [
            (f"{target:g}", row["predictor"], count(row["step"]), count(row["images"]), seconds(row["seconds"]),
             *_paid(row), estimate(row["tau"], row["low"], row["high"]))
            for row in reached.to_dict("records")
        ]  # fmt: skip
    columns = ["τ ≥", "predictor", "steps", "images", "seconds", "fitted on", "seconds before", heading]
    return DisplayTable(reaching, pd.DataFrame(rows, columns=columns), left=2)


def _paid(row: dict[Any, Any]) -> tuple[str, str]:
    """What was paid before the first score, architectures and seconds; dashes for one that learns nothing."""
    return (number_of(row["fitted_on"]), seconds(row["initial_seconds"])) if row["fitted_on"] > 0 else (NONE, NONE)


def budgets_in_seconds(tables: RunTables) -> DisplayTable:
    """What each budget is: updates, epochs, images, and seconds of the cheapest and dearest predictor that trains."""
    rows = tables.metrics.sort_values("step").groupby("step", as_index=False)
    paid = tables.metrics[tables.metrics["seconds"] > 0].groupby("step")["seconds"]
    ends = pd.DataFrame({"seconds_low": paid.min(), "seconds_high": paid.max()})
    numbers = rows[["epoch", "images"]].first().merge(ends.reset_index(), on="step", how="left")
    text = pd.DataFrame(
        {
            "steps": numbers["step"].map(count),
            "epochs": numbers["epoch"].map(lambda epoch: number(epoch, 2)),
            "images": numbers["images"].map(count),
            "seconds, cheapest": numbers["seconds_low"].map(seconds),
            "seconds, dearest": numbers["seconds_high"].map(seconds),
        }
    )
    return DisplayTable(numbers, text, left=0)


def initial(tables: RunTables) -> DisplayTable:
    """What predictors that are fitted on other architectures cost before, and at, their first score."""
    table = ranked_table(tables)
    table = table[table["fitted_on"] > 0].reset_index(drop=True)
    text = pd.DataFrame(
        {
            "predictor": table["predictor"],
            "fitted on": table["fitted_on"].map(number_of),
            "seconds before the first score": table["initial_seconds"].map(seconds),
            "seconds a score": table["seconds"].map(seconds),
            "mean sd": table["sd"].map(lambda sd: number(sd, 3)),
            "τ": estimates(table, "tau"),
        }
    )
    if text["mean sd"].eq(NONE).all():
        text = text.drop(columns="mean sd")
    kept = ["predictor", "fitted_on", "initial_seconds", "seconds", "sd", "tau", "tau_low", "tau_high"]
    return DisplayTable(table[kept], text)
