"""How much better a predictor ranks than the best baseline at the same budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from harness.evaluate.bootstrap import interval
from harness.evaluate.correlations import tau_b
from harness.evaluate.permutation import holm, swap_effects, swap_p_values
from harness.evaluate.scored_run import ScoredRun

Numbers = NDArray[np.float64]

POWER = 0.8
"""Power of the test at a true difference of `detectable`."""

COLUMNS = ["predictor", "step", "baseline", "difference", "low", "high", "n", "p", "p_holm", "detectable"]


def differences(run: ScoredRun, baseline: Sequence[bool], permutations: int, seed: int) -> pd.DataFrame:
    """τ-b of each (predictor, step) less that of the best baseline at that step, with interval and p value.

    Columns: predictor, step, baseline, difference, low, high, n, p, p_holm, detectable. `baseline` (rows,) says which
    rows of the run are baselines; compared is the one of highest observed τ-b other than the predictor itself, the
    first where several are equal. It is chosen on the data that it is then compared on, which favours the baseline: its
    τ is partly luck, so differences are a little too low, and a predictor that leads does so in spite of it. Both are
    ranked on the `n` architectures that both score, under the same draws: `low` and `high` are a paired percentile
    interval. `p` is two-sided, of `permutations` swaps from `seed` (see permutation.py), `p_holm` adjusted for all
    comparisons at that step; `detectable` as in `detectable_difference`. "" and nan where a step has no other baseline.
    """
    labels, scores, truth, taus, level = run.labels, run.scores, run.truth, run.taus, run.level
    rows, effects = [], np.zeros((len(labels), len(truth)), dtype=np.int64)
    for row, (predictor, step) in enumerate(labels):
        others = [i for i, label in enumerate(labels) if baseline[i] and label[1] == step and i != row]
        rivals = [i for i in others if np.isfinite(taus[i, 0])]
        if not rivals:
            rows.append((predictor, step, "", np.nan, np.nan, np.nan, 0, np.nan, np.nan, np.nan))
            continue
        best = max(rivals, key=lambda i: taus[i, 0])
        difference, n = _paired(run, row, best)
        low, high, detectable = np.nan, np.nan, np.nan
        if np.isfinite(difference[0]):
            if n > 2:  # every draw of two is the same pair
                low, high = interval(difference[1:], level)
                detectable = detectable_difference(difference[1:], level)
            effects[row] = swap_effects(scores[row], scores[best], truth)
        rows.append((predictor, step, labels[best][0], difference[0], low, high, n, np.nan, np.nan, detectable))
    table = pd.DataFrame(rows, columns=COLUMNS)
    compared = table["difference"].notna()
    table.loc[compared, "p"] = swap_p_values(effects[compared], permutations, seed)
    table["p_holm"] = table.groupby("step")["p"].transform(lambda p: holm(p.to_numpy()))
    return table


def detectable_difference(drawn: Numbers, level: float) -> float:
    """The minimum detectable difference in τ-b: the true one that is detected with 80 % power.

    Bloom (1995), two-sided test at α = 1 − `level`: (z_{1 − α/2} + z_{.8}) · standard error, which is the standard
    deviation of the difference under the bootstrap draws, (draws,); nan with fewer than two of them. It depends on the
    number of architectures, not on the difference that was observed.
    """
    finite = drawn[np.isfinite(drawn)]
    if finite.size < 2:
        return float("nan")
    return float((ndtri((1 + level) / 2) + ndtri(POWER)) * np.std(finite, ddof=1))


def ablations(run: ScoredRun, twins: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """What a group of inputs adds: τ-b of a predictor less that of its twin without the group, paired.

    Columns: predictor, group, step, tau, tau_without, difference, low, high, n, a row for each twin at each step.
    `twins` names, for each twin, the predictor and the group.
    """
    row_of = {label: row for row, label in enumerate(run.labels)}
    rows = []
    for (name, step), without in row_of.items():
        whole, group = twins.get(name, ("", ""))
        row = row_of.get((whole, step))
        if row is None:
            continue
        difference, n = _paired(run, row, without)
        low, high = interval(difference[1:], run.level) if np.isfinite(difference[0]) else (np.nan, np.nan)
        both = float(run.taus[row, 0]), float(run.taus[without, 0])
        rows.append((whole, group, step, *both, float(difference[0]), low, high, n))
    columns = ["predictor", "group", "step", "tau", "tau_without", "difference", "low", "high", "n"]
    return pd.DataFrame(rows, columns=columns)


def _paired(run: ScoredRun, row: int, other: int) -> tuple[Numbers, int]:
    """The difference of two rows under each draw, (draws,), and the number of architectures that both score."""
    pair = [row, other]
    present = np.isfinite(run.scores[pair])
    common = present.all(axis=0)
    same = (present == common).all()
    of_both = run.taus[pair] if same else tau_b(np.where(common, run.scores[pair], np.nan), run.truth, run.weights)
    return of_both[0] - of_both[1], int((common & np.isfinite(run.truth)).sum())
