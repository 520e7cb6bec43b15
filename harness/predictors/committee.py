"""The rank of an architecture predicted by three models that vote, from the ranks of a few columns."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.stats import norm, rankdata

from harness.schema import NoScore, Trace, demand

from .boosting import boosting
from .points import Column

FEWEST = 10
SMALLEST = 1e-3
"""The least share of noise in the Gaussian process's variance: accuracies of one architecture differ by seed."""


@dataclass(frozen=True)
class Committee:
    """The rank by final accuracy as the mean of a Gaussian process, extremely randomised trees and boosting [derived].

    `reads` are number columns, of which the last value counts. Each is turned into its normal score among the
    architectures of the fit: rank r of n becomes the quantile (r - 1/2) / n of N(0, 1), values between two of the fit
    lie between theirs, and what is missing or not finite lies where the lowest does, as for a network that passes
    nothing on. The accuracies are turned likewise, so that only orders enter, on both sides. The three models are
    fitted to that: a Gaussian process (one radial kernel over all columns and noise, their sizes by maximum
    likelihood), `trees` extremely randomised trees of leaves of two (Geurts et al. 2006) and as many of LightGBM. The
    score is the mean of their predictions, a normal score and no percentage: folds are compared by scores from which
    the mean over the fit is taken off, which a single dead network among the accuracies would shift.
    """

    reads: list[str]
    trees: int = 200
    seed: int = 0
    family: str = "combination"

    def __post_init__(self) -> None:
        key = "predictor.committee"
        once = bool(self.reads) and len(set(self.reads)) == len(self.reads)
        demand(once, f"{key}.reads", "one trace column or more, each once", self.reads)
        demand(self.trees >= 1, f"{key}.trees", "a count of at least 1", self.trees)
        demand(0 <= self.seed < 2**31, f"{key}.seed", "a whole number from 0 to 2147483647", self.seed)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return tuple(self.reads)

    def fit(self, traces: Sequence[Trace], accuracies: Column) -> FittedCommittee:
        """The models fitted to `traces` and their final `accuracies` (n,), in percent; one not finite is passed over.

        Raises NoScore where fewer than 10 architectures remain.
        """
        from sklearn.ensemble import ExtraTreesRegressor
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

        known = np.isfinite(accuracies)
        table = np.array([_row(t, self.columns) for t, finite in zip(traces, known, strict=True) if finite])
        truth = accuracies[known]
        if len(truth) < FEWEST:
            raise NoScore(f"the fit needs {FEWEST} architectures, has {len(truth)}")
        scales = [Scale(values) for values in table.T]
        x, y = _scores(scales, table), Scale(truth).scores(truth)
        wide = float(np.sqrt(len(scales)))
        kernel = ConstantKernel(1.0) * RBF(wide, (wide / 10, wide * 100)) + WhiteKernel(0.2, (SMALLEST, 1e1))
        process = GaussianProcessRegressor(kernel, random_state=self.seed)
        trees = ExtraTreesRegressor(self.trees, min_samples_leaf=2, max_features=0.5, random_state=self.seed, n_jobs=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a size at its bound: a column that says nothing, say
            process.fit(x, y)
        models = [process, trees.fit(x, y), boosting(x, y, self.trees, self.seed)]
        return FittedCommittee(self.columns, self.family, scales, models)


@dataclass(frozen=True)
class FittedCommittee:
    """Committee after its fit: the scales of its columns and its three models."""

    columns: tuple[str, ...]
    family: str
    scales: list[Scale] = field(repr=False)
    models: list[Any] = field(repr=False)

    def score(self, trace: Trace) -> float:
        """Predicted normal score of the accuracy; higher is better. Raises NoScore where no column is finite."""
        row = _row(trace, self.columns)
        if not np.isfinite(row).any():
            raise NoScore("none of its columns is finite within the budget")
        x = _scores(self.scales, row[None])
        return float(np.mean([np.asarray(model.predict(x))[0] for model in self.models]))


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


def _scores(scales: Sequence[Scale], table: Column) -> Column:
    """Normal scores (n, columns) of a table (n, columns)."""
    return np.stack([scale.scores(values) for scale, values in zip(scales, table.T, strict=True)], axis=1)


def _row(trace: Trace, columns: Sequence[str]) -> Column:
    """The last value that was due of each column, nan where it is not finite."""
    found = []
    for name in columns:
        try:
            found.append(trace.last(name))
        except NoScore:
            found.append(float("nan"))
    return np.array(found)
