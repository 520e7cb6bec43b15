"""How fast a column falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from harness.predictors.points import points
from harness.schema import NoScore, Trace, demand


@dataclass(frozen=True)
class CapacitanceTrend:
    """Trend of beta_eff along the training: slope of its least-squares line (derived, docs/methods.md).

        column_t = w x_t + b + e over the observations t so far,    score = sign w

    x is the time in updates ("linear"), the slope then in the column's unit an update; or ln(1 + updates) ("log"),
    which spreads the early updates, where most happens. `sign` is declared, never fitted: -1 where a steeper fall is
    better, as of beta_eff, which goes to 0 as training converges, and of a loss. Observations at which the column is
    not finite are skipped, that at step 0 too with `skip_initial`; with fewer than two there is no score.
    """

    kind: ClassVar[str] = "predictor/capacitance_trend"

    column: str = "beta_eff"
    time: str = "log"
    sign: float = -1.0
    skip_initial: bool = False
    family: str = "capacitance"

    def __post_init__(self) -> None:
        demand(self.column != "", "predictor.capacitance_trend.column", "the name of a trace column", self.column)
        demand(self.time in ("linear", "log"), "predictor.capacitance_trend.time", "'linear' or 'log'", self.time)
        demand(abs(self.sign) == 1, "predictor.capacitance_trend.sign", "1 or -1", self.sign)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def score(self, trace: Trace) -> float:
        """The signed slope; higher is better. Raises NoScore: see the class."""
        steps, values = points(trace, "step", self.column, after_start=self.skip_initial)
        if len(steps) < 2:
            raise NoScore(f"not yet: needs 2 finite values of {self.column}, has {len(steps)}")
        x = np.log1p(steps) if self.time == "log" else steps
        x = x - x.mean()
        return self.sign * float(x @ (values - values.mean()) / (x @ x))
