"""Rank correlations of many predictors under many resamplings: Kendall τ-b, Spearman, partial τ. Exact, ties included.

A resampling is a row of integer multiplicities: how often each architecture was drawn. Two draws of one architecture
are a tie on both sides, so every number here is what SciPy gives on the resampled arrays, without building them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

EXACT_FLOAT32 = 2**24
"""float32 holds every integer up to here, so sums of counts below it are exact."""

LEAF = 64
"""Below this many architectures a sign matrix is faster than halving once more."""


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
    scores, counts = np.asarray(scores, dtype=float), _counts(truth, weights)
    out = np.full((len(scores), counts.shape[1]), np.nan)
    for rows, kept in _complete(scores, truth):
        w, t = counts[kept], _codes(truth[kept])
        whole, t_ties = w.sum(axis=0, dtype=float) ** 2, _tied(t, w)
        for row in rows:
            s = _codes(scores[row, kept])
            order, s_ties, both = np.lexsort((s, t)), _tied(s, w), _tied(s.astype(np.int64) * len(t) + t, w)
            inverted = _inversions(s[order], w[order])
            balance = whole - s_ties - t_ties + both - 4 * inverted
            out[row] = _divide(balance, (whole - s_ties) * (whole - t_ties))
    return out


def spearman(scores: Numbers, truth: Numbers, weights: NDArray[np.integer] | None = None) -> Numbers:
    """Spearman's ρ of each predictor under each draw, (predictors, draws): Pearson's r of mid-ranks; higher is better.

    Twice the centred mid-rank of the g-th distinct score is d_g = 2 Σ_{h<g} G_h + G_g − N, an integer, and
    Σ_g G_g d_g² = (N³ − Σ_g G_g³) / 3. Arguments and missing values as in `tau_b`.
    """
    scores, counts = np.asarray(scores, dtype=float), _counts(truth, weights)
    out = np.full((len(scores), counts.shape[1]), np.nan)
    for rows, kept in _complete(scores, truth):
        w, t = counts[kept], _codes(truth[kept])
        t_sums = _group_sums(t, w)
        t_square, t_part = _spread(t_sums), w * _centred_ranks(t_sums)[t]
        for row in rows:
            s = _codes(scores[row, kept])
            sums = _group_sums(s, w)
            product = np.einsum("gb,gb->b", _group_sums(s, t_part), _centred_ranks(sums), dtype=float)
            out[row] = _divide(product, t_square * _spread(sums))
    return out


def partial_tau(scores: Numbers, truth: Numbers, given: Numbers) -> float:
    """Kendall's partial τ of `scores` (s) and `truth` (t) with the ranking by `given` (g) held fixed.

    Kendall (1942): (τ_st − τ_sg τ_tg) / √((1 − τ_sg²)(1 − τ_tg²)), on architectures where all three are finite; all
    of shape (architectures,). nan where one is constant, or where `given` ranks as `scores` or `truth` does.
    """
    kept = np.isfinite(scores) & np.isfinite(truth) & np.isfinite(given)
    s, t, g = scores[kept], truth[kept], given[kept]
    (st, sg), tg = tau_b(np.stack([t, g]), s)[:, 0], tau_b(g[None], t)[0, 0]
    return float(_divide(np.array([st - sg * tg]), np.array([(1 - sg**2) * (1 - tg**2)]))[0])


def why_undefined(scores: Numbers, truth: Numbers) -> str:
    """The reason why the two (architectures,) have no rank correlation, "" where they have one."""
    kept = np.isfinite(scores) & np.isfinite(truth)
    if kept.sum() < 2:
        return "fewer than 2 scores"
    if np.ptp(scores[kept]) == 0:
        return "constant score"
    return "constant truth" if np.ptp(truth[kept]) == 0 else ""


def _complete(scores: Numbers, truth: Numbers) -> Iterator[tuple[list[int], NDArray[np.intp]]]:
    """(predictors, architectures) that share a pattern of missing values, so that the truth is ranked once for all."""
    known = np.isfinite(scores) & np.isfinite(truth)
    sharing: dict[bytes, list[int]] = defaultdict(list)
    for row, pattern in enumerate(known):
        sharing[pattern.tobytes()].append(row)
    for rows in sharing.values():
        kept = np.flatnonzero(known[rows[0]])
        if kept.size:
            yield rows, kept


def _counts(truth: Numbers, weights: NDArray[np.integer] | None) -> Numbers:
    """Multiplicities (architectures, draws), in float32 where every sum over pairs of draws stays exact in it."""
    table = np.ones((len(truth), 1)) if weights is None else np.asarray(weights).T
    pairs = float(table.sum(axis=0).max(initial=0)) ** 2
    return np.ascontiguousarray(table, dtype=np.float32 if pairs < EXACT_FLOAT32 else np.float64)


def _codes(values: Numbers) -> NDArray[np.int64]:
    """Place of each value among the distinct values, from 0."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _group_sums(codes: NDArray[np.int64], table: Numbers) -> Numbers:
    """Rows of `table` (architectures, draws) summed over each distinct code, (distinct codes, draws)."""
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    sums: Numbers = table[order] if len(starts) == len(order) else np.add.reduceat(table[order], starts, axis=0)
    return sums


def _tied(codes: NDArray[np.int64], w: Numbers) -> Numbers:
    """Σ G², the ordered pairs of draws with one code (a draw with itself included), (draws,)."""
    sums = w if len(np.unique(codes)) == len(codes) else _group_sums(codes, w)
    squares: Numbers = np.einsum("gb,gb->b", sums, sums).astype(float)
    return squares


def _inversions(s: NDArray[np.int64], w: Numbers) -> Numbers:
    """Σ w_i w_j over i < j with s_i > s_j, (draws,): within the halves, and between them by running sums."""
    if len(s) <= LEAF:
        above = np.triu(s[:, None] > s).astype(w.dtype)
        within: Numbers = np.einsum("ib,ib->b", w, above @ w).astype(float)
        return within
    left, right = slice(0, len(s) // 2), slice(len(s) // 2, len(s))
    order = np.argsort(s[right], kind="stable")
    below = _running(w[right][order])[np.searchsorted(s[right][order], s[left])]
    across: Numbers = np.einsum("ib,ib->b", w[left], below)
    return _inversions(s[left], w[left]) + _inversions(s[right], w[right]) + across


def _running(table: Numbers) -> Numbers:
    """Sums of the first 0, 1, 2, … rows. Row by row, because numpy's cumsum walks down each column: 4 times slower."""
    sums = np.zeros((len(table) + 1, table.shape[1]), dtype=table.dtype)
    for place, row in enumerate(table):
        np.add(sums[place], row, out=sums[place + 1])
    return sums


def _spread(sums: Numbers) -> Numbers:
    """(N³ − Σ G³) / 3, the sum of squares of twice the centred mid-ranks, (draws,)."""
    cubes: Numbers = np.einsum("gb,gb->b", sums * sums, sums, dtype=float)
    whole: Numbers = sums.sum(axis=0, dtype=float) ** 3
    return (whole - cubes) / 3


def _centred_ranks(sums: Numbers) -> Numbers:
    """Twice the mid-rank of each distinct value, less twice the mean rank, (distinct values, draws)."""
    below = _running(sums)
    ranks = below[1:] + below[:-1]
    ranks -= below[-1]
    return ranks


def _divide(top: Numbers, square: Numbers) -> Numbers:
    """top / √square, nan where the square is 0."""
    ratio: Numbers = np.divide(top, np.sqrt(square), out=np.full(top.shape, np.nan), where=square > 0)
    return ratio
