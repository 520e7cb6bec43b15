"""Accuracy regressed on beta_eff within one trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from sklearn.linear_model import BayesianRidge

from harness.predictors.points import points
from harness.schema import NoScore, Trace, demand


@dataclass(frozen=True)
class CapacitanceRidge:
    """Accuracy that a Bayesian ridge reads at column = 0 (Jiang et al. 2022, arXiv 2201.04194, their prediction step).

        target_t = w column_t + b + e over the observations t so far,    score = E[target | column = 0]

    The paper's column is beta_eff, which tends to 0 as training converges; with the training loss in its place the
    same reading is the control for it. The column is divided by its largest magnitude first, which leaves 0 where it
    is and the prior of the ridge without a unit [derived]: on values of 1e-3 and below it would take all the slope.

    `skip_initial` leaves the observation at step 0 out, of an untrained network: a detached probe's beta_eff falls
    once, right after it, and a line through that fall reads the untrained network (docs/methods.md). The score
    extrapolates and is not clipped to 0..100, so that it keeps the order. Observations at which either column is not
    finite are skipped; fewer than two different values of the column are no score. With two or three points the
    slope is the noise's.
    """

    kind: ClassVar[str] = "predictor/capacitance_ridge"

    column: str = "beta_eff"
    target: str = "valid_accuracy"
    skip_initial: bool = False
    family: str = "capacitance"

    def __post_init__(self) -> None:
        for key in ("column", "target"):
            demand(getattr(self, key) != "", f"predictor.capacitance_ridge.{key}", "the name of a trace column", "")

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column, self.target)

    def score(self, trace: Trace) -> float:
        """Predicted accuracy in percent; higher is better. Raises NoScore: see the class."""
        return self.estimate(trace)[0]

    def estimate(self, trace: Trace) -> tuple[float, float]:
        """(mean, standard deviation) of the predictive distribution at column = 0, in percent; NoScore as `score`."""
        x, y = points(trace, self.column, self.target, after_start=self.skip_initial)
        different = len(np.unique(x))
        if different < 2:
            early = "not yet: " if len(x) < 2 else ""
            raise NoScore(f"{early}needs 2 different values of {self.column}, has {different}")
        model = BayesianRidge().fit((x / np.abs(x).max())[:, None], y)
        mean, deviation = model.predict(np.zeros((1, 1)), return_std=True)
        return float(mean[0]), float(deviation[0])
