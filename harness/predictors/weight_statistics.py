"""Accuracy predicted from statistics of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.predictors import dense_net
from harness.predictors.boosting import Boosted, boosting
from harness.predictors.dense_net import DenseNet
from harness.predictors.logit_linear import LogitLinear
from harness.predictors.points import Column
from harness.schema import NoScore, Trace, demand

MODELS = ("boosting", "linear", "dense")
FEWEST = 4

ENDED = ("weight_statistics", "gradient_statistics")
ENDS = 14
"""The last entries of the vectors of these columns: seven statistics of the first layer, then of the last."""


@dataclass(frozen=True)
class WeightStatistics:
    """Final accuracy from the last vector of weight statistics (Unterthiner et al. 2020, arXiv 2002.11448, section 4).

    `model`: "boosting", gradient boosting by LightGBM with `trees` trees and no early stopping (their published
    notebook stops on the test set); "linear", their logit-linear model, accuracy = sigmoid(w features + b), fitted as
    a ridge on the logit of the accuracy, its strength by leave-one-out over the architectures of the fit; "dense", the
    mean of small dense nets that stop early on parts of the fit (`DenseNet`; its size and training are [derived]).

    `features`: "all" entries, or "ends", those of the first and the last layer alone (they report both), which asks for
    a column laid out as weight_statistics.

    An entry that is nan (a kind of tensor that the network has not) is a missing value to the boosting, and the mean
    of the fit to the others. The statistics of `column` were taken by the measure of the same name.
    """

    kind: ClassVar[str] = "predictor/weight_statistics"

    model: str = "boosting"
    features: str = "all"
    trees: int = 200
    seed: int = 0
    column: str = "weight_statistics"
    family: str = "weight_statistics"

    def __post_init__(self) -> None:
        key = "predictor.weight_statistics"
        demand(self.model in MODELS, f"{key}.model", " or ".join(map(repr, MODELS)), self.model)
        demand(self.features in ("all", "ends"), f"{key}.features", "'all' or 'ends'", self.features)
        demand(self.trees >= 1, f"{key}.trees", "at least 1", self.trees)
        demand(0 <= self.seed < 2**31, f"{key}.seed", "a whole number from 0 to 2147483647", self.seed)
        laid_out = self.features == "all" or self.column in ENDED
        demand(laid_out, f"{key}.column", f"{' or '.join(ENDED)} (features: ends)", self.column)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def fit(self, traces: Sequence[Trace], accuracies: NDArray[np.float64]) -> FittedWeightStatistics:
        """The model fitted to `traces` and their final `accuracies` (n,), in percent.

        A trace without a vector, or an accuracy that is not finite, is skipped. Raises NoScore where fewer than 4
        architectures remain (8 for "dense"), or where their vectors differ in length.
        """
        seen = [
            (vector, accuracy)
            for trace, accuracy in zip(traces, accuracies, strict=True)
            if np.isfinite(accuracy) and (vector := self.read(trace)) is not None
        ]
        fewest = dense_net.FEWEST if self.model == "dense" else FEWEST
        if len(seen) < fewest:
            raise NoScore(f"the fit needs {fewest} architectures with {self.column}, has {len(seen)}")
        if len({vector.size for vector, _ in seen}) > 1:
            raise NoScore(f"the fit needs vectors of one length, {self.column} has several")
        x, y = np.array([vector for vector, _ in seen]), np.array([accuracy for _, accuracy in seen])
        return FittedWeightStatistics(self, x.shape[1], self._regressor(x, y))

    def read(self, trace: Trace) -> Column | None:
        """The features of one trace (d,), None where none is finite."""
        vector = last_vector(trace, self.column)
        if vector is not None and self.features == "ends":
            vector = vector[-ENDS:]
        return vector if vector is not None and np.isfinite(vector).any() else None

    def _regressor(self, x: Column, y: Column) -> LogitLinear | DenseNet | Boosted:
        if self.model == "boosting":
            return boosting(x, y, self.trees, self.seed)
        return LogitLinear(x, y) if self.model == "linear" else DenseNet(x, y, self.seed)


@dataclass(frozen=True)
class FittedWeightStatistics:
    """WeightStatistics after its fit on vectors of this `width`."""

    method: WeightStatistics
    width: int
    regressor: LogitLinear | DenseNet | Boosted = field(repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return self.method.columns

    @property
    def family(self) -> str:
        """That of the method."""
        return self.method.family

    def score(self, trace: Trace) -> float:
        """Predicted accuracy in percent; higher is better. Raises NoScore as `row`."""
        return float(self.scores([self.row(trace)])[0])

    def row(self, trace: Trace) -> Column:
        """The features of a trace (d,).

        Raises NoScore where no vector has a finite entry, or where it is not as long as those of the fit.
        """
        vector = self.method.read(trace)
        if vector is None:
            raise NoScore(f"no finite {self.method.column} within the budget")
        if vector.size != self.width:
            raise NoScore(f"{self.method.column} has {vector.size} entries, those of the fit {self.width}")
        return vector

    def scores(self, rows: Sequence[Column]) -> Column:
        """Predicted accuracies (n,) of n rows."""
        return self.regressor.predict(np.array(rows))


def last_vector(trace: Trace, column: str) -> Column | None:
    """The last vector (d,) of `column` that has a finite entry, infinities as nan; None where there is none.

    Cells may hold arrays or lists, as a table read from Parquet does, or None.
    """
    return trace.kept(("last_vector", column), lambda: _last_vector(trace, column))


def _last_vector(trace: Trace, column: str) -> Column | None:
    vectors = (cell_vector(cell) for cell in reversed(trace.cells(column)))
    return next((vector for vector in vectors if vector is not None), None)


def cell_vector(cell: object) -> Column | None:
    """One cell of a vector column as (d,), infinities as nan; None where it holds no finite entry."""
    vector = np.asarray(np.nan if cell is None else cell, dtype=float)
    if vector.ndim != 1 or not np.isfinite(vector).any():
        return None
    return np.where(np.isfinite(vector), vector, np.nan)
