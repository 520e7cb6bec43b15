"""The best value of a column so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.schema import Trace, demand


@dataclass(frozen=True)
class BestValue:
    """max of sign times `column` over the observations so far ("best seen value" of Jiang et al. 2022).

    `sign`: 1 where a higher value is better, -1 where a lower one is. Observations at which the column is not finite
    are passed over; none at all is no score.
    """

    kind: ClassVar[str] = "predictor/best_value"

    column: str
    sign: float
    family: str

    def __post_init__(self) -> None:
        demand(self.column != "", "predictor.best_value.column", "the name of a trace column", self.column)
        demand(abs(self.sign) == 1, "predictor.best_value.sign", "1 or -1", self.sign)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def score(self, trace: Trace) -> float:
        """The signed value in the column's unit; higher is better. Raises NoScore where no value is finite."""
        return float((self.sign * trace.column(self.column)).max())
