"""How often a predictor puts the better of two architectures first, by how far apart they truly are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
    Intervals at the last step only: percentiles over the draws `weights` (draws, architectures) of

        accuracy + Σ_i (w_i − 1) (A_i − accuracy · D_i) / D

    A_i the right pairs of architecture i and D_i all its pairs in the gap, D all pairs: the bootstrap to first order,
    by the infinitesimal jackknife (Efron 1982, chapter 6; [derived], coverage in docs/methods.md), kept within 0 and 1.
    Pairs share architectures, so that the number of pairs says little of the width. nan where a gap has no pair.
    """
    last = max((step for _, step in labels), default=0)
    rows = []
    for (predictor, step), row in zip(labels, scores, strict=True):
        kept = np.flatnonzero(np.isfinite(row) & np.isfinite(truth))
        kept = kept[np.argsort(truth[kept], kind="stable")]
        right, known = _by_architecture(row[kept], truth[kept], gaps)
        number = known.sum(axis=0) // 2
        accuracy = np.divide(right.sum(axis=0) / 2, number, out=np.full(len(gaps), np.nan), where=number > 0)
        ends = np.full((len(gaps), 2), np.nan)
        if step == last:
            effects = np.divide(right - accuracy * known, number, out=np.zeros(right.shape), where=number > 0)
            drawn = np.clip(accuracy + (weights[:, kept] - 1.0) @ effects, 0, 1)
            ends = np.array([interval(column, level) for column in drawn.T])
        for low, high, *numbers in zip(gaps, [*gaps[1:], np.inf], number, accuracy, *ends.T, strict=True):
            rows.append((predictor, step, float(low), float(high), *numbers))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"pairs": "int64"})


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
