"""The verdict on the scores of one run: how well each predictor ranks, by how much it leads, what could be reached."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, ClassVar

from harness.schema import Truth, demand

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Evaluation:
    """How scores are made and judged.

    `bootstrap` draws give the percentile intervals at `level`, `permutations` swaps the p values; learned predictors
    are cross-fitted in `folds` folds; `seed` decides draws, swaps and folds; `budgets` are the steps (updates) at which
    predictors are scored, null for every observed step. Selection is told for the best `top`; pairs of architectures by
    the lower edges `gaps` of their difference (percentage points); costs for the τ of `targets`; `pearson` adds
    Pearson's r.
    """

    kind: ClassVar[str] = "evaluate/evaluation"

    bootstrap: int = 1000
    level: float = 0.95
    folds: int = 5
    seed: int = 0
    budgets: list[int] | None = None
    permutations: int = 9999
    top: list[int] = field(default_factory=lambda: [1, 5, 10])
    gaps: list[float] = field(default_factory=lambda: [0.0, 0.5, 1.0, 2.0, 5.0, 10.0])
    targets: list[float] = field(default_factory=lambda: [0.5, 0.6, 0.7])
    pearson: bool = False
    studied: list[str] = field(default_factory=lambda: ["capacitance"])

    def __post_init__(self) -> None:
        demand(self.bootstrap >= 1, "evaluate.bootstrap", "at least 1", self.bootstrap)
        demand(0 < self.level < 1, "evaluate.level", "a number between 0 and 1", self.level)
        demand(self.folds >= 2, "evaluate.folds", "at least 2", self.folds)
        demand(self.seed >= 0, "evaluate.seed", "an integer of at least 0", self.seed)
        steps = self.budgets
        demand(
            steps is None or (len(steps) > 0 and min(steps) >= 0 and len(set(steps)) == len(steps)),
            "evaluate.budgets",
            "a list of different steps of at least 0 (or null)",
            steps,
        )
        demand(self.permutations >= 1, "evaluate.permutations", "at least 1", self.permutations)
        counts = "a list of different counts of at least 1"
        demand(min(self.top, default=1) >= 1 and len(set(self.top)) == len(self.top), "evaluate.top", counts, self.top)
        rising = all(low < high for low, high in zip(self.gaps, self.gaps[1:], strict=False))
        rising = rising and len(self.gaps) > 0 and self.gaps[0] >= 0 and all(map(isfinite, self.gaps))
        demand(rising, "evaluate.gaps", "an increasing list of percentage points from 0 on", self.gaps)
        different = len(set(self.targets)) == len(self.targets) and all(0 < target <= 1 for target in self.targets)
        demand(different, "evaluate.targets", "a list of different numbers above 0 and at most 1", self.targets)


@dataclass(frozen=True)
class Judgement:
    """Six tables, in long form.

    `metrics`: predictor, family, baseline, step, n, failed, tau, spearman, tau_half, tau_fifth, tau_tenth,
    weighted_tau, half_accuracy, pearson if asked for, tau_given_<control> and tau_given_train_loss_and_flops (each with
    _low and _high, from weighted_tau on at the last step only), n_half, n_fifth, n_tenth, note. `differences`:
    predictor, step, baseline, difference, low, high, n, p, p_holm, detectable. `ablations`: predictor, group, step,
    tau, tau_without, difference, low, high, n. `ceiling`: subset, kind, tau, low, high, tau_one, seeds, n, note.
    `selection`: predictor, step, k, precision, regret (each with _low and _high), n. `pairs`: predictor, step, gap_low,
    gap_high, pairs, disjoint, accuracy, low, high.
    """

    metrics: pd.DataFrame
    differences: pd.DataFrame
    ceiling: pd.DataFrame
    ablations: pd.DataFrame
    selection: pd.DataFrame
    pairs: pd.DataFrame


def judge(
    scores: pd.DataFrame,
    truth: Truth,
    families: Mapping[str, str],
    evaluation: Evaluation,
    not_baselines: Collection[str] = (),
    twins: Mapping[str, tuple[str, str]] | None = None,
) -> Judgement:
    """How well each predictor ranks at each step, against the mean of the truth's seeds.

    `scores` has the columns predictor, step, architecture, score (higher is better, nan for none); `truth` holds the
    evaluated architectures; `families` names each predictor's family, and all are baselines but those of "capacitance"
    and those of `not_baselines`, which read it among other things. `twins`: see `differences.ablations`.
    Architectures without any recorded accuracy are left out; of the others, `n` have a score and `failed` have none:
    those are counted, never ranked. Intervals resample architectures with replacement (for the subsets, within the
    subset); all predictors see the same draws, which depend on the seed and the number of architectures alone. A
    correlation that does not exist is nan and `note` says why.

    Raises BadInput for a predictor without family and for a scored architecture without a row in the truth.
    """
    from harness.evaluate.verdict import verdict

    return verdict(scores, truth, families, evaluation, not_baselines, twins or {})
