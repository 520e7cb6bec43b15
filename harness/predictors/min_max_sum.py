"""Several columns as one score, each scaled by its range over the architectures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.predictors.column_value import value_or_nan
from harness.schema import NoScore, Trace, demand

READINGS = ("first", "last")


@dataclass(frozen=True)
class MinMaxSum:
    """Sum over columns of (value - min) / (max - min), min and max over the architectures that are compared.

    NCTI adds its parts so (Wang et al. 2023, How far pre-trained models are from neural collapse on the target data set
    informs their transferability). Higher is better in every column, and in the sum. A column with one value adds 0.
    `reading`: "first", at initialization; "last", the last value of each column. An architecture that lacks a column
    has no score and no part in the ranges.
    """

    kind: ClassVar[str] = "predictor/min_max_sum"

    inputs: list[str]
    family: str
    reading: str = "last"

    def __post_init__(self) -> None:
        once = bool(self.inputs) and len(set(self.inputs)) == len(self.inputs)
        demand(once, "predictor.min_max_sum.inputs", "a list of one or more columns, each once", self.inputs)
        demand(self.reading in READINGS, "predictor.min_max_sum.reading", "'first' or 'last'", self.reading)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return tuple(self.inputs)

    @property
    def at_initialization(self) -> bool:
        """Whether the observation at step 0 is all that is read."""
        return self.reading == "first"

    def score_together(self, traces: Sequence[Trace]) -> NDArray[np.float64]:
        """One score a trace, (n,), 0 to the number of columns; nan for a trace that lacks a column.

        Raises NoScore, naming the columns, where that is every trace.
        """
        read = [[value_or_nan(trace, name, self.reading) for name in self.inputs] for trace in traces]
        values = np.array(read, dtype=float).reshape(len(traces), len(self.inputs))
        whole = np.isfinite(values).all(axis=1)
        if not whole.any():
            lacking = [
                name for name, column in zip(self.inputs, values.T, strict=True) if not np.isfinite(column).all()
            ]
            raise NoScore(f"no architecture has all of its columns; some or all lack {', '.join(lacking)}")
        low, high = values[whole].min(axis=0), values[whole].max(axis=0)
        span = np.where(high > low, high - low, 1.0)
        scores = np.full(len(traces), np.nan)
        scores[whole] = ((values[whole] - low) / span).sum(axis=1)
        return scores

    def reason(self, trace: Trace) -> str:
        """The columns that this trace lacks, by name."""
        lacking = [name for name in self.inputs if not np.isfinite(value_or_nan(trace, name, self.reading))]
        return f"no finite {', '.join(lacking)}"
