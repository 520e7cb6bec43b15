"""Signals of one task as features: rows are architectures, every feature is its normal score among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

Numbers = NDArray[np.float64]

DESCRIPTION = "description_features"
PROXIES = (
    "flops", "live_flops", "layers", "untrained_az_expressivity", "untrained_az_progressivity",
    "untrained_az_trainability", "untrained_jacov", "untrained_naswot", "untrained_synflow", "untrained_zico",
)  # fmt: skip
AGGREGATE = ("untrained_az_expressivity", "untrained_az_progressivity", "untrained_jacov", "untrained_synflow", "flops")
"""The proxies of `untrained_aggregate` (conf/experiment/early_training.yaml); higher is better for each."""

LAST: Mapping[str, tuple[str, ...]] = {
    "movement": ("movement", "weight_norm", "magnitude_increase"),
    "losses": ("train_loss", "valid_loss", "valid_accuracy"),
    "gradients": ("snip", "grad_norm"),
    "readout": ("readout_error", "readout_error_mean", "readout_accuracy"),
    "weight_statistics": ("weight_statistics",),
    "temporal_graph": ("temporal_graph", "graph_degree", "graph_centrality"),
    "weights_and_gradients": ("weight_statistics", "gradient_statistics"),
}
"""Families that are read at their last observation within the budget; the last one in the manner of NAP2.

Tables hold vectors at the end of the training alone: families of vectors have no features at smaller budgets.
"""

COURSES: Mapping[str, tuple[str, ...]] = {
    "curves": ("train_loss", "valid_loss", "valid_accuracy"),
    "beta_eff": ("beta_eff",),
}
"""Families that are read at every observation within the budget."""

RECORDED: Mapping[str, tuple[str, ...]] = {"accuracies": ("train_accuracy", "valid_accuracy")}
"""Families of recorded curves, read as those of `COURSES`; no part of `EVERYTHING`."""

EVERYTHING = "everything"
SIGNALS = (*LAST, *COURSES, EVERYTHING)
DECLARED = {
    "movement": 1.0,
    "train_loss": -1.0,
    "readout_error_mean": -1.0,
    "valid_accuracy": 1.0,
    "snip": 1.0,
    "beta_eff": -1.0,
}
"""Columns that can join the aggregate without a label, with the direction that was declared before."""


@dataclass(frozen=True)
class Task:
    """One task's table: a row is an observation of an architecture (`architecture`, `group`, `step`, `truth`, columns).

    Architectures keep the order of the draw. `truth` is in percent; other columns that begin with `truth_` are further
    ground truths. A column `half` may be there: architectures of half "A" are fitted on and never judged.
    """

    name: str
    frame: pd.DataFrame

    @cached_property
    def architectures(self) -> list[str]:
        return list(dict.fromkeys(self.frame["architecture"]))

    @property
    def steps(self) -> list[int]:
        return sorted(map(int, self.frame["step"].unique()))

    def truth(self, column: str = "truth") -> Numbers:
        """Accuracy of each architecture, (n,)."""
        return self._first(column)

    @cached_property
    def groups(self) -> NDArray[np.object_]:
        """Isomorphism class of each architecture, (n,)."""
        firsts = self.frame.drop_duplicates("architecture").set_index("architecture")["group"]
        return firsts.loc[self.architectures].to_numpy(dtype=object)

    @cached_property
    def judged(self) -> NDArray[np.bool_]:
        """Which architectures may be judged, (n,)."""
        if "half" not in self.frame:
            return np.ones(len(self.architectures), dtype=bool)
        firsts = self.frame.drop_duplicates("architecture").set_index("architecture")["half"]
        found: NDArray[np.bool_] = (firsts.loc[self.architectures] != "A").to_numpy(dtype=bool)
        return found

    def of_judged(self) -> Task:
        """The task without the architectures that are never judged."""
        kept = {name for name, judged in zip(self.architectures, self.judged, strict=True) if judged}
        return Task(self.name, self.frame[self.frame["architecture"].isin(kept)])

    def _first(self, column: str) -> Numbers:
        firsts = self.frame.drop_duplicates("architecture").set_index("architecture")[column]
        return firsts.loc[self.architectures].to_numpy(dtype=float)

    def values(self, columns: Sequence[str], budget: int, course: bool = False) -> Numbers:
        """Last values within `budget` (n, d), or those of all observations; vectors are laid side by side."""
        seen = self.frame[self.frame["step"] <= budget]
        parts = [part for column in columns if column in seen for part in self._parts(seen, column, course)]
        return np.column_stack(parts) if parts else np.zeros((len(self.architectures), 0))

    def _parts(self, seen: pd.DataFrame, column: str, course: bool) -> list[Numbers]:
        if seen[column].dtype == object:
            given = seen[seen[column].notna()].drop_duplicates("architecture", keep="last").set_index("architecture")
            if given.empty:
                return []
            vectors = given[column].reindex(self.architectures)
            width = max(len(v) for v in given[column])
            return [
                np.array([v if isinstance(v, np.ndarray) else np.full(width, np.nan) for v in vectors], dtype=float)
            ]
        wide = seen.pivot(index="architecture", columns="step", values=column).loc[self.architectures]
        numbers = wide.to_numpy(dtype=float)
        if course:
            read = np.isfinite(numbers).any(axis=0)
            return [numbers[:, read]]
        return [wide.ffill(axis=1).to_numpy(dtype=float)[:, -1]]


def varies(values: Numbers) -> NDArray[np.bool_]:
    """Which columns of (n, d) have more than one value."""
    return np.array([len(np.unique(_filled(column))) > 1 for column in values.T], dtype=bool)


def normal_scores(values: Numbers) -> Numbers:
    """Each column's normal scores among the rows, ties sharing theirs; missing counts as the lowest.

    Columns with one value alone are left out.
    """
    columns = [norm.ppf((rankdata(_filled(column)) - 0.5) / len(column)) for column in values[:, varies(values)].T]
    return np.column_stack(columns) if columns else np.zeros((len(values), 0))


def _filled(column: Numbers) -> Numbers:
    filled: Numbers = np.where(np.isfinite(column), column, -np.inf)
    return filled


def raw(task: Task, family: str, budget: int) -> Numbers:
    """What a family of signals reads within a budget, (n, d); "description" and "proxies" need no training."""
    if family == "description":
        return task.values([DESCRIPTION], 0)
    if family == "proxies":
        return task.values(PROXIES, 0)
    if family == EVERYTHING:
        return np.column_stack([raw(task, each, budget) for each in (*LAST, *COURSES)])
    columns, course = (LAST[family], False) if family in LAST else ({**COURSES, **RECORDED}[family], True)
    return task.values(columns, budget, course)


def features(task: Task, family: str, budget: int) -> Numbers:
    """The features of a family within a budget: normal scores of `raw` among the architectures of the task."""
    return normal_scores(raw(task, family, budget))


def aggregate(task: Task, budget: int = 0, more: Mapping[str, float] | None = None) -> Numbers:
    """Sum of the logarithms of the ranks in `AGGREGATE` and in the columns of `more` by their sign, (n,).

    Nothing is fitted; higher is better (Lee & Ham 2024; `harness.predictors.rank_aggregate`).
    """
    values = task.values(AGGREGATE, 0)
    for column, sign in (more or {}).items():
        values = np.column_stack([values, sign * task.values([column], budget)])
    ranks = [rankdata(np.where(np.isfinite(column), column, -np.inf)) for column in values.T]
    total: Numbers = np.log(np.array(ranks) / len(values)).sum(axis=0)
    return total
