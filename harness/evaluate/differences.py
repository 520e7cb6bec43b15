"""How much better a predictor ranks than the best baseline that had the same budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.evaluate.bootstrap import interval
from harness.evaluate.ranking import tau_b

Numbers = NDArray[np.float64]


def differences(
    labels: Sequence[tuple[str, int]],
    baseline: Sequence[bool],
    scores: Numbers,
    truth: Numbers,
    weights: NDArray[np.int64],
    taus: Numbers,
    level: float,
) -> pd.DataFrame:
    """τ-b of each (predictor, step) less that of the best baseline at that step, with a paired percentile interval.

    Columns: predictor, step, baseline, difference, low, high, n. The baseline is the one of highest observed τ-b other
    than the predictor itself, the first where several are equal. It is chosen on the data that it is then compared on,
    which favours the baseline: its τ is partly luck, so differences are a little too low, and a predictor that comes
    out ahead does so in spite of it. Both are ranked on the `n` architectures that both score, under the same draws.
    `labels`, `baseline`, `scores` (rows, architectures), `taus` (rows, 1 + draws) belong together row by row; `weights`
    (1 + draws, architectures) has the sample as it is first. "" and nan where a step has no other baseline.
    """
    rows = []
    for row, (predictor, step) in enumerate(labels):
        others = [i for i, label in enumerate(labels) if baseline[i] and label[1] == step and i != row]
        rivals = [i for i in others if np.isfinite(taus[i, 0])]
        if not rivals:
            rows.append((predictor, step, "", np.nan, np.nan, np.nan, 0))
            continue
        best = max(rivals, key=lambda i: taus[i, 0])
        difference, n = _paired(row, best, scores, truth, weights, taus)
        low, high = interval(difference[1:], level) if np.isfinite(difference[0]) else (np.nan, np.nan)
        rows.append((predictor, step, labels[best][0], float(difference[0]), low, high, n))
    return pd.DataFrame(rows, columns=["predictor", "step", "baseline", "difference", "low", "high", "n"])


def ablations(
    labels: Sequence[tuple[str, int]],
    scores: Numbers,
    truth: Numbers,
    weights: NDArray[np.int64],
    taus: Numbers,
    level: float,
    twins: Mapping[str, tuple[str, str]],
) -> pd.DataFrame:
    """What a group of inputs adds: τ-b of a predictor less that of its twin without the group, paired.

    Columns: predictor, group, step, tau, tau_without, difference, low, high, n, a row for each twin at each step.
    `twins` names, for each twin, the predictor and the group. Other arguments are those of `differences`.
    """
    places = {label: place for place, label in enumerate(labels)}
    rows = []
    for (name, step), without in places.items():
        whole, group = twins.get(name, ("", ""))
        row = places.get((whole, step))
        if row is None:
            continue
        difference, n = _paired(row, without, scores, truth, weights, taus)
        low, high = interval(difference[1:], level) if np.isfinite(difference[0]) else (np.nan, np.nan)
        both = float(taus[row, 0]), float(taus[without, 0])
        rows.append((whole, group, step, *both, float(difference[0]), low, high, n))
    columns = ["predictor", "group", "step", "tau", "tau_without", "difference", "low", "high", "n"]
    return pd.DataFrame(rows, columns=columns)


def _paired(
    row: int, best: int, scores: Numbers, truth: Numbers, weights: NDArray[np.int64], taus: Numbers
) -> tuple[Numbers, int]:
    """The difference under each draw, (draws,), and the number of architectures that both score."""
    pair = [row, best]
    present = np.isfinite(scores[pair])
    common = present.all(axis=0)
    same = (present == common).all()
    of_both = taus[pair] if same else tau_b(np.where(common, scores[pair], np.nan), truth, weights)
    return of_both[0] - of_both[1], int((common & np.isfinite(truth)).sum())
