"""Accuracy regressed on the last beta_eff, across architectures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import BayesianRidge

from harness.schema import NoScore, Trace, demand


@dataclass(frozen=True)
class CapacitancePooled:
    """Final accuracy by one Bayesian ridge on the last `column` of other architectures [derived].

        accuracy_a = w column_a + b + e over the architectures a of the fit,    score = E[accuracy | column]

    The fit within one trace (CapacitanceRidge, the paper's) has few and noisy points; this one has one point an
    architecture. A straight line on one number can only learn the direction and the unit: within a fold its ranking is
    that of the column or the reverse. Columns are standardised by the mean and deviation of the fit.
    """

    kind: ClassVar[str] = "predictor/capacitance_pooled"

    column: str = "beta_eff"
    family: str = "capacitance"

    def __post_init__(self) -> None:
        demand(self.column != "", "predictor.capacitance_pooled.column", "the name of a trace column", self.column)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def fit(self, traces: Sequence[Trace], accuracies: NDArray[np.float64]) -> FittedPooled:
        """The ridge fitted to `traces` and their final `accuracies` (n,), in percent.

        A trace without a finite value, or an accuracy that is not finite, is skipped. Raises NoScore where fewer
        than two different values remain.
        """
        pairs = [
            (_last(trace, self.column), accuracy)
            for trace, accuracy in zip(traces, accuracies, strict=True)
            if np.isfinite(accuracy)
        ]
        x, y = np.array(pairs, dtype=float).reshape(-1, 2).T
        x, y = x[np.isfinite(x)], y[np.isfinite(x)]
        different = len(np.unique(x))
        if different < 2:
            raise NoScore(f"the fit needs 2 different values of {self.column}, has {different}")
        centre, scale = float(x.mean()), float(x.std())
        model = BayesianRidge().fit(((x - centre) / scale)[:, None], y)
        return FittedPooled(self.column, self.family, centre, scale, model)


@dataclass(frozen=True)
class FittedPooled:
    """CapacitancePooled after its fit."""

    column: str
    family: str
    centre: float
    scale: float
    model: BayesianRidge = field(repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def score(self, trace: Trace) -> float:
        """Predicted accuracy in percent, not clipped; higher is better. Raises NoScore without a finite value."""
        return self.estimate(trace)[0]

    def row(self, trace: Trace) -> NDArray[np.float64]:
        """The standardised last finite value (1,). Raises NoScore without one."""
        return (trace.column(self.column)[-1:] - self.centre) / self.scale

    def scores(self, rows: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Predicted accuracies (n,) of n rows."""
        found: NDArray[np.float64] = self.model.predict(np.array(rows))
        return found

    def estimate(self, trace: Trace) -> tuple[float, float]:
        """(mean, standard deviation) of the predictive distribution, in percent. Raises NoScore as `score`."""
        mean, deviation = self.model.predict(self.row(trace)[None], return_std=True)
        return float(mean[0]), float(deviation[0])


def _last(trace: Trace, column: str) -> float:
    """The last finite value, nan where there is none."""
    values = trace.numbers(column)
    values = values[np.isfinite(values)]
    return float(values[-1]) if values.size else float("nan")
