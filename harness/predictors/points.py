"""Observations of two columns side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.schema import Trace

Column = NDArray[np.float64]


def points(trace: Trace, x: str, y: str, after_start: bool = False) -> tuple[Column, Column]:
    """Values of columns `x` and `y`, each (k,), of the observations at which both are finite, in order of steps.

    `after_start` leaves the observation at step 0 out. k may be 0: what is too few is for the method to say.
    """
    first, second = (trace.numbers(name) for name in (x, y))
    kept = np.isfinite(first) & np.isfinite(second)
    if after_start:
        kept &= trace.cells("step") > 0
    return first[kept], second[kept]
