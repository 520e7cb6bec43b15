"""The ranked table at the last budget, as a frame and for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from harness.report.renderers import plain, terminal
from harness.report.run_tables import RunTables
from harness.report.text import Score, Text, joined, score
from harness.schema import Estimate
from harness.schema.families import family

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN = [
    *("predictor", "family", "baseline", "tau", "tau_low", "tau_high", "n", "failed"),
    *("against", "difference", "difference_low", "difference_high"),
    *("tau_half", "tau_half_low", "tau_half_high", "n_half", "tau_fifth", "tau_fifth_low", "tau_fifth_high", "n_fifth"),
    *("spearman", "spearman_low", "spearman_high", "seconds", "note"),
    *("p", "p_holm", "detectable", "n_paired"),
    *("tau_tenth", "tau_tenth_low", "tau_tenth_high", "n_tenth"),
    *("weighted_tau", "weighted_tau_low", "weighted_tau_high"),
    *("half_accuracy", "half_accuracy_low", "half_accuracy_high"),
    *("tau_given_train_loss", "tau_given_train_loss_low", "tau_given_train_loss_high"),
    *("tau_given_flops", "tau_given_flops_low", "tau_given_flops_high"),
    *("tau_given_params", "tau_given_params_low", "tau_given_params_high"),
    *("tau_given_train_loss_and_flops", "tau_given_train_loss_and_flops_low", "tau_given_train_loss_and_flops_high"),
    *("images", "fitted_on", "initial_seconds"),
]

_OF_SOME = ("pearson", "pearson_low", "pearson_high", "tau_groups", "tau_groups_low", "tau_groups_high")
"""Columns that only some runs have."""


def ranked_table(tables: RunTables) -> pd.DataFrame:
    """One row per predictor at the last budget, best Kendall τ first, those without a τ at the end.

    `difference` is the paired difference in τ to the best baseline other than the predictor itself, `against`, with its
    interval, permutation p and Holm-adjusted p; nan where no difference was computed. `sd` is the mean uncertainty of
    the scores. Higher is better for every estimate.
    """
    at = tables.at_end(tables.differences)
    names = {"baseline": "against", "low": "difference_low", "high": "difference_high", "n": "n_paired"}
    merged = tables.final.merge(at.rename(columns=names).drop(columns="step"), on="predictor", how="left")
    further = [name for name in _OF_SOME if name in merged]
    return merged[[*_SHOWN, *further]].assign(sd=merged["predictor"].map(tables.sd))


WITHOUT_NAMES = 66
"""Columns that a row of the printed table takes next to the predictor's name."""


def print_ranked(tables: RunTables, console: Console) -> None:
    """Print the ranked table at the last budget, made to fit 80 columns, with the noise ceiling below.

    The difference is paired, to the best baseline at that budget. Where names are long the family is left out: no
    number is ever cut.
    """
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, title_justify="left")
    table.title = plain(f"Kendall τ {tables.moment}, {tables.percent} intervals")
    rows = ranked_table(tables).to_dict("records")
    longest = max(len(str(row["predictor"])) for row in rows)
    roomy = console.width >= longest + WITHOUT_NAMES
    table.add_column("predictor", no_wrap=True)
    if roomy:
        table.add_column("family", no_wrap=True)
    for heading in ("τ", "n", "fail", "Δτ to baseline"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            terminal(str(row["predictor"])),
            *([terminal(family(str(row["family"])).label)] if roomy else []),
            terminal(score(row, "tau")),
            f"{row['n']}",
            f"{row['failed']}",
            terminal(score(row, "difference", sign=True)),
        )
    console.print(table, markup=False, highlight=False)
    console.print(_ceiling(tables), markup=False, highlight=False)


def _ceiling(tables: RunTables) -> str:
    """The noise ceiling on one line, or why there is none."""
    kinds = tables.ceilings()
    if not kinds:
        return terminal(f"noise ceiling: none ({tables.why_no_ceiling})")
    if not tables.band:
        return "noise ceiling: none above 0 (the seeds of the ground truth do not agree)"
    names = {"retraining": "test–retest"}
    parts = [
        Text(f"{names.get(kind, kind)} ", Score(Estimate(row["tau"], row["low"], row["high"])))
        for kind, row in kinds.items()
    ]
    return terminal(Text("noise ceiling: ", joined(parts, ", ")))
