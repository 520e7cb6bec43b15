"""The mean of a column over the training so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from harness.predictors.points import points
from harness.schema import NoScore, Trace, demand


@dataclass(frozen=True)
class CapacitanceMean:
    """Mean of beta_eff over the training so far, the area under its curve by its length (derived, docs/methods.md).

        score = sign / (t_k - t_1) integral of column from t_1 to t_k,  t in updates, by the trapezoidal rule

    `sign` is declared, never fitted: -1 where lower is better. Observations at which the column is not finite are
    skipped, that at step 0 too with `skip_initial`; with fewer than two there is no score.
    """

    kind: ClassVar[str] = "predictor/capacitance_mean"

    column: str = "beta_eff"
    sign: float = -1.0
    skip_initial: bool = False
    family: str = "capacitance"

    def __post_init__(self) -> None:
        demand(self.column != "", "predictor.capacitance_mean.column", "the name of a trace column", self.column)
        demand(abs(self.sign) == 1, "predictor.capacitance_mean.sign", "1 or -1", self.sign)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def score(self, trace: Trace) -> float:
        """The signed mean in the column's unit; higher is better. Raises NoScore: see the class."""
        steps, values = points(trace, "step", self.column, after_start=self.skip_initial)
        if len(steps) < 2:
            raise NoScore(f"not yet: needs 2 finite values of {self.column}, has {len(steps)}")
        return self.sign * float(np.trapezoid(values, steps) / (steps[-1] - steps[0]))
