"""The last value of a column: last seen accuracy or loss, a proxy that is watched along the training, a fact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.schema import Trace, demand


@dataclass(frozen=True)
class LastValue:
    """sign times the last value of `column` (the "last seen value" of Jiang et al. 2022, for any column).

    `sign` states the direction: 1 where a higher value is better, -1 where a lower one is. It is declared, never
    fitted. The last value is that of the last observation at which the column was due, so that a proxy measured at
    step 0 alone keeps its value; where that reading gave no finite number there is no score.
    """

    kind: ClassVar[str] = "predictor/last_value"

    column: str
    sign: float
    family: str

    def __post_init__(self) -> None:
        demand(self.column != "", "predictor.last_value.column", "the name of a trace column", self.column)
        demand(abs(self.sign) == 1, "predictor.last_value.sign", "1 or -1", self.sign)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def score(self, trace: Trace) -> float:
        """The signed value in the column's unit; higher is better. Raises NoScore where no value is finite."""
        return self.sign * trace.last(self.column)
