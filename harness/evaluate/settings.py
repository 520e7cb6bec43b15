"""How scores are made and judged: the keys of conf/evaluate. Light to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import ClassVar

from harness.schema import ADDED_LATER, demand
from harness.schema.families import FAMILIES

STUDIED = ("capacitance",)
"""The default, which is allowed in a run without any of it."""


@dataclass(frozen=True)
class Evaluation:
    """How scores are made and judged.

    `bootstrap` draws give the percentile intervals at `level`, `permutations` swaps the p values; learned predictors
    are cross-fitted in `folds` folds; `seed` decides draws, swaps and folds; `budgets` are the steps (updates) at which
    predictors are scored, null for every observed step. Precision and regret are given for each k of `top`, pairwise
    accuracy by the lower edges `gaps` of the difference in accuracy (percentage points), the cheapest budget for each τ
    of `targets`; `pearson` adds Pearson's r. `studied` names the families or predictors under study: they are no
    baselines. `baselines` names the families or predictors of which alone the baselines are; null: of all others;
    `learned_baselines`: whether those among them that are fitted on accuracies of other architectures are. `question`
    is put on the page, and answered by the best predictor that is no baseline against the best baseline.
    Learned predictors, which take most of the time, are scored at each `learned_every`-th budget, counted back from the
    last; 1, at every budget, is that of runs before the field was there, 4 that of conf/evaluate/default.yaml.
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
    studied: list[str] = field(default_factory=lambda: list(STUDIED))
    baselines: list[str] | None = field(default=None, metadata=ADDED_LATER)
    learned_every: int = field(default=1, metadata=ADDED_LATER)
    learned_baselines: bool = field(default=True, metadata=ADDED_LATER)
    question: str = field(default="", metadata=ADDED_LATER)

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
        demand(self.learned_every >= 1, "evaluate.learned_every", "at least 1", self.learned_every)
        demand(self.permutations >= 1, "evaluate.permutations", "at least 1", self.permutations)
        counts = "a list of different counts of at least 1"
        demand(min(self.top, default=1) >= 1 and len(set(self.top)) == len(self.top), "evaluate.top", counts, self.top)
        rising = all(low < high for low, high in zip(self.gaps, self.gaps[1:], strict=False))
        rising = rising and len(self.gaps) > 0 and self.gaps[0] >= 0 and all(map(isfinite, self.gaps))
        demand(rising, "evaluate.gaps", "an increasing list of percentage points from 0 on", self.gaps)
        different = len(set(self.targets)) == len(self.targets) and all(0 < target <= 1 for target in self.targets)
        demand(different, "evaluate.targets", "a list of different numbers above 0 and at most 1", self.targets)
        once = all(self.studied) and len(set(self.studied)) == len(self.studied)
        demand(once, "evaluate.studied", "a list of different families or predictors", self.studied)

        given = self.baselines
        once = given is None or (all(given) and 0 < len(set(given)) == len(given))
        demand(once, "evaluate.baselines", "a list of different families or predictors (or null)", given)

    def may_be_baseline(self, predictor: str, family: str) -> bool:
        """Whether `baselines` allows a predictor of this family to be a baseline."""
        return self.baselines is None or bool({predictor, family} & set(self.baselines))

    def demand_baselines(self, families: Mapping[str, str]) -> None:
        """Raise BadInput for a name in `baselines` that is neither a predictor of the run nor a family."""
        known = {*families, *families.values(), *FAMILIES}
        strangers = [name for name in self.baselines or () if name not in known]
        demand(not strangers, "evaluate.baselines", f"families or predictors ({', '.join(sorted(known))})", strangers)

    def studied_of(self, families: Mapping[str, str]) -> set[str]:
        """The predictors under study, by name, out of those that run with their `families`.

        Raises BadInput for a name in `studied` that is neither a family nor a predictor of the run, unless `studied` is
        the default.
        """
        known = {*families, *families.values()}
        strangers = [name for name in self.studied if name not in known]
        there = f"families or predictors of this run ({', '.join(sorted(known))})"
        demand(not strangers or tuple(self.studied) == STUDIED, "evaluate.studied", there, strangers)
        return {name for name, family in families.items() if {name, family} & set(self.studied)}
