"""Weighted Kendall τ: the top of the ranking weighs more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.evaluate.draw_counts import (
    by_draws,
    codes,
    complete,
    counts,
    divide,
    group_sums,
    inverted,
    running,
    tied,
)

Numbers = NDArray[np.float64]


@by_draws
def weighted_tau(scores: Numbers, truth: Numbers, weights: NDArray[np.integer] | None = None) -> Numbers:
    """Vigna's additive hyperbolic τ of each predictor under each draw, (predictors, draws); higher is better.

    Vigna (2015), with architectures ranked by the truth alone, the best first (ρ = 0):

        ⟨s, t⟩ = Σ_{i<j} S_ij T_ij (f_i + f_j),   f = 1 / (1 + ρ),   τ_w = ⟨s, t⟩ / √(⟨s, s⟩ ⟨t, t⟩)

    that is `scipy.stats.weightedtau(s, t, rank=ρ)`. Architectures of equal truth share the mean of the f of the ranks
    that they fill, as do the draws of one architecture: with u_i = w_i f_i, the sums over pairs of draws are
    Σ_ij u_i w_j S_ij T_ij and, as in `tau_b`, are counted from ties and inversions [derived, docs/methods.md]. Ranks
    are those within each draw. Arguments and missing values as in `correlations.tau_b`.
    """
    scores, plain = np.asarray(scores, dtype=float), counts(truth, weights, pairs=False)
    drawn = plain.astype(float)
    out = np.full((len(scores), drawn.shape[1]), np.nan)
    for rows, kept in complete(scores, truth):
        w, t = drawn[kept], codes(truth[kept])
        u = w * top_weights(t, w)
        whole, t_ties = u.sum(axis=0) * w.sum(axis=0), tied(t, u, w)
        t_untied = _untied(whole, t_ties)
        for row in rows:
            s = codes(scores[row, kept])
            order, s_ties, both = np.lexsort((s, t)), tied(s, u, w), tied(s * len(t) + t, u, w)
            changed = np.einsum("ib,ib->b", u[order], inverted(s[order], plain[kept][order]))
            balance = whole - s_ties - t_ties + both - 2 * changed
            out[row] = np.clip(divide(balance, _untied(whole, s_ties) * t_untied), -1, 1)
    return out


def top_weights(t: NDArray[np.int64], w: Numbers) -> Numbers:
    """The mean of 1 / (1 + rank) over the ranks, best first, that each value of t fills under each draw, 0 if none.

    `t` are codes, higher is better; `w` (architectures, draws). A value drawn G times with C better draws fills the
    ranks C to C + G − 1, so that its mean is (H(C + G) − H(C)) / G with the harmonic numbers H.
    """
    sums = group_sums(t, w)[::-1]
    filled = running(sums).astype(np.int64)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, filled.max(initial=0) + 1))])
    gained = harmonic[filled[1:]] - harmonic[filled[:-1]]
    mean: Numbers = np.divide(gained, sums, out=np.zeros_like(sums), where=sums > 0)[::-1]
    return mean[t]


def _untied(whole: Numbers, ties: Numbers) -> Numbers:
    """Weight of the pairs that differ; sums of fractions that cancel only up to rounding are 0."""
    left = whole - ties
    return np.where(left > 1e-12 * whole, left, 0)
