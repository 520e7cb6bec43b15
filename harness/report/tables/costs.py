"""Tables on cost: the cheapest way to a given τ, and the initialization time of learned predictors."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from harness.report.numbers import NONE, count, number, seconds
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import RunTables
from harness.report.tables.display_table import DisplayTable, quantities, scores, strings
from harness.report.tables.rankings import mean_count
from harness.report.text import Content, Number, Score
from harness.schema import Estimate


def time_to_tau(tables: RunTables) -> DisplayTable:
    """The cheapest budget of every predictor that reaches a τ; shown is the cheapest predictor of each family."""
    before = tables.metrics[["predictor", "step", "initial_seconds"]]
    reaching = tables.time_to_tau.merge(before, on=["predictor", "step"], how="left")
    first = reaching.drop_duplicates(["target", "family"])
    rows: list[tuple[Content, ...]] = []
    for target in tables.status["evaluation"]["targets"]:
        reached = first[first["target"] == target]
        if reached.empty:
            rows.append((f"{target:g}", "none reaches it", *[NONE] * 6))
        rows += [
            (f"{target:g}", str(row["predictor"]), Number(row["step"], count), Number(row["images"], count),
             Number(row["seconds"], seconds), *_initialization(row),
             Score(Estimate(row["tau"], row["low"], row["high"])))
            for row in reached.to_dict("records")
        ]  # fmt: skip
    headings = ["τ ≥", "predictor", "steps", "images", "query time (s)", "fitted on", "initialization time (s)",
                f"τ [{tables.percent}]"]  # fmt: skip
    columns: dict[str, list[Content]] = {heading: [row[at] for row in rows] for at, heading in enumerate(headings)}
    return DisplayTable(reaching, columns, left=2)


def _initialization(row: dict[Any, Any]) -> tuple[Content, Content]:
    """Trainings and seconds before the first score; dashes for a predictor that is not learned."""
    if row["fitted_on"] > 0:
        return Number(row["fitted_on"], mean_count), Number(row["initial_seconds"], seconds)
    return NONE, NONE


def budgets_in_seconds(tables: RunTables) -> DisplayTable:
    """Each budget in updates, epochs, images, and seconds of the cheapest and most expensive predictor that trains."""
    rows = tables.metrics.sort_values("step").groupby("step", as_index=False)
    paid = tables.metrics[tables.metrics["seconds"] > 0].groupby("step")["seconds"]
    ends = pd.DataFrame({"seconds_low": paid.min(), "seconds_high": paid.max()})
    found = rows[["epoch", "images"]].first().merge(ends.reset_index(), on="step", how="left")
    columns = {
        "steps": quantities(found["step"], count),
        "epochs": quantities(found["epoch"]),
        "images": quantities(found["images"], count),
        "seconds (min)": quantities(found["seconds_low"], seconds),
        "seconds (max)": quantities(found["seconds_high"], seconds),
    }
    return DisplayTable(found, columns, left=0)


def initial(tables: RunTables) -> DisplayTable:
    """Initialization time and query time of predictors that are fitted on other architectures."""
    table = ranked_table(tables)
    table = table[table["fitted_on"] > 0].reset_index(drop=True)
    columns = {
        "predictor": strings(table["predictor"]),
        "fitted on": quantities(table["fitted_on"], mean_count),
        "initialization time (s)": quantities(table["initial_seconds"], seconds),
        "query time (s)": quantities(table["seconds"], seconds),
        "mean sd": quantities(table["sd"], partial(number, decimals=3)),
        "τ": scores(table, "tau"),
    }
    kept = ["predictor", "fitted_on", "initial_seconds", "seconds", "sd", "tau", "tau_low", "tau_high"]
    return DisplayTable(table[kept], columns).without_empty("mean sd")
