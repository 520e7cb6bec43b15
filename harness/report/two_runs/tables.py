"""The tables of the report on two runs."""

from __future__ import annotations

from harness.report.numbers import count
from harness.report.tables.display_table import DisplayTable, p_values, quantities, scores, strings
from harness.report.text import Content
from harness.report.two_runs.run_pair import LETTERS, RunPair
from harness.schema.families import family

DIFFERENCE = "Δτ, B − A"
"""The heading of the differences."""

ENDS = ("low", "high")


def differences_table(both: RunPair) -> DisplayTable:
    """One row per predictor that both runs have, highest mean τ first: τ in each run and the difference."""
    rows = both.differences
    columns: dict[str, list[Content]] = {
        "predictor": strings(rows["predictor"]),
        "family": [family(str(name)).label for name in rows["family"]],
        "τ, A": scores(rows, "first"),
        "τ, B": scores(rows, "second"),
        DIFFERENCE: scores(rows, "difference", sign=True, ends=ENDS),
        "p": p_values(rows, "p", both.runs[0].permutation_floor),
        "p (Holm)": p_values(rows, "p_holm", both.runs[0].permutation_floor),
        "detectable": quantities(rows["detectable"]),
        "n": quantities(rows["n"], count),
    }
    return DisplayTable(rows, columns, left=2).without_empty("p", "p (Holm)")


def settings_table(both: RunPair) -> DisplayTable:
    """One row per setting that differs, with its value in each run."""
    rows = both.settings
    columns = {"setting": strings(rows["key"])}
    columns |= {letter: strings(rows[name]) for letter, name in zip(LETTERS, ("first", "second"), strict=True)}
    return DisplayTable(rows, columns, left=3)
