"""How often a predictor puts the better of two architectures first, by how far apart they truly are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from harness.evaluate.bootstrap import interval
from harness.evaluate.signs import sign_sums

Numbers = NDArray[np.float64]

ROUNDING = 1e-9
"""Percentage points; accuracies closer than this are equal, and a gap this close to an edge is on it."""

COLUMNS = ["predictor", "step", "gap_low", "gap_high", "pairs", "disjoint", "accuracy", "low", "high"]


def pairs(
    labels: Sequence[tuple[str, int]],
    scores: Numbers,
    truth: Numbers,
    gaps: Sequence[float],
    weights: NDArray[np.int64],
    level: float,
) -> pd.DataFrame:
    """Pairwise accuracy of each (predictor, step) by gap: the share of pairs of architectures that it orders rightly.

    Columns: predictor, step, gap_low, gap_high, pairs, disjoint, accuracy, low, high. A pair is of the gap gap_low ≤
    |difference of truths| < gap_high, in percentage points; `gaps` are the lower edges, increasing, the last gap is
    open (inf). Pairs of equal truth are left out; a tie of scores counts ½, so that .5 is chance. Within a gap it is (1
    + τ_a)/2. Intervals at the last step only, by the bootstrap to first order, that is the infinitesimal jackknife
    (Efron 1982, chapter 6), on the scale of the logit: percentiles over the draws `weights` (draws, architectures) of

        logit(accuracy) + Σ_i (w_i − 1) (A_i − accuracy · D_i) / (D · accuracy · (1 − accuracy))

    A_i the right pairs of architecture i and D_i all its pairs in the gap, D all pairs [derived, coverage in
    docs/methods.md]. Pairs share architectures: the effective sample size is nearer to `disjoint` than to their number
    (see `disjoint_pairs`). Where every pair is right, or none, no draw differs, and the end that is open is Clopper &
    Pearson's (1934) for the disjoint pairs. nan where a gap has no pair; no interval where `disjoint` is 1: all pairs
    then share one architecture, or are those of three, which is a sample of one.
    """
    last = max((step for _, step in labels), default=0)
    edges = list(zip(gaps, [*gaps[1:], np.inf], strict=True))
    rows, apart = [], dict[bytes, list[int]]()
    before, drawn = b"", None
    for (predictor, step), row in zip(labels, scores, strict=True):
        kept = np.flatnonzero(np.isfinite(row) & np.isfinite(truth))
        kept = kept[np.argsort(truth[kept], kind="stable")]
        right, known = _by_architecture(row[kept], truth[kept], gaps)
        number = known.sum(axis=0) // 2
        if kept.tobytes() not in apart:
            apart[kept.tobytes()] = [disjoint_pairs(truth[kept], *gap) for gap in edges]
        disjoint = apart[kept.tobytes()]
        accuracy = np.divide(right.sum(axis=0) / 2, number, out=np.full(len(gaps), np.nan), where=number > 0)
        ends = np.full((len(gaps), 2), np.nan)
        if step == last:
            if drawn is None or before != kept.tobytes():
                before, drawn = kept.tobytes(), weights[:, kept].astype(float)
            # effects add up to 0, so that w does as well as w − 1
            for place in np.flatnonzero(np.array(disjoint) > 1):
                effects = (right[:, place] - accuracy[place] * known[:, place]) / number[place]
                ends[place] = _ends(float(accuracy[place]), drawn @ effects, disjoint[place], level)
        for (low, high), *numbers in zip(edges, number, disjoint, accuracy, *ends.T, strict=True):
            rows.append((predictor, step, float(low), float(high), *numbers))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"pairs": "int64", "disjoint": "int64"})


def disjoint_pairs(t: Numbers, low: float, high: float) -> int:
    """A lower bound of the number of pairs of a gap that can be made without using an architecture twice.

    `t` is sorted. The largest number would be a maximum matching; this is the best of three that go once through the
    list: each with its nearest free partner, from below and from above, and the worst with the best half. Exact where
    it says 0 or 1 (1: all pairs share one architecture, or there are three, among three), and in the open gap.
    """
    low = max(low, 2 * ROUNDING) - ROUNDING
    high = high - ROUNDING
    first, end = np.searchsorted(t, t + low), np.searchsorted(t, t + high)
    degrees = (end - first) + np.maximum(
        0, np.searchsorted(t, t - low, "right") - np.searchsorted(t, t - high, "right")
    )
    number = int((end - first).sum())
    found = max(_nearest(t, low, high), _nearest(-t[::-1], low, high), _halves(t, low) if np.isinf(high) else 0)
    two = number > degrees.max(initial=0) and not (number == 3 and degrees.max() == 2 and (degrees > 0).sum() == 3)
    return max(found, 2) if two else found


def _nearest(t: Numbers, low: float, high: float) -> int:
    """Pairs at least `low` and less than `high` apart: each of `t`, from below, with its nearest free partner above."""
    firsts, ends = (np.searchsorted(t, t + apart).tolist() for apart in (low, high))
    number, free, used = 0, 0, bytearray(len(t))
    for place, (first, end) in enumerate(zip(firsts, ends, strict=True)):
        if not used[place]:
            free = max(free, first)
            if free < end:
                used[free] = True
                free, number = free + 1, number + 1
    return number


def _halves(t: Numbers, low: float) -> int:
    """Pairs at least `low` apart: the lower half of `t`, from below, each with its nearest free partner above."""
    lower, number = len(t) // 2, 0
    for value in t[lower:]:
        number += bool(number < lower and value - t[number] >= low)
    return number


def _ends(accuracy: float, moved: Numbers, disjoint: int, level: float) -> tuple[float, float]:
    """The interval of an accuracy that each draw moves by `moved`, (draws,), to first order."""
    if 0 < accuracy < 1:
        return interval(expit(logit(accuracy) + moved / (accuracy * (1 - accuracy))), level)
    open_end = float(((1 - level) / 2) ** (1 / disjoint))
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
