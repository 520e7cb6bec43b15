"""The first value of a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.schema import Trace, demand


@dataclass(frozen=True)
class FirstValue:
    """sign times the first finite value of `column`: what it was of the untrained network [derived].

    `sign`: 1 where a higher value is better, -1 where a lower one is. Observations at which the column is not finite
    are passed over; none at all is no score.
    """

    kind: ClassVar[str] = "predictor/first_value"

    column: str
    sign: float
    family: str

    def __post_init__(self) -> None:
        demand(self.column != "", "predictor.first_value.column", "the name of a trace column", self.column)
        demand(abs(self.sign) == 1, "predictor.first_value.sign", "1 or -1", self.sign)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def score(self, trace: Trace) -> float:
        """The signed value in the column's unit; higher is better. Raises NoScore where no value is finite."""
        return self.sign * float(trace.column(self.column)[0])
