"""Tables that compare one predictor with another, with what it could reach, or with something held fixed."""

from __future__ import annotations

from harness.report.numbers import count
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import SUBSETS, RunTables
from harness.report.tables.display_table import DisplayTable, p_values, quantities, scores, strings

PLAIN_ENDS = ("low", "high")
"""The ends of an interval in a table that has no other."""


def differences(tables: RunTables) -> DisplayTable:
    """Differences to the best baseline: the numbers at every budget, shown at the last, as ranked."""
    table = ranked_table(tables)
    table = table[table["difference"].notna()].sort_values("difference", ascending=False, kind="stable")
    columns = {
        "predictor": strings(table["predictor"]),
        "against": strings(table["against"]),
        "Δτ": scores(table, "difference", sign=True),
        "p": p_values(table, "p", tables.permutation_floor),
        "p (Holm)": p_values(table, "p_holm", tables.permutation_floor),
        "detectable": quantities(table["detectable"]),
    }
    return DisplayTable(tables.differences, columns, left=2)


def ceiling(tables: RunTables) -> DisplayTable:
    """How well any predictor could rank, given the noise of the ground truth."""
    rows = tables.ceiling
    columns = {
        "architectures": strings(rows["subset"].replace(SUBSETS)),
        "ceiling": strings(rows["kind"].replace({"retraining": "test–retest"})),
        "τ": scores(rows, "tau", ends=PLAIN_ENDS),
        "seeds": quantities(rows["seeds"], count),
        "n": quantities(rows["n"], count),
        "note": strings(rows["note"]),
    }
    return DisplayTable(rows, columns, left=2).without_empty("note")


def given(tables: RunTables) -> DisplayTable:
    """Partial τ of every predictor, with the training loss, FLOPs, parameters, or the first two held fixed."""
    table = ranked_table(tables)
    headings = {
        "τ": "tau",
        "τ given training loss": "tau_given_train_loss",
        "τ given FLOPs": "tau_given_flops",
        "τ given parameters": "tau_given_params",
        "τ given loss and FLOPs": "tau_given_train_loss_and_flops",
    }
    kept = [f"{name}{end}" for name in headings.values() for end in ("", "_low", "_high")]
    columns = {heading: scores(table, name) for heading, name in headings.items()}
    return DisplayTable(table[["predictor", "family", *kept]], {"predictor": strings(table["predictor"]), **columns})


def ablations(tables: RunTables) -> DisplayTable:
    """What groups of inputs add to the predictors that were also run without them; shown at the last budget."""
    rows = tables.at_end(tables.ablations)
    columns = {
        "predictor": strings(rows["predictor"]),
        "group": strings(rows["group"]),
        "τ with": quantities(rows["tau"]),
        "τ without": quantities(rows["tau_without"]),
        "Δτ": scores(rows, "difference", sign=True, ends=PLAIN_ENDS),
        "n": quantities(rows["n"], count),
    }
    return DisplayTable(tables.ablations, columns, left=2)
