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

    Fewer than 2 finite points are no score. The learning-rate schedule is unknown to the curves.
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

        The noise of a single observation is not in it.
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

    def interval(self, trace: Trace, level: float = 0.95) -> tuple[float, float]:
        """Limits in percent between which the curve lies at the horizon with probability `level`, equal tails."""
        demand(0 < level < 1, "level", "a probability between 0 and 1", level)
        values, weights = self.posterior(trace)
        tails = np.array([(1 - level) / 2, (1 + level) / 2])
        places = np.searchsorted(np.cumsum(weights), tails).clip(max=len(values) - 1)
        return float(values[places[0]]), float(values[places[1]])

    def exceeds(self, trace: Trace, threshold: float) -> float:
        """Probability that the curve is above `threshold` percent at the horizon (the paper's stopping criterion)."""
        values, weights = self.posterior(trace)
        return float(weights[values > threshold].sum())
