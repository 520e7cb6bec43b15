"""Sheets that hold one predictor against another, against what it could reach, or with something held fixed."""

from __future__ import annotations

import pandas as pd

from harness.report.numbers import number, probability
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import RunTables
from harness.report.tables.display_table import DisplayTable, estimates, sorted_by


def differences(tables: RunTables) -> DisplayTable:
    """Differences to the best baseline: the numbers at every budget, the text at the last, as ranked."""
    table = ranked_table(tables)
    table = table[table["difference"].notna()].sort_values("difference", ascending=False, kind="stable")
    text = pd.DataFrame(
        {
            "predictor": table["predictor"],
            "against": table["against"],
            "Δτ": estimates(table, "difference", sign=True),
            "p": table["p"].map(probability),
            "p (Holm)": table["p_holm"].map(probability),
            "detectable": table["detectable"].map(number),
        }
    )
    keys = {"Δτ": "difference", "p": "p", "p (Holm)": "p_holm", "detectable": "detectable"}
    return DisplayTable(tables.differences, text, 2, sorted_by(table, **keys))


def ceiling(tables: RunTables) -> DisplayTable:
    """How well any predictor could rank, given the noise of the truth."""
    ends = tables.ceiling.rename(columns={"low": "tau_low", "high": "tau_high"})
    text = pd.DataFrame(
        {
            "architectures": ends["subset"],
            "ceiling": ends["kind"],
            "τ": estimates(ends, "tau"),
            "seeds": ends["seeds"],
            "n": ends["n"],
            "note": ends["note"].fillna(""),
        }
    )
    return DisplayTable(tables.ceiling, text if text["note"].any() else text.drop(columns="note"), left=2)


def given(tables: RunTables) -> DisplayTable:
    """Partial τ of every predictor, with the training loss, FLOPs, parameters, or the first two held fixed."""
    table = ranked_table(tables)
    text = pd.DataFrame(
        {
            "predictor": table["predictor"],
            "τ": estimates(table, "tau"),
            "τ given training loss": estimates(table, "tau_given_train_loss"),
            "τ given FLOPs": estimates(table, "tau_given_flops"),
            "τ given parameters": estimates(table, "tau_given_params"),
            "τ given loss and FLOPs": estimates(table, "tau_given_train_loss_and_flops"),
        }
    )
    names = ("tau", "tau_given_train_loss", "tau_given_flops", "tau_given_params",
             "tau_given_train_loss_and_flops")  # fmt: skip
    kept = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    return DisplayTable(table[["predictor", "family", *kept]], text)


def ablations(tables: RunTables) -> DisplayTable:
    """What groups of inputs add to the predictors that were also run without them; the text at the last budget."""
    ends = tables.at_end(tables.ablations).rename(columns={"low": "difference_low", "high": "difference_high"})
    text = pd.DataFrame(
        {
            "predictor": ends["predictor"],
            "group": ends["group"],
            "τ with": ends["tau"].map(number),
            "τ without": ends["tau_without"].map(number),
            "Δτ": estimates(ends, "difference", sign=True),
            "n": ends["n"],
        }
    )
    return DisplayTable(tables.ablations, text, left=2)
