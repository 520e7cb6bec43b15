"""What a training leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.schema.architecture import Architecture
from harness.schema.base import NoScore

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Trace:
    """What one brief training left behind.

    `table` has one row an observation, sorted by `step` (updates made; the first row is step 0, before any), with
    `epoch` (passes over the training images), `seconds` (of training alone, so far) and the measured columns, numbers
    or vectors. `diverged` is the step at which the loss stopped being finite, None if it never did; no row follows it.
    """

    architecture: Architecture
    seed: int
    table: pd.DataFrame
    diverged: int | None = None
    clocks: Mapping[str, str] = field(default_factory=dict)
    """For a measured column the one that holds the seconds of each reading, 0 where it was not due."""

    def until(self, budget: int) -> Trace:
        """The same trace as it stood after `budget` steps; what came later is gone."""
        diverged = self.diverged if self.diverged is not None and self.diverged <= budget else None
        return replace(self, table=self.table[self.table["step"] <= budget], diverged=diverged)

    def column(self, name: str) -> NDArray[np.float64]:
        """The finite values of a number column, in order of steps. Raises NoScore where there is none."""
        values: NDArray[np.float64] = self.table[name].to_numpy(dtype=float)
        finite = values[np.isfinite(values)]
        if not finite.size:
            raise NoScore(f"no finite {name} within the budget")
        return finite

    def last(self, name: str) -> float:
        """The last value of a number column that was due. Raises NoScore where that reading gave no finite number.

        A column without a clock has its last finite value.
        """
        clock = self.clocks.get(name)
        if clock is None or clock not in self.table:
            return float(self.column(name)[-1])
        due = self.table[self.table[clock] > 0]
        if due.empty or not np.isfinite(due[name].iloc[-1]):
            at = f" at step {due['step'].iloc[-1]}" if len(due) else " within the budget"
            raise NoScore(f"no finite {name}{at}")
        return float(due[name].iloc[-1])

    @property
    def last_step(self) -> int:
        return int(self.table["step"].iloc[-1])
