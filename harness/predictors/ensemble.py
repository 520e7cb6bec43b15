"""The rank of an architecture predicted by an ensemble of three models, from the ranks of a few columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from scipy.stats import norm, rankdata

from harness.predictors.boosting import boosting
from harness.predictors.column_value import value_or_nan
from harness.predictors.gaussian_process import gaussian_process
from harness.predictors.points import Column
from harness.schema import NoScore, Trace, demand

FEWEST = 10


@dataclass(frozen=True)
class Ensemble:
    """The rank by final accuracy as the mean of a Gaussian process, extremely randomised trees and boosting [derived].

    `reads` are number columns. `reading`: "last", their last values count; "first", those at initialization, for an
    ensemble of zero-cost proxies, which then needs no training. Each is turned into its normal score among the
    architectures of the fit: rank r of n becomes the quantile (r - 1/2) / n of N(0, 1), values between two of the fit
    are interpolated, and one that is missing or not finite counts as the lowest, as for a network that passes no signal
    on. The accuracies are turned likewise, so that only orders enter, on both sides. The three models are
    fitted to that: a Gaussian process (one radial kernel over all columns and noise, their sizes by maximum
    likelihood), `trees` extremely randomised trees of leaves of two (Geurts et al. 2006) and as many of LightGBM. The
    score is the mean of their predictions, a normal score, not a percentage: scores are compared across folds after
    the mean over the fit is subtracted, which a single dead network among the accuracies would shift.

    `signs` may declare directions of some of the columns, as a rank aggregate does: the sum of the logarithms of their
    ranks in the fit, as a normal score of its own, is then one more column to the models, and half of the score.
    """

    kind: ClassVar[str] = "predictor/ensemble"

    reads: list[str]
    signs: dict[str, float] = field(default_factory=dict)
    trees: int = 200
    seed: int = 0
    family: str = "combination"
    reading: str = "last"

    def __post_init__(self) -> None:
        key = "predictor.ensemble"
        once = bool(self.reads) and len(set(self.reads)) == len(self.reads)
        demand(once, f"{key}.reads", "one trace column or more, each once", self.reads)
        for name, sign in self.signs.items():
            demand(name in self.reads, f"{key}.signs", f"columns of reads ({', '.join(self.reads)})", name)
            demand(abs(sign) == 1, f"{key}.signs", "1 or -1 for each column", self.signs)
        demand(self.trees >= 1, f"{key}.trees", "at least 1", self.trees)
        demand(0 <= self.seed < 2**31, f"{key}.seed", "a whole number from 0 to 2147483647", self.seed)
        demand(self.reading in ("first", "last"), f"{key}.reading", "'first' or 'last'", self.reading)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return tuple(self.reads)

    @property
    def at_initialization(self) -> bool:
        """Whether the observation at step 0 is all that is read."""
        return self.reading == "first"

    def fit(self, traces: Sequence[Trace], accuracies: Column) -> FittedEnsemble:
        """The models fitted to `traces` and their final `accuracies` (n,), in percent, those that are finite.

        Raises NoScore where fewer than 10 architectures remain.
        """
        from sklearn.ensemble import ExtraTreesRegressor

        known = np.isfinite(accuracies)
        table = np.array([_row(traces[i], self.columns, self.reading) for i in np.flatnonzero(known).tolist()])
        truth = accuracies[known]
        if len(truth) < FEWEST:
            raise NoScore(f"the fit needs {FEWEST} architectures, has {len(truth)}")
        scales = [Scale(values) for values in table.T]
        columns = Columns(scales, [self.signs.get(name, 0.0) for name in self.reads], table)
        x, y = columns.scores(table), Scale(truth).scores(truth)
        trees = ExtraTreesRegressor(self.trees, min_samples_leaf=2, max_features=0.5, random_state=self.seed, n_jobs=1)
        models = [gaussian_process(x, y, self.seed), trees.fit(x, y), boosting(x, y, self.trees, self.seed)]
        return FittedEnsemble(self.columns, self.family, self.reading, columns, models)


@dataclass(frozen=True)
class FittedEnsemble:
    """Ensemble after its fit: how its columns are read, and its three models."""

    columns: tuple[str, ...]
    family: str
    reading: str
    read: Columns = field(repr=False)
    models: list[Any] = field(repr=False)

    def score(self, trace: Trace) -> float:
        """Predicted normal score of the accuracy; higher is better. Raises NoScore as `row`."""
        return float(self.scores([self.row(trace)])[0])

    def row(self, trace: Trace) -> Column:
        """The value of each column (d,). Raises NoScore where none is finite."""
        row = _row(trace, self.columns, self.reading)
        if not np.isfinite(row).any():
            raise NoScore("none of its columns is finite within the budget")
        return row

    def scores(self, rows: Sequence[Column]) -> Column:
        """Predicted normal scores (n,) of n rows."""
        x = self.read.scores(np.array(rows))
        mean: Column = np.mean([np.asarray(model.predict(x)) for model in self.models], axis=0)
        return (mean + x[:, -1]) / 2 if self.read.declared else mean


class Scale:
    """Normal scores of the values of a fit (n,), equal values sharing their mean; values between are interpolated."""

    def __init__(self, values: Column) -> None:
        self.floor = float(np.min(values[np.isfinite(values)], initial=np.inf))
        filled = self._filled(values)
        scores = norm.ppf((rankdata(filled) - 0.5) / len(filled))
        self.values, first = np.unique(filled, return_index=True)
        self.normal: Column = scores[first]
        assert all(a < b for a, b in pairwise(self.normal.tolist()))

    def scores(self, values: Column) -> Column:
        """Normal scores of `values`, at most those of the fit's ends."""
        return np.interp(self._filled(values), self.values, self.normal)

    def _filled(self, values: Column) -> Column:
        floor = self.floor if np.isfinite(self.floor) else 0.0
        return np.where(np.isfinite(values), values, floor)


class Columns:
    """How the columns of a fit, a `table` (n, columns), are read; `signs` are 0 where no direction is declared."""

    def __init__(self, scales: Sequence[Scale], signs: Sequence[float], table: Column) -> None:
        self.scales, self.signs = scales, np.array(signs)
        self.declared = bool(self.signs.any())
        self.scale = Scale(self._sums(self._own(table)))

    def scores(self, table: Column) -> Column:
        """Normal scores (n, columns) of a table, and behind them that of the declared sum, if any is."""
        own = self._own(table)
        return np.column_stack([own, self.scale.scores(self._sums(own))]) if self.declared else own

    def _own(self, table: Column) -> Column:
        return np.stack([scale.scores(values) for scale, values in zip(self.scales, table.T, strict=True)], axis=1)

    def _sums(self, own: Column) -> Column:
        """Sums (n,) of the logarithms of the columns' quantiles in their declared directions."""
        chosen = self.signs != 0
        sums: Column = norm.logcdf(own[:, chosen] * self.signs[chosen]).sum(axis=1)
        return sums


def _row(trace: Trace, columns: Sequence[str], reading: str) -> Column:
    """The value of each column, nan where it is not finite."""
    return np.array([value_or_nan(trace, name, reading) for name in columns])
