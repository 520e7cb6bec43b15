"""The scores of one run as arrays, with the resamplings under which all of its numbers are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class ScoredRun:
    """Scores, truth and resamplings, in rows that belong together: one for each (predictor, step) of `labels`.

    `scores` (rows, architectures), nan for none; `pending` (rows, architectures), where a score is missing because it
    is not measured yet at this budget; `truth` (architectures,); `weights` (1 + draws, architectures): how often each
    architecture is drawn, the sample as it is first; `taus` (rows, 1 + draws): τ-b under each of them; `level` of the
    intervals.
    """

    labels: Sequence[tuple[str, int]]
    scores: Numbers
    pending: NDArray[np.bool_]
    truth: Numbers
    weights: NDArray[np.int64]
    taus: Numbers
    level: float

    @property
    def steps(self) -> NDArray[np.int64]:
        """The step of each row, (rows,)."""
        return np.array([step for _, step in self.labels], dtype=np.int64)

    @property
    def last(self) -> NDArray[np.bool_]:
        """Whether a row is at the last step, (rows,)."""
        last: NDArray[np.bool_] = self.steps == self.steps.max(initial=0)
        return last

    @property
    def draws(self) -> NDArray[np.int64]:
        """`weights` without the sample as it is, (draws, architectures)."""
        return self.weights[1:]

    @property
    def n(self) -> NDArray[np.intp]:
        """Architectures with score and truth, (rows,)."""
        n: NDArray[np.intp] = (np.isfinite(self.scores) & np.isfinite(self.truth)).sum(axis=1)
        return n
