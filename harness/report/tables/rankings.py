"""Sheets with one row a predictor, in the order of the ranking."""

from __future__ import annotations

import pandas as pd

from harness.report.numbers import NONE, count, number, probability, seconds, words
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import RunTables
from harness.report.tables.display_table import DisplayTable, estimates, sorted_by


def ranked(tables: RunTables) -> DisplayTable:
    """What a reader compares first: τ, its better half and best fifth, the difference to the best baseline, cost."""
    table = ranked_table(tables)
    text = pd.DataFrame(
        {
            "predictor": table["predictor"],
            "family": table["family"].map(words),
            "τ": estimates(table, "tau"),
            "τ, better half": estimates(table, "tau_half"),
            "τ, best fifth": estimates(table, "tau_fifth"),
            "Δτ to best baseline": estimates(table, "difference", sign=True),
            "p (Holm)": table["p_holm"].map(probability),
            "n": table["n"],
            "seconds": table["seconds"].map(seconds),
        }
    )
    keys = {"τ": "tau", "τ, better half": "tau_half", "τ, best fifth": "tau_fifth", "Δτ to best baseline": "difference",
            "p (Holm)": "p_holm", "n": "n", "seconds": "seconds"}  # fmt: skip
    return DisplayTable(table, text, 2, sorted_by(table, **keys))


def every_metric(tables: RunTables) -> DisplayTable:
    """All that was measured of each predictor at the last budget; columns that nothing fills are left out."""
    table = ranked_table(tables)
    metrics = {"τ": "tau", "τ, best tenth": "tau_tenth", "weighted τ": "weighted_tau", "Spearman": "spearman",
               "Pearson": "pearson", "half accuracy": "half_accuracy"}  # fmt: skip
    metrics = {heading: name for heading, name in metrics.items() if name in table}
    text = pd.DataFrame(
        {
            "predictor": table["predictor"],
            **{heading: estimates(table, name) for heading, name in metrics.items()},
            "n": table["n"],
            "failed": table["failed"],
            "fitted on": table["fitted_on"].where(table["fitted_on"] > 0).map(number_of),
            "mean sd": table["sd"].map(lambda sd: number(sd, 3)),
            "note": table["note"].fillna(""),
        }
    )
    keys = {**metrics, "n": "n", "failed": "failed", "fitted on": "fitted_on", "mean sd": "sd"}
    empty = [name for name in ("fitted on", "mean sd", "note") if text[name].isin(["", NONE]).all()]
    kept = {heading: name for heading, name in keys.items() if heading not in empty}
    return DisplayTable(table, text.drop(columns=empty), 1, sorted_by(table, **kept))


def number_of(value: float) -> str:
    """A mean count: 64, or 57.6 where folds differ."""
    return count(value) if pd.isna(value) or value == round(value) else f"{value:,.1f}"


def short(tables: RunTables) -> DisplayTable:
    """The best two predictors of each family and every one of capacitance, in columns that a paper has room for."""
    table = ranked_table(tables)
    table = table[table["predictor"].isin(tables.brief)].reset_index(drop=True)
    differences = [
        f"{number(row['difference'], sign=True)} ({probability(row['p_holm'])})"
        if pd.notna(row["difference"])
        else NONE
        for row in table.to_dict("records")
    ]
    text = pd.DataFrame(
        {
            "predictor": table["predictor"],
            "family": table["family"].map(words),
            f"τ [{tables.percent}]": estimates(table, "tau"),
            "better half": table["tau_half"].map(number),
            "best fifth": table["tau_fifth"].map(number),
            "Δτ (p)": differences,
            "seconds": table["seconds"].map(seconds),
        }
    )
    kept = ["predictor", "family", "tau", "tau_low", "tau_high", "tau_half", "tau_fifth", "difference", "p_holm",
            "seconds"]  # fmt: skip
    return DisplayTable(table[kept], text, left=2)


def budgets(tables: RunTables) -> DisplayTable:
    """τ of every predictor at every budget, in the order of the ranking."""
    table = tables.metrics.pivot(index="predictor", columns="step", values="tau")
    table = table.reindex(tables.final["predictor"]).rename(columns=lambda step: f"step {step}")
    keys = {str(name): table[name].astype(float).tolist() for name in table}
    kept = ["predictor", "step", "epoch", "tau", "tau_low", "tau_high", "n", "failed", "images", "seconds",
            "fitted_on", "initial_seconds"]  # fmt: skip
    return DisplayTable(tables.metrics[kept], table.map(number).rename_axis(columns=None).reset_index(), 1, keys)
