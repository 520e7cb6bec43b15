"""How well predictors rank groups of architectures, where architectures of one group resemble each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from harness.evaluate.bootstrap import interval, observed_and_draws
from harness.evaluate.correlations import tau_b
from harness.evaluate.judge import Judgement
from harness.evaluate.settings import Evaluation
from harness.schema import Truth, seed_of

FEWEST = 3
"""Groups with a score below which there is no τ: it could only be 1 or -1."""

FEWEST_FOR_INTERVAL = 5
"""Groups with a score below which there is no interval: most draws hold three different groups or fewer."""


def with_groups(
    judgement: Judgement, scores: pd.DataFrame, truth: Truth, groups: Mapping[str, str], evaluation: Evaluation
) -> Judgement:
    """The judgement with `tau_groups` in its metrics: Kendall's τ-b between groups, with intervals over groups.

    A group's score is the mean rank of its architectures among those with a score, its truth the mean rank of their
    accuracies; architectures of one group are near copies, of which τ over architectures counts every pair. The
    intervals draw groups with replacement. Derived, docs/methods.md. Without a group of several architectures the
    judgement is returned as it is: the column would repeat τ.
    """
    names = sorted(truth.accuracy.index[truth.mean().notna()])
    labels = pd.Categorical([groups[name] for name in names])
    if len(labels.categories) == len(names):
        return judgement
    rows = judgement.metrics[["predictor", "step"]]
    table = scores.pivot(index=["predictor", "step"], columns="architecture", values="score").reindex(columns=names)
    values = table.loc[list(rows.itertuples(index=False, name=None))].to_numpy(dtype=float)
    accuracy = truth.mean().loc[names].to_numpy(dtype=float)
    weights = observed_and_draws(len(labels.categories), evaluation.bootstrap, seed_of(evaluation.seed, "groups"))
    taus, scored = taus_between_groups(values, accuracy, labels.codes, weights)
    ends = np.array([interval(row[1:], evaluation.level) for row in taus]).reshape(-1, 2)
    ends[scored < FEWEST_FOR_INTERVAL] = np.nan
    found = {"tau_groups": taus[:, 0], "tau_groups_low": ends[:, 0], "tau_groups_high": ends[:, 1]}
    return replace(judgement, metrics=judgement.metrics.assign(**found))


def taus_between_groups(
    values: NDArray[np.float64],
    accuracy: NDArray[np.float64],
    codes: NDArray[np.integer],
    weights: NDArray[np.integer],
) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    """τ-b between groups under each draw of groups, (predictors, draws), and the groups with a score, (predictors,).

    `values` (predictors, architectures) and `accuracy` (architectures,), higher is better; `codes` number the group of
    each architecture from 0; `weights` (draws, groups). A group's score and truth are mean ranks, as in `with_groups`.
    nan where fewer than `FEWEST` groups have a score.
    """
    member = np.eye(weights.shape[1])[codes]  # (architectures, groups)
    truth = _means(rankdata(accuracy)[None], member)[0]
    means = _means(np.array([rankdata(row, nan_policy="omit") for row in values]), member)
    scored = np.isfinite(means).sum(axis=1)
    means[scored < FEWEST] = np.nan
    return tau_b(means, truth, weights), scored


def _means(values: NDArray[np.float64], member: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the finite `values` (rows, architectures) in each group, (rows, groups); nan for a group without one."""
    known = np.isfinite(values)
    count = known.astype(float) @ member
    total = np.where(known, values, 0.0) @ member
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
