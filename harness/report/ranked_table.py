"""The ranked table at the last budget."""

from __future__ import annotations

import pandas as pd

from harness.report.run_tables import RunTables

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
