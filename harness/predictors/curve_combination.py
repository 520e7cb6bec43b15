"""A learning curve predicted from the curves of earlier trainings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from harness.predictors.points import Column
from harness.schema import NoScore, Trace, demand

FEWEST = 2
NOISE = np.arange(-1.5, 2.6, 0.5)
"""log of the noise's deviation over `noise`, which is normal with deviation 1."""


@dataclass(frozen=True)
class CurveCombination:
    """CL: earlier trainings, scaled and shifted to the seen curve, combined (Chandrashekaran & Lane 2017, ECML PKDD).

    A training j of the fit has the seen part k_j (t,) and the final accuracy K_j. It models the new curve y (t,) as

        y = scale k_j + shift + noise,    prediction_j = scale K_j + shift,

    a Bayesian linear regression: scale ~ N(1, `scale_spread`^2), shift ~ N(0, `shift_spread`^2), the noise's deviation
    log-normal round `noise`. Training j is weighted by its marginal likelihood: the better an affine image near the
    identity fits, the higher its weight. The paper transforms whole earlier curves; here the fit sees them cut to the
    budget, with their final accuracies as the one later point [derived, docs/methods.md].

    The observation at step 0 is left out. `noise` and `shift_spread` are in points of accuracy.
    """

    kind: ClassVar[str] = "predictor/curve_combination"

    noise: float = 2.0
    scale_spread: float = 0.3
    shift_spread: float = 10.0
    column: str = "valid_accuracy"
    family: str = "learning_curve"

    def __post_init__(self) -> None:
        for name in ("noise", "scale_spread", "shift_spread"):
            demand(getattr(self, name) > 0, f"predictor.cl.{name}", "a number above 0", getattr(self, name))

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def fit(self, traces: Sequence[Trace], accuracies: NDArray[np.float64]) -> FittedCombination:
        """The seen curves of `traces` with their final `accuracies` (n,), in percent.

        A trace without a finite value after step 0, or an accuracy that is not finite, is skipped. Raises NoScore
        where fewer than 2 trainings remain.
        """
        known = [
            (curve, float(accuracy))
            for trace, accuracy in zip(traces, accuracies, strict=True)
            if np.isfinite(accuracy) and (curve := seen(trace, self.column))
        ]
        if len(known) < FEWEST:
            raise NoScore(f"the fit needs {FEWEST} architectures with a curve of {self.column}, has {len(known)}")
        return FittedCombination(self, tuple(known))


@dataclass(frozen=True)
class FittedCombination:
    """CurveCombination with the trainings it knows: (value by step, final accuracy)."""

    settings: CurveCombination
    known: tuple[tuple[dict[int, float], float], ...] = field(repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return self.settings.columns

    @property
    def family(self) -> str:
        """As of the predictor."""
        return self.settings.family

    def score(self, trace: Trace) -> float:
        """Predicted accuracy in percent, kept within 0..100; higher is better. Raises NoScore as `estimate`."""
        return self.estimate(trace)[0]

    def estimate(self, trace: Trace) -> tuple[float, float]:
        """(mean, standard deviation) of the mixture's prediction, in percent.

        Only trainings that were observed at every step of this trace take part; raises NoScore where there is none.
        """
        own = seen(trace, self.settings.column)
        if not own:
            raise NoScore(f"no finite {self.settings.column} after the start")
        there = [(curve, end) for curve, end in self.known if own.keys() <= curve.keys()]
        if not there:
            raise NoScore(f"no training of the fit was observed at the {len(own)} steps of this one")
        y = np.array([*own.values()])
        curves = np.array([[curve[step] for step in own] for curve, _ in there])
        mean, variance, log_weight = self._affine(y, curves, np.array([end for _, end in there]))
        weight = np.exp(log_weight - logsumexp(log_weight))
        middle = float((weight * mean).sum())
        spread = float(np.sqrt((weight * (variance + (mean - middle) ** 2)).sum()))
        return float(np.clip(middle, 0.0, 100.0)), spread

    def _affine(self, y: Column, curves: Column, ends: Column) -> tuple[Column, Column, Column]:
        """Mean, variance and log weight of the prediction from each of m curves (m, t) at each of s noises, (s, m)."""
        sigma2 = ((self.settings.noise * np.exp(NOISE)) ** 2)[:, None]
        prior = 1 / self.settings.scale_spread**2, 1 / self.settings.shift_spread**2
        residual = y - curves  # from the identity
        kk = np.einsum("mt,mt->m", curves, curves) / sigma2 + prior[0]
        k1 = curves.sum(axis=1) / sigma2
        ones = len(y) / sigma2 + prior[1]
        kr = np.einsum("mt,mt->m", curves, residual) / sigma2
        r1 = residual.sum(axis=1) / sigma2
        det = kk * ones - k1**2
        scale, shift = (kr * ones - r1 * k1) / det, (r1 * kk - kr * k1) / det
        mean = ends * (1 + scale) + shift
        variance = (ends**2 * ones - 2 * ends * k1 + kk) / det
        squares = np.einsum("mt,mt->m", residual, residual) / sigma2 - kr * scale - r1 * shift
        log_weight = -(NOISE[:, None] ** 2) / 2 - (len(y) * np.log(sigma2) + np.log(det) + squares) / 2
        return mean, variance, log_weight


def seen(trace: Trace, column: str) -> dict[int, float]:
    """Finite values of a column after step 0, by step."""
    steps, values = trace.cells("step"), trace.numbers(column)
    return {int(s): float(v) for s, v in zip(steps, values, strict=True) if s > 0 and np.isfinite(v)}
