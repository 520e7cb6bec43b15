"""How often a predictor puts the better of two architectures first, by how far apart they truly are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from harness.evaluate.bootstrap import interval
from harness.evaluate.signs import sign_sums

Numbers = NDArray[np.float64]

ROUNDING = 1e-9
"""Percentage points; accuracies closer than this are equal, and a gap this close to an edge is on it."""

COLUMNS = ["predictor", "step", "gap_low", "gap_high", "pairs", "accuracy", "low", "high"]


def pairs(
    labels: Sequence[tuple[str, int]],
    scores: Numbers,
    truth: Numbers,
    gaps: Sequence[float],
    weights: NDArray[np.int64],
    level: float,
) -> pd.DataFrame:
    """Pairwise accuracy of each (predictor, step) by gap: the share of pairs of architectures that it orders rightly.

    Columns: predictor, step, gap_low, gap_high, pairs, accuracy, low, high. A pair is of the gap gap_low ≤ |difference
    of truths| < gap_high, in percentage points; `gaps` are the lower edges, increasing, the last gap is open (inf).
    Pairs of equal truth are left out; a tie of scores counts ½, so that .5 is chance. Within a gap it is (1 + τ_a)/2.
    Intervals at the last step only, by the bootstrap to first order, that is the infinitesimal jackknife (Efron 1982,
    chapter 6), on the scale of the logit: percentiles over the draws `weights` (draws, architectures) of

        logit(accuracy) + Σ_i (w_i − 1) (A_i − accuracy · D_i) / (D · accuracy · (1 − accuracy))

    A_i the right pairs of architecture i and D_i all its pairs in the gap, D all pairs [derived, coverage in
    docs/methods.md]. Pairs share architectures: their number says little of the width. Where every pair is right, or
    none, no draw differs, and the end that is open is Clopper & Pearson's (1934) for pairs that share no architecture.
    nan where a gap has no pair.
    """
    last = max((step for _, step in labels), default=0)
    rows = []
    for (predictor, step), row in zip(labels, scores, strict=True):
        kept = np.flatnonzero(np.isfinite(row) & np.isfinite(truth))
        kept = kept[np.argsort(truth[kept], kind="stable")]
        right, known = _by_architecture(row[kept], truth[kept], gaps)
        number = known.sum(axis=0) // 2
        accuracy = np.divide(right.sum(axis=0) / 2, number, out=np.full(len(gaps), np.nan), where=number > 0)
        edges = list(zip(gaps, [*gaps[1:], np.inf], strict=True))
        ends = np.full((len(gaps), 2), np.nan)
        if step == last:
            drawn = weights[:, kept].astype(float)  # effects add up to 0, so that w does as well as w − 1
            for place in np.flatnonzero(number):
                effects = (right[:, place] - accuracy[place] * known[:, place]) / number[place]
                apart = partial(disjoint_pairs, truth[kept], *edges[place])
                ends[place] = _ends(float(accuracy[place]), drawn @ effects, apart, level)
        for (low, high), *numbers in zip(edges, number, accuracy, *ends.T, strict=True):
            rows.append((predictor, step, float(low), float(high), *numbers))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"pairs": "int64"})


def disjoint_pairs(t: Numbers, low: float, high: float) -> int:
    """Pairs of a gap that can be made without using an architecture twice, nearest first; `t` is sorted."""
    number, partner, used = 0, 0, np.zeros(len(t), dtype=bool)
    for place, value in enumerate(t):
        if not used[place]:
            partner = max(partner, int(np.searchsorted(t, value + max(low, 2 * ROUNDING) - ROUNDING)))
            if partner < len(t) and t[partner] - value < high - ROUNDING:
                used[partner] = True
                partner, number = partner + 1, number + 1
    return number


def _ends(accuracy: float, moved: Numbers, apart: Callable[[], int], level: float) -> tuple[float, float]:
    """The interval of an accuracy that each draw moves by `moved`, (draws,), to first order."""
    if 0 < accuracy < 1:
        return interval(expit(logit(accuracy) + moved / (accuracy * (1 - accuracy))), level)
    open_end = float(((1 - level) / 2) ** (1 / apart()))
    return (open_end, 1.0) if accuracy == 1 else (0.0, 1 - open_end)


def _by_architecture(s: Numbers, t: Numbers, gaps: Sequence[float]) -> tuple[Numbers, Numbers]:
    """Right pairs (a tie counts ½) and all pairs of each architecture in each gap, both (architectures, gaps).

    `t` is sorted, so that the partners within a gap are one run of architectures above and one below.
    """
    n, edges = len(t), np.maximum(np.asarray(gaps, dtype=float), 2 * ROUNDING) - ROUNDING
    above = np.concatenate(
        [np.searchsorted(t, t[:, None] + edges, side="left"), np.full((n, 1), n, dtype=np.int64)], axis=1
    )
    below = np.concatenate(
        [np.searchsorted(t, t[:, None] - edges, side="right"), np.zeros((n, 1), dtype=np.int64)], axis=1
    )
    sums = sign_sums(s, np.stack([above, below]), np.broadcast_to(s[:, None], (2, *above.shape)))
    balance = -np.diff(sums[0], axis=1) - np.diff(sums[1], axis=1)  # below, right is to have the higher score
    known = (np.diff(above, axis=1) - np.diff(below, axis=1)).astype(float)
    return (known + balance) / 2, known
