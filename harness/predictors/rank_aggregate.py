"""Several columns as one score, by their ranks among the architectures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from harness.predictors.column_value import value_or_nan
from harness.schema import NoScore, Trace, demand

MISSING = ("unscored", "last")
READINGS = ("first", "last")


@dataclass(frozen=True)
class RankAggregate:
    """Rank aggregate: sum over columns of log(rank / m) among m architectures (Lee & Ham 2024, arXiv 2403.19232).

    It is the paper's non-linear ranking aggregation. Ranks ascend, so that the best has rank m and adds log 1 = 0, the
    worst adds log(1/m): being bad in one column costs more than being good in another brings. Equal values share their
    mean rank. `signs` gives each column its direction, 1 where higher is better, -1 where lower is; it is declared,
    never fitted. `reading`: "last", the last value of each column is read; "first", the one at initialization, for an
    aggregate of zero-cost proxies, which then needs no training.

    `missing` says how an architecture that lacks a column is treated: "unscored", it has no score, and no rank among
    the others; "last", it shares the worst rank in that column with all others that lack it, as in the code of AZ-NAS
    for networks that pass no signal on. One that lacks all columns has no score either way.
    """

    kind: ClassVar[str] = "predictor/rank_aggregate"

    signs: dict[str, float]
    family: str
    missing: str = "unscored"
    reading: str = "last"

    def __post_init__(self) -> None:
        demand(bool(self.signs), "predictor.rank_aggregate.signs", "at least one column", self.signs)
        for sign in self.signs.values():
            demand(abs(sign) == 1, "predictor.rank_aggregate.signs", "1 or -1 for each column", self.signs)
        demand(self.missing in MISSING, "predictor.rank_aggregate.missing", "'unscored' or 'last'", self.missing)
        demand(self.reading in READINGS, "predictor.rank_aggregate.reading", "'first' or 'last'", self.reading)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return tuple(self.signs)

    @property
    def at_initialization(self) -> bool:
        """Whether the observation at step 0 is all that is read."""
        return self.reading == "first"

    def score_together(self, traces: Sequence[Trace]) -> NDArray[np.float64]:
        """One score a trace, (n,), at most 0, higher is better; nan for a trace that lacks a column (or all of them).

        Raises NoScore, naming the columns, where that is every trace.
        """
        read = [[value_or_nan(trace, name, self.reading) for name in self.signs] for trace in traces]
        values = np.array(read).reshape(len(traces), len(self.signs)) * list(self.signs.values())
        there = np.isfinite(values)
        whole = there.any(axis=1) if self.missing == "last" else there.all(axis=1)
        if not whole.any():
            lacking = [name for name, column in zip(self.signs, values.T, strict=True) if not np.isfinite(column).all()]
            raise NoScore(f"no architecture has all of its columns; some or all lack {', '.join(lacking)}")
        scores = np.full(len(traces), np.nan)
        ranked = np.where(there, values, -np.inf)[whole]
        scores[whole] = np.log(rankdata(ranked, axis=0) / whole.sum()).sum(axis=1)
        return scores

    def reason(self, trace: Trace) -> str:
        """The columns that this trace lacks, by name."""
        lacking = [name for name in self.signs if not np.isfinite(value_or_nan(trace, name, self.reading))]
        return f"no finite {', '.join(lacking)}"
