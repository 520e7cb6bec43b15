"""The same predictors in two runs: τ-b of each in both, and the difference, paired where architectures are shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.evaluate.bootstrap import interval, observed_and_draws
from harness.evaluate.correlations import tau_b
from harness.evaluate.differences import detectable_difference
from harness.evaluate.permutation import holm, swap_effects, swap_p_values
from harness.schema import seed_of

Numbers = NDArray[np.float64]

FEWEST = 10
"""Runs that share fewer architectures are compared unpaired, each over its own: τ of so few says next to nothing."""

COLUMNS = [
    *("predictor", "family", "first", "first_low", "first_high", "second", "second_low", "second_high"),
    *("difference", "low", "high", "n", "p", "p_holm", "detectable"),
]


@dataclass(frozen=True)
class LastScores:
    """The scores of a run at its last budget.

    `scores` has a row per predictor and a column per architecture (higher is better, nan: none), `truth` the accuracy
    by architecture (nan: none), `family` the family by predictor.
    """

    scores: pd.DataFrame
    truth: pd.Series
    family: pd.Series


@dataclass(frozen=True)
class Resampling:
    """Bootstrap `draws`, `level` of the intervals, `permutations` behind every p, and the `seed` of them all."""

    draws: int
    level: float
    permutations: int
    seed: int


@dataclass(frozen=True)
class Pairing:
    """What of two runs can be compared: the architectures that both have, and whether their accuracies are the same."""

    shared: Sequence[str]
    same_truth: bool

    @property
    def is_paired(self) -> bool:
        """Whether enough architectures are shared to compare the runs over the same ones."""
        return len(self.shared) >= FEWEST


def pair(first: LastScores, second: LastScores) -> Pairing:
    """The architectures with a ground truth in both runs, sorted by name, and whether it is equal in all of them."""
    shared = sorted(set(first.truth.dropna().index) & set(second.truth.dropna().index))
    one, other = (run.truth.loc[shared].to_numpy(dtype=float) for run in (first, second))
    return Pairing(shared, bool(shared) and np.array_equal(one, other))


def compare_runs(first: LastScores, second: LastScores, how: Resampling) -> pd.DataFrame:
    """One row for each predictor that both runs have, of the columns COLUMNS; highest mean of the two τ first.

    `first` and `second` are τ-b with percentile intervals, `difference` is the second less the first: positive where
    the predictor ranks better in the second run. Where `pair` says that the runs are paired, all is computed over the
    `n` shared architectures that the predictor scores in both, under the same draws, and `low` and `high` are a paired
    interval. Otherwise each τ is that of the run's own architectures, `n` the smaller of the two counts, and the
    interval is that of independent draws of both (unpaired). `p` is two-sided, of swaps of the predictor's two ranks of
    an architecture (permutation.py), `p_holm` adjusted for all predictors that are tested. Both are
    nan where no swap changes anything, as of scores that read no training, and where the runs are unpaired or their
    ground truths differ. `detectable` as in differences.py. nan where τ is undefined.
    """
    names = [str(name) for name in first.scores.index if name in second.scores.index]
    pairing = pair(first, second)
    a, b = (_of(run, names, pairing.shared if pairing.is_paired else None) for run in (first, second))
    taus_a, taus_b, counts = _paired(a, b, how) if pairing.is_paired else _unpaired(a, b, how)
    table = pd.DataFrame(
        [_row(one, other, int(n), how.level) for one, other, n in zip(taus_a, taus_b, counts, strict=True)],
        columns=["first", "first_low", "first_high", "second", "second_low", "second_high",
                 "difference", "low", "high", "n", "detectable"],
    )  # fmt: skip
    table = table.assign(predictor=names, family=[str(second.family[name]) for name in names], p=np.nan, p_holm=np.nan)
    if pairing.is_paired and pairing.same_truth:
        effects = np.array([swap_effects(y, x, a[1]) for x, y in zip(a[0], b[0], strict=True)])
        compared = table["difference"].notna().to_numpy() & effects.any(axis=1)
        table.loc[compared, "p"] = swap_p_values(effects[compared], how.permutations, how.seed)
        table["p_holm"] = holm(table["p"].to_numpy())
    order = (table["first"] + table["second"]).sort_values(ascending=False, kind="stable").index
    return table.loc[order, COLUMNS].reset_index(drop=True)


def _of(run: LastScores, names: Sequence[str], shared: Sequence[str] | None) -> tuple[Numbers, Numbers]:
    """Scores (names, architectures) and truth (architectures,) over the shared architectures, or over the run's own."""
    truth = run.truth.dropna().sort_index() if shared is None else run.truth.loc[list(shared)]
    scores = run.scores.reindex(index=list(names), columns=truth.index)
    return scores.to_numpy(dtype=float), truth.to_numpy(dtype=float)


def _paired(
    first: tuple[Numbers, Numbers], second: tuple[Numbers, Numbers], how: Resampling
) -> tuple[Numbers, Numbers, NDArray[np.intp]]:
    """τ-b of both, (predictors, 1 + draws), under the same draws and over what both score; how many those are."""
    (a, truth_a), (b, truth_b) = first, second
    both = np.isfinite(a) & np.isfinite(b)
    weights = observed_and_draws(len(truth_a), how.draws, how.seed)
    one, other = (
        tau_b(np.where(both, scores, np.nan), truth, weights) for scores, truth in ((a, truth_a), (b, truth_b))
    )
    return one, other, both.sum(axis=1)


def _unpaired(
    first: tuple[Numbers, Numbers], second: tuple[Numbers, Numbers], how: Resampling
) -> tuple[Numbers, Numbers, NDArray[np.intp]]:
    """The same under independent draws, each over the run's own architectures."""
    taus = [
        tau_b(scores, truth, observed_and_draws(len(truth), how.draws, seed_of(how.seed, "run", at)))
        for at, (scores, truth) in enumerate((first, second))
    ]
    counts = [np.isfinite(scores).sum(axis=1) for scores, _ in (first, second)]
    return taus[0], taus[1], np.minimum(*counts)


def _row(first: Numbers, second: Numbers, n: int, level: float) -> list[float]:
    """The row of one predictor from its τ-b in both runs, (1 + draws,) each."""
    numbers: list[float] = []
    for values in (first, second, second - first):
        ends = interval(values[1:], level) if np.isfinite(values[0]) and n > 2 else (np.nan, np.nan)
        numbers += [float(values[0]), *ends]
    return [*numbers, n, detectable_difference((second - first)[1:], level) if n > 2 else np.nan]
