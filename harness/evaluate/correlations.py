"""Correlations of many predictors with the truth under many resamplings: Kendall τ-b, Spearman, Pearson, partial τ.

Two draws of one architecture are a tie on both sides, so every number here is what SciPy gives on the resampled arrays,
without building them. Exact, ties included.
"""

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
    inversions,
    running,
    tied,
)

Numbers = NDArray[np.float64]

ROUNDING = 1e-12
"""What is left of a variance that is 0; one exchanged pair of 15,625 architectures leaves 3e-8."""


@by_draws
def tau_b(scores: Numbers, truth: Numbers, weights: NDArray[np.integer] | None = None) -> Numbers:
    """Kendall's τ-b of each predictor under each draw, (predictors, draws); higher is better.

    Kendall (1945). With S_ij = sign(s_i − s_j), T_ij = sign(t_i − t_j) and multiplicities w:

        τ_b = Σ w_i w_j S_ij T_ij / √( Σ w_i w_j |S_ij| · Σ w_i w_j |T_ij| )

    computed as Knight (1966) does, in n log n for all draws at once: Σ w_i w_j |S_ij| = N² − Σ_g G_g², with G_g the
    draws of the g-th distinct score and N those of all, and the numerator is the untied pairs less twice the inverted.
    `scores` (predictors, architectures), `truth` (architectures,), `weights` (draws, architectures); no weights are
    one draw of everything. A value that is not finite leaves the ranking with all its pairs. nan where one side is
    constant or fewer than two architectures are left.
    """
    scores, drawn = np.asarray(scores, dtype=float), counts(truth, weights, pairs=False)
    out = np.full((len(scores), drawn.shape[1]), np.nan)
    for rows, kept in complete(scores, truth):
        t = codes(truth[kept])
        by_truth = np.argsort(t, kind="stable")
        kept, t = kept[by_truth], t[by_truth]
        w = drawn[kept]
        whole, t_ties, copies = w.sum(axis=0, dtype=float) ** 2, tied(t, w, w), tied(np.arange(len(t)), w, w)
        for row in rows:
            s = codes(scores[row, kept])
            untied = s.max() == len(s) - 1
            s_ties = copies if untied else tied(s, w, w)
            both = copies if untied else tied(s * len(t) + t, w, w)
            order = np.lexsort((s, t)) if t[-1] < len(t) - 1 else None
            inverted = inversions(s, w, w) if order is None else inversions(s[order], w[order], w[order])
            balance = whole - s_ties - t_ties + both - 4 * inverted
            out[row] = divide(balance, (whole - s_ties) * (whole - t_ties))
    return out


@by_draws
def spearman(scores: Numbers, truth: Numbers, weights: NDArray[np.integer] | None = None) -> Numbers:
    """Spearman's ρ of each predictor under each draw, (predictors, draws): Pearson's r of mid-ranks; higher is better.

    Spearman (1904). Twice the centred mid-rank of the g-th distinct score is d_g = 2 Σ_{h<g} G_h + G_g − N, an
    integer, and Σ_g G_g d_g² = (N³ − Σ_g G_g³) / 3. Arguments and missing values as in `tau_b`.
    """
    scores, drawn = np.asarray(scores, dtype=float), counts(truth, weights)
    out = np.full((len(scores), drawn.shape[1]), np.nan)
    for rows, kept in complete(scores, truth):
        w, t = drawn[kept], codes(truth[kept])
        t_sums = group_sums(t, w)
        t_square, t_part, untied = _spread(t_sums), w * _centred_ranks(t_sums)[t], _spread(w)
        for row in rows:
            s = codes(scores[row, kept])
            sums = group_sums(s, w)
            below = running(sums)
            # the centre of d drops out, as the parts of the truth sum to 0
            product = np.einsum("gb,gb->b", group_sums(s, t_part), below[1:] + below[:-1], dtype=float)
            out[row] = divide(product, t_square * (untied if len(sums) == len(w) else _spread(sums)))
    return out


@by_draws
def pearson(scores: Numbers, truth: Numbers, weights: NDArray[np.integer] | None = None) -> Numbers:
    """Pearson's r of score and truth of each predictor under each draw, (predictors, draws); higher is better.

    Pearson (1895): Σ w x y / √(Σ w x² · Σ w y²), x and y less their means under the draw. Unlike the others it depends
    on the scale of the score. Arguments and missing values as in `tau_b`.
    """
    scores, drawn = np.asarray(scores, dtype=float), counts(truth, weights)
    out = np.full((len(scores), drawn.shape[1]), np.nan)
    for rows, kept in complete(scores, truth):
        w = drawn[kept].astype(float)
        whole, y = w.sum(axis=0), _standardised(truth[kept])
        one_truth = group_sums(codes(truth[kept]), w).max(axis=0) == whole
        for row in rows:
            x = _standardised(scores[row, kept])
            sx, sy, sxx, syy, sxy = np.stack([x, y, x * x, y * y, x * y]) @ w
            constant = one_truth | (group_sums(codes(x), w).max(axis=0) == whole)
            square = np.where(constant, 0, (whole * sxx - sx * sx) * (whole * syy - sy * sy))
            out[row] = divide(whole * sxy - sx * sy, square)
    return out


def partial_tau(
    scores: Numbers,
    truth: Numbers,
    given: Numbers,
    weights: NDArray[np.integer] | None = None,
    taus: Numbers | None = None,
    taus_given: Numbers | None = None,
) -> Numbers:
    """Kendall's partial τ of scores (s) and truth (t) with the ranking by `given` (g) held fixed, (predictors, draws).

    Kendall (1942): (τ_st − τ_sg τ_tg) / √((1 − τ_sg²)(1 − τ_tg²)), τ-b each, on architectures where all three are
    finite. `given` (architectures,); `taus` and `taus_given` are the τ_st and τ_sg under the same draws where they are
    known already; other arguments as in `tau_b`. nan where one is constant, or where `given` ranks as the scores or the
    truth do.
    """
    common = np.where(np.isfinite(given) & np.isfinite(truth), scores, np.nan)
    st = _on_common(common, scores, truth, weights, taus)
    sg = _on_common(common, scores, given, weights, taus_given)
    return _partial(st, sg, _among(common, truth, given, weights))


def partial_tau_of_two(
    scores: Numbers,
    truth: Numbers,
    given: tuple[Numbers, Numbers],
    weights: NDArray[np.integer] | None = None,
    taus: Numbers | None = None,
    taus_given: tuple[Numbers | None, Numbers | None] = (None, None),
) -> Numbers:
    """Kendall's partial τ of scores (s) and truth (t) with both rankings of `given` (g, h) held fixed, (predictors,
    draws).

    Kendall (1942), second order: (τ_st.g − τ_sh.g τ_th.g) / √((1 − τ_sh.g²)(1 − τ_th.g²)), from the partial τ of
    first order, on architectures where all four are finite. It does not depend on which of `given` comes first. Other
    arguments as in `partial_tau`. nan where one is constant, or where one of `given`, or the first of them taken off,
    ranks as another of the four does.
    """
    g, h = given
    common = np.where(np.isfinite(g) & np.isfinite(h) & np.isfinite(truth), scores, np.nan)
    st = _on_common(common, scores, truth, weights, taus)
    sg, sh = (_on_common(common, scores, x, weights, known) for x, known in zip(given, taus_given, strict=True))
    tg, th, gh = (_among(common, x, y, weights) for x, y in ((truth, g), (truth, h), (g, h)))
    return _partial(_partial(st, sg, tg), _partial(sh, sg, gh), _partial(th, tg, gh))


def _partial(xy: Numbers, xz: Numbers, yz: Numbers) -> Numbers:
    """The correlation of x and y with z held fixed, from those of the three pairs."""
    left = 1 - xz**2, 1 - yz**2
    free = np.minimum(*left) > ROUNDING  # a correlation of 1 may come out as 1 ± 4e-16: nothing is left to correlate
    return divide(xy - xz * yz, np.where(free, left[0] * left[1], 0.0))


def _on_common(
    common: Numbers, scores: Numbers, other: Numbers, weights: NDArray[np.integer] | None, known: Numbers | None
) -> Numbers:
    """τ-b of `common` with `other`: `known`, that of the whole `scores`, in rows where `common` leaves nothing out."""
    if known is None:
        return tau_b(common, other, weights)
    left_out = (np.isfinite(common) != (np.isfinite(scores) & np.isfinite(other))).any(axis=1)
    if not left_out.any():
        return known
    taus = known.copy()
    taus[left_out] = tau_b(common[left_out], other, weights)
    return taus


def _among(common: Numbers, x: Numbers, y: Numbers, weights: NDArray[np.integer] | None) -> Numbers:
    """τ-b of x and y (architectures,) among the architectures that each row of `common` has, (predictors, draws)."""
    taus = np.full((len(common), 1 if weights is None else len(weights)), np.nan)
    for rows, kept in complete(common, y):
        shared = np.full(len(x), np.nan)
        shared[kept] = x[kept]
        taus[rows] = tau_b(shared[None], y, weights)
    return taus


def why_undefined(scores: Numbers, truth: Numbers) -> str:
    """The reason why the two (architectures,) have no rank correlation, "" where they have one."""
    kept = np.isfinite(scores) & np.isfinite(truth)
    if kept.sum() < 2:
        return "fewer than 2 scores"
    if np.ptp(scores[kept]) == 0:
        return "constant score"
    return "constant truth" if np.ptp(truth[kept]) == 0 else ""


def _spread(sums: Numbers) -> Numbers:
    """(N³ − Σ G³) / 3, the sum of squares of twice the centred mid-ranks, (draws,)."""
    cubes: Numbers = np.einsum("gb,gb->b", sums * sums, sums, dtype=float)
    whole: Numbers = sums.sum(axis=0, dtype=float) ** 3
    return (whole - cubes) / 3


def _centred_ranks(sums: Numbers) -> Numbers:
    """Twice the mid-rank of each distinct value, less twice the mean rank, (distinct values, draws)."""
    below = running(sums)
    ranks = below[1:] + below[:-1]
    ranks -= below[-1]
    return ranks


def _standardised(values: Numbers) -> Numbers:
    """Centred and scaled to about 1, which r does not see: a sum of squares then loses no digits, nor overflows."""
    scale = np.abs(values).max(initial=0) or 1.0
    centred = values / scale - np.mean(values / scale)
    standard: Numbers = centred / (np.abs(centred).max(initial=0) or 1.0)
    return standard
