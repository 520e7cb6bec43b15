"""Learning-curve extrapolation with an ensemble of parametric curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from harness.predictors.curve_posterior import posterior
from harness.predictors.points import Column, points
from harness.schema import NoScore, Trace, demand

FEWEST = 2


@dataclass(frozen=True)
class LCE:
    """Accuracy at `horizon_epochs`, the posterior mean over eleven parametric curves (Domhan et al. 2015, IJCAI).

    The paper samples the parameters of the curves, the weights of their mixture and the noise by MCMC, with a prior
    that is flat over curves that rise until the horizon. Here the same unknowns have proper priors (growth_curves) and
    the posterior is integrated by quadrature (curve_posterior): the same curve gives the same numbers. The mixture is
    an average over families, each with its posterior probability [derived, docs/methods.md].

    `noise` is the prior's median of the standard deviation of an observation, in points of accuracy; its logarithm is
    normal with deviation 1. The observation at step 0 lies before the first interval, where power laws and logarithms
    are not defined, and is left out; time is counted in units of the first interval after it. A horizon that the trace
    has passed is its last epoch. With two or three points the prior dominates and `estimate` has a large deviation.

    The deviation is not calibrated, so no interval is given. The curves know no learning-rate schedule and have no term
    for the error of the model: where the rate is annealed, real curves bend up at the end and leave the posterior. Its
    central 95 % hold the final value of .92 of 200 recorded curves seen for 5 of 200 epochs, of none seen for 100
    (docs/findings/nasbench201.md). As a rank it is mostly behind the last and the best seen value.

    Fewer than 2 finite points are no score.
    """

    kind: ClassVar[str] = "predictor/learning_curve_extrapolation"

    horizon_epochs: float = 12.0
    noise: float = 1.0
    column: str = "valid_accuracy"
    family: str = "learning_curve"

    def __post_init__(self) -> None:
        demand(self.horizon_epochs > 0, "predictor.lce.horizon_epochs", "a number above 0", self.horizon_epochs)
        demand(self.noise > 0, "predictor.lce.noise", "a number above 0", self.noise)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def score(self, trace: Trace) -> float:
        """Accuracy in percent, 0..100; higher is better. Raises NoScore with fewer than 2 finite points."""
        return self.estimate(trace)[0]

    def estimate(self, trace: Trace) -> tuple[float, float]:
        """Posterior mean and standard deviation of the curve at the horizon, in percent. Raises NoScore as `score`.

        The noise of a single observation is not in it, nor is the error of the model: see the class.
        """
        values, weights = self.posterior(trace)
        mean = float(weights @ values)
        return mean, float(np.sqrt(weights @ (values - mean) ** 2))

    def posterior(self, trace: Trace) -> tuple[Column, Column]:
        """Accuracies (k,) at the horizon in percent, ascending, and their posterior weights (k,), which sum to 1."""
        epoch, accuracy = points(trace, "epoch", self.column, after_start=True)
        if len(accuracy) < FEWEST:
            raise NoScore(f"not yet: needs {FEWEST} points, has {len(accuracy)}")
        horizon = max(self.horizon_epochs, float(epoch[-1])) / epoch[0]
        values, weights = posterior(epoch / epoch[0], accuracy / 100, horizon, self.noise / 100)
        order = np.argsort(values, kind="stable")
        return 100 * values[order], weights[order]
