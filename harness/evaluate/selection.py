"""What a search gets that trusts a predictor: the best few by score, compared with the best few by truth.

Ties at the border. Where the k-th highest is tied with others, which of them are chosen is a matter of chance, by score
and by truth alike and independently; every number here is the expectation over that chance. The draws of one
architecture in a resampling are tied too, but with themselves alone: they are taken in the same order on both sides,
so that a predictor that ranks as the truth does chooses as the truth does in every draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaln

from harness.evaluate.bootstrap import interval
from harness.evaluate.draw_counts import by_draws, complete, counts, group_sums, running

Numbers = NDArray[np.float64]

COLUMNS = ["predictor", "step", "k", *(f"{x}{e}" for x in ("precision", "regret") for e in ("", "_low", "_high")), "n"]


def selection(
    labels: Sequence[tuple[str, int]],
    scores: Numbers,
    truth: Numbers,
    ks: Sequence[int],
    weights: NDArray[np.int64],
    level: float,
) -> pd.DataFrame:
    """Precision and regret at each k of each (predictor, step), with percentile intervals at the last step.

    Columns: predictor, step, k, precision, precision_low, precision_high, regret, regret_low, regret_high, n. See
    `precision` (0 to 1, higher is better) and `regret` (percentage points, lower is better). `weights` (draws,
    architectures). `n` architectures have a score; a k above n has no row, since so many cannot be chosen: `too_few`.
    """
    last = max((step for _, step in labels), default=0)
    at_end = np.array([step == last for _, step in labels], dtype=bool)
    n = (np.isfinite(scores) & np.isfinite(truth)).sum(axis=1)
    frames = []
    for k in ks:
        rows = np.flatnonzero(n >= k)
        frame = pd.DataFrame([(*labels[i], k) for i in rows.tolist()], columns=COLUMNS[:3])
        drawn = rows[at_end[rows]]
        for name, measure in (("precision", precision), ("regret", regret)):
            ends = np.full((len(labels), 2), np.nan)
            for i, values in zip(drawn, measure(scores[drawn], truth, k, weights), strict=True):
                ends[i] = interval(values, level)
            frame[name], frame[f"{name}_low"], frame[f"{name}_high"] = (
                measure(scores[rows], truth, k)[:, 0],
                *ends[rows].T,
            )
        frames.append(frame.assign(n=n[rows]).set_index(rows))
    table = pd.concat(frames) if frames else pd.DataFrame(columns=COLUMNS)
    return table.sort_index(kind="stable").reset_index(drop=True)


def too_few(n: int, ks: Sequence[int]) -> str:
    """Which of `ks` have no row for a predictor with `n` scores, and why; "" where all have one."""
    return "; ".join(f"top {k}: fewer than {k} scores" for k in ks if k > n)


def precision(scores: Numbers, truth: Numbers, k: int, weights: NDArray[np.integer] | None = None) -> Numbers:
    """Precision at k under each draw, (predictors, draws): the share of the k highest-scored that are among the k best.

    As in information retrieval (Manning, Raghavan & Schütze 2008, section 8.4); higher is better. The k best by truth
    are those of all architectures with a truth, scored or not; ties: see the module. nan in a draw with fewer than
    k scores.
    """
    table = counts(truth, weights).astype(float)
    out = np.full((len(scores), table.shape[1]), np.nan)
    sizes = np.full(table.shape[1], k)
    known = np.flatnonzero(np.isfinite(truth))
    best = _top(truth[known], table[known], sizes).everywhere(known, len(truth))
    for row, score in enumerate(scores):
        kept = np.flatnonzero(np.isfinite(score) & np.isfinite(truth))
        out[row] = _overlap(_top(score[kept], _of(table, kept), sizes), kept, best) / k
    return out


@by_draws
def half_accuracy(scores: Numbers, truth: Numbers, weights: NDArray[np.integer] | None = None) -> Numbers:
    """Share of architectures on the right side of the median under each draw, (predictors, draws); higher is better.

    The ⌈n/2⌉ highest-scored of the n architectures with score and truth are called good, and the ⌈n/2⌉ best by truth
    are. [derived] from the classification accuracy that the temporal-graph paper reports; ties: see the module, so
    that a constant score has what guessing has, about ½. nan in a draw with fewer than two scores.
    """
    table = counts(truth, weights).astype(float)
    out = np.full((len(scores), table.shape[1]), np.nan)
    for rows, kept in complete(np.asarray(scores, dtype=float), truth):
        w = table[kept]
        n = w.sum(axis=0)
        half = np.ceil(n / 2)
        best = _top(truth[kept], w, half).everywhere(np.arange(len(kept)), len(kept))
        for row in rows:
            both = _overlap(_top(scores[row, kept], w, half), np.arange(len(kept)), best)
            out[row] = np.divide(n - 2 * half + 2 * both, n, out=np.full(len(n), np.nan), where=n >= 2)
    return out


def regret(scores: Numbers, truth: Numbers, k: int, weights: NDArray[np.integer] | None = None) -> Numbers:
    """Top-k regret under each draw, (predictors, draws), in the truth's unit (percentage points); lower is better.

    The truth of the best of all architectures that have a truth, scored or not, less the expected truth of the best of
    the k highest-scored: what is lost by training just these k to the end (simple regret). With r to be chosen from G
    tied, none of the c best of them is chosen with probability C(G − c, r) / C(G, r). nan with fewer than k scores.
    """
    table = counts(truth, weights).astype(float)
    out = np.full((len(scores), table.shape[1]), np.nan)
    known = np.flatnonzero(np.isfinite(truth))
    best = _highest(truth[known], table[known] > 0)
    for row, score in enumerate(scores):
        kept = np.flatnonzero(np.isfinite(score) & np.isfinite(truth))
        top = _top(score[kept], _of(table, kept), np.full(table.shape[1], k))
        found = _highest(truth[kept][top.rows], (top.share == 1) | (top.alone[:, None] & (top.share > 0)), top.drawn)
        for group in np.unique(top.group[~top.alone]):
            members = np.flatnonzero(top.group == group)
            draws = np.flatnonzero((top.share[members[0]] > 0) & (top.share[members[0]] < 1))
            if draws.size:
                t, w = truth[kept][top.rows[members]], top.drawn[np.ix_(members, draws)]
                found[draws] = _expected_best(t, w, top.share[members[0], draws], found[draws])
        out[row] = np.where(top.enough, best - found, np.nan)
    return out


@dataclass(frozen=True)
class Top:
    """The k highest of a list under each draw: of each architecture that may be among them (`rows`, best first) the
    times it is `drawn`, the `share` of those that is chosen on average, both (rows, draws), the `group` of equal values
    it is in and whether it is `alone` there, both (rows,); whether there are `enough`, (draws,)."""

    rows: NDArray[np.intp]
    drawn: Numbers
    share: Numbers
    group: NDArray[np.int64]
    alone: NDArray[np.bool_]
    enough: NDArray[np.bool_]

    def everywhere(self, places: NDArray[np.intp], n: int) -> tuple[Numbers, NDArray[np.bool_]]:
        """`share` (n, draws), 0 for the others, and `alone` (n,); the list's architectures stand at `places` of n."""
        share, alone = np.zeros((n, self.share.shape[1])), np.zeros(n, dtype=bool)
        share[places[self.rows]], alone[places[self.rows]] = self.share, self.alone
        return share, alone


def _top(values: Numbers, w: Numbers, k: NDArray[np.integer] | Numbers) -> Top:
    """The `k` highest `values` under each draw; a column of `w` is a draw, and `k` (draws,) how many of it."""
    order = np.argsort(-values, kind="stable")
    needed = int(np.max(k, initial=0))
    groups = np.cumsum(np.diff(values[order], prepend=np.inf) != 0) - 1 if len(order) else np.zeros(0, dtype=np.int64)
    count = min(len(order), needed + 5 * isqrt(needed) + 32)  # the first so many hold k in all but rare draws
    while count < len(order) and (w[order[:count]].sum(axis=0) < k).any():
        count = min(len(order), 2 * count)
    if count < len(order):
        count = int(np.searchsorted(groups, groups[count - 1], side="right"))
    rows, group = order[:count], groups[:count]
    drawn = w[rows]
    sums = group_sums(group, drawn)
    share: Numbers = (k - running(sums)[:-1]).astype(float)
    np.divide(share, sums, out=share, where=sums > 0)
    np.clip(share, 0, 1, out=share)
    alone = np.bincount(group)[group] == 1
    share = share if alone.all() else share[group]
    return Top(rows, drawn, share, group, alone, w.sum(axis=0) >= k)


def _of(table: Numbers, kept: NDArray[np.intp]) -> Numbers:
    """The rows `kept`, without a copy where those are all."""
    return table if len(kept) == len(table) else table[kept]


def _overlap(top: Top, places: NDArray[np.intp], best: tuple[Numbers, NDArray[np.bool_]]) -> Numbers:
    """Expected number of draws that are chosen by score and by truth, (draws,), nan where there are too few."""
    at = places[top.rows]
    chosen, alone = best[0][at], best[1][at] & top.alone
    both = top.share * chosen  # by chance, or where one side takes all or none
    both[alone] = np.minimum(top.share[alone], chosen[alone])  # alone on both sides: copies are taken in one order
    overlap: Numbers = np.where(top.enough, np.einsum("ib,ib->b", top.drawn, both), np.nan)
    return overlap


def _highest(truth: Numbers, chosen: NDArray[np.bool_], drawn: Numbers | None = None) -> Numbers:
    """The highest truth (architectures,) of those that are `chosen` and drawn, (draws,), −∞ where there is none."""
    among = chosen if drawn is None else chosen & (drawn > 0)
    highest: Numbers = np.where(among, truth[:, None], -np.inf).max(axis=0, initial=-np.inf)
    return highest


def _expected_best(truth: Numbers, w: Numbers, share: Numbers, sure: Numbers) -> Numbers:
    """Expected highest truth of `sure` and of a `share` of tied architectures, chosen by chance, (draws,)."""
    order = np.argsort(-truth, kind="stable")
    cumulated = np.cumsum(w[order], axis=0)
    size = cumulated[-1]
    r = np.round(share * size)
    left = size - cumulated
    possible = left >= r
    spared = np.where(possible, left, r)
    log_none = (
        gammaln(spared + 1) - gammaln(spared - r + 1) - gammaln(size + 1) + gammaln(size - r + 1)
    )  # of the c best
    none = np.where(possible, np.exp(log_none), 0)
    first = np.concatenate([np.ones((1, len(size))), none[:-1]]) - none
    expected: Numbers = (np.maximum(truth[order][:, None], sure) * first).sum(axis=0)
    return expected
