"""How far a column has fallen."""

from __future__ import annotations

from dataclasses import dataclass

from harness.schema import NoScore, Trace


@dataclass(frozen=True)
class Fall:
    """First less last value of `column` within the budget, in its unit; higher is better: it fell further.

    No score where fewer than two observations are finite.
    """

    column: str
    family: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def score(self, trace: Trace) -> float:
        """The fall. Raises NoScore where there is nothing to fall from."""
        values = trace.column(self.column)
        if len(values) < 2:
            raise NoScore(f"fewer than 2 finite values of {self.column}")
        return float(values[0] - values[-1])
