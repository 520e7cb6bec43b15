"""Accuracy predicted from statistics of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import lightgbm
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from harness.schema import NoScore, Trace, demand

from .points import Column

FEWEST = 4
ACCURACY_LIMITS = (0.001, 0.999)
"""Accuracies are kept within these before the logit, which is infinite at 0 and 1."""

BOOSTING = {
    "objective": "regression",
    "learning_rate": 0.05,
    "num_leaves": 7,
    "min_data_in_leaf": 5,
    "min_data_in_bin": 1,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
"""LightGBM for some 50 to 500 architectures: few leaves, and small ones (its own 20 allow no split below 40)."""


@dataclass(frozen=True)
class WeightStatistics:
    """Final accuracy from the last vector of weight statistics (Unterthiner et al. 2020, arXiv 2002.11448, section 4).

    `model`: "boosting", gradient boosting by LightGBM with `trees` trees and no early stopping (their published
    notebook stops on the test set); "linear", their logit-linear model, accuracy = sigmoid(w features + b), fitted as
    a ridge on the logit of the accuracy, its strength by leave-one-out over the architectures of the fit.

    An entry that is nan (a kind of tensor that the network has not) is a missing value to the boosting, and the mean
    of the fit to the linear model. The statistics of `column` were taken by the measure of the same name.
    """

    model: str = "boosting"
    trees: int = 200
    seed: int = 0
    column: str = "weight_statistics"
    family: str = "weight_statistics"

    def __post_init__(self) -> None:
        demand(
            self.model in ("boosting", "linear"),
            "predictor.weight_statistics.model",
            "'boosting' or 'linear'",
            self.model,
        )
        demand(self.trees >= 1, "predictor.weight_statistics.trees", "a count of at least 1", self.trees)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def fit(self, traces: Sequence[Trace], accuracies: NDArray[np.float64]) -> FittedWeightStatistics:
        """The model fitted to `traces` and their final `accuracies` (n,), in percent.

        A trace without a vector, or an accuracy that is not finite, is passed over. Raises NoScore where fewer than 4
        architectures remain.
        """
        seen = [
            (vector, accuracy)
            for trace, accuracy in zip(traces, accuracies, strict=True)
            if np.isfinite(accuracy) and (vector := last_vector(trace, self.column)) is not None
        ]
        if len(seen) < FEWEST:
            raise NoScore(f"the fit needs {FEWEST} architectures with {self.column}, has {len(seen)}")
        x, y = np.array([vector for vector, _ in seen]), np.array([accuracy for _, accuracy in seen])
        regressor = _boosting(x, y, self.trees, self.seed) if self.model == "boosting" else LogitLinear(x, y)
        return FittedWeightStatistics(self.column, self.family, regressor)


@dataclass(frozen=True)
class FittedWeightStatistics:
    """WeightStatistics after its fit."""

    column: str
    family: str
    regressor: LogitLinear | lightgbm.Booster = field(repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def score(self, trace: Trace) -> float:
        """Predicted accuracy in percent; higher is better. Raises NoScore where no vector has a finite entry."""
        vector = last_vector(trace, self.column)
        if vector is None:
            raise NoScore(f"no finite {self.column} within the budget")
        return float(np.asarray(self.regressor.predict(vector[None]))[0])


class LogitLinear:
    """100 * sigmoid of a ridge on standardised features, fitted to the logit of accuracies y (n,) in percent."""

    def __init__(self, x: Column, y: Column) -> None:
        self.ridge = make_pipeline(
            SimpleImputer(keep_empty_features=True), StandardScaler(), RidgeCV(np.logspace(-3, 5, 17))
        )
        self.ridge.fit(x, logit(np.clip(y / 100, *ACCURACY_LIMITS)))

    def predict(self, features: Column) -> Column:
        """Percent accuracies (n,) of feature vectors (n, d)."""
        accuracies: Column = 100 * expit(self.ridge.predict(features))
        return accuracies


def last_vector(trace: Trace, column: str) -> Column | None:
    """The last vector (d,) of `column` that has a finite entry, infinities as nan; None where there is none.

    Cells may hold arrays or lists, as a table read from Parquet does, or None.
    """
    for cell in reversed(trace.table[column].tolist()):
        vector = np.asarray(np.nan if cell is None else cell, dtype=float)
        if vector.ndim == 1 and np.isfinite(vector).any():
            return np.where(np.isfinite(vector), vector, np.nan)
    return None


def _boosting(x: Column, y: Column, trees: int, seed: int) -> lightgbm.Booster:
    return lightgbm.train({**BOOSTING, "seed": seed}, lightgbm.Dataset(x, y), num_boost_round=trees)
