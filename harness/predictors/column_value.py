"""One value of a trace column as the score: first, last or best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from harness.schema import NoScore, Trace, demand

READINGS = ("first", "last", "best", "magnitude")


@dataclass(frozen=True)
class ColumnValue:
    """One value of `column`, times `sign`: a zero-cost proxy, a last seen accuracy or loss, a property.

    `reading`: "first", the value at initialization (step 0), as zero-cost proxies are defined (Abdelfattah et al. 2021,
    arXiv 2101.08134); "last", that of the last observation at which the column was due, so that a column measured at
    step 0 alone keeps its value ("last seen value" of Jiang et al. 2022); "best", the maximum of the signed values
    ("best seen value", likewise), where observations that are not finite are skipped; "magnitude",
    |last value|, for what converges to 0 from either side, as the signed forms of beta_eff do.

    `sign` declares the direction: 1 where higher is better, -1 where lower is. It is never fitted.
    """

    kind: ClassVar[str] = "predictor/column_value"

    column: str
    sign: float
    family: str
    reading: str = "last"

    def __post_init__(self) -> None:
        key = "predictor.column_value"
        demand(self.column != "", f"{key}.column", "the name of a trace column", self.column)
        demand(abs(self.sign) == 1, f"{key}.sign", "1 or -1", self.sign)
        demand(self.reading in READINGS, f"{key}.reading", " or ".join(map(repr, READINGS)), self.reading)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    @property
    def at_initialization(self) -> bool:
        """Whether the observation at step 0 is all that is read."""
        return self.reading == "first"

    def score(self, trace: Trace) -> float:
        """The signed value in the column's unit; higher is better. Raises NoScore where the value read is not finite.

        >>> import pandas as pd
        >>> from harness.schema import Architecture, Trace
        >>> trace = Trace(Architecture("a", "a"), 0, pd.DataFrame({"step": [0, 8], "valid_loss": [2.3, 1.9]}))
        >>> [ColumnValue("valid_loss", -1.0, "learning_curve", reading).score(trace) for reading in ("first", "last")]
        [-2.3, -1.9]
        """
        if self.reading == "best":
            return float((self.sign * trace.column(self.column)).max())
        if self.reading == "magnitude":
            return self.sign * abs(value(trace, self.column, "last"))
        return self.sign * value(trace, self.column, self.reading)


def value(trace: Trace, column: str, reading: str) -> float:
    """The "first" value of a number column (at the first observation) or its "last" (see `Trace.last`).

    Raises NoScore where that value is not finite, or there is no observation.
    """
    if reading == "last":
        return trace.last(column)
    found = trace.numbers(column)[:1]
    if not np.isfinite(found).all() or not found.size:
        raise NoScore(f"no finite {column} at the first observation")
    return float(found[0])


def value_or_nan(trace: Trace, column: str, reading: str) -> float:
    """As `value`, nan where it raises."""
    try:
        return value(trace, column, reading)
    except NoScore:
        return float("nan")
