"""Learning-curve extrapolation with an ensemble of parametric curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.schema import NoScore, Trace, demand

from .growth_curves import curves, fit
from .points import points

FEWEST = 4


@dataclass(frozen=True)
class LCE:
    """Accuracy at `horizon_epochs`, extrapolated from the curve seen so far (after Domhan et al., IJCAI 2015).

    The paper draws parameters and weights of eleven curves from a posterior. Here each curve f_k is fitted by least
    squares and weighted by Akaike's criterion [derived; a point estimate in the place of the posterior]:

        aic_k = n log(max(rss_k / n, noise^2)) + 2 parameters_k,    w_k ~ names_k exp(-aic_k / 2)
        mean = sum_k w_k f_k(horizon)
        sd^2 = sum_k w_k ((f_k(horizon) - mean)^2 + max(rss_k / (n - parameters_k), noise^2))

    `noise`, in points of accuracy, is the smallest residual that is believed: it keeps a curve that meets a few points
    by chance from taking all the weight. A curve takes part with more points than it has parameters. The observation
    at step 0 lies before the first interval, where power laws and logarithms are not defined, and is left out; time is
    counted in units of the first interval after it. A horizon that the trace has passed is its last epoch.

    Fewer than 4 finite points are no score. The learning-rate schedule is unknown to the curves.
    """

    horizon_epochs: float = 12.0
    noise: float = 0.5
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
        """Accuracy in percent, 0..100; higher is better. Raises NoScore with fewer than 4 finite points."""
        return self.estimate(trace)[0]

    def estimate(self, trace: Trace) -> tuple[float, float]:
        """(accuracy, standard deviation), both in percent. Raises NoScore with fewer than 4 finite points."""
        epoch, accuracy = points(trace, "epoch", self.column, after_start=True)
        y, n = accuracy / 100, len(accuracy)
        if n < FEWEST:
            raise NoScore(f"needs {FEWEST} points, has {n}")
        x, horizon = epoch / epoch[0], max(self.horizon_epochs, epoch[-1]) / epoch[0]
        fits = [fit(curve, x, y) for curve in curves(horizon) if curve.parameters < n]
        floor = (self.noise / 100) ** 2
        aic = np.array([n * np.log(max(f.rss / n, floor)) + 2 * f.curve.parameters for f in fits])
        weight = np.array([len(f.curve.names) for f in fits]) * np.exp((aic.min() - aic) / 2)
        weight /= weight.sum()
        ahead = np.array([float(f.at(np.array(horizon))) for f in fits])
        mean = float(weight @ ahead)
        residual = np.array([max(f.rss / (n - f.curve.parameters), floor) for f in fits])
        return 100 * mean, 100 * float(np.sqrt(weight @ ((ahead - mean) ** 2 + residual)))
