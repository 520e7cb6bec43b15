"""Traces by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.schema import Architecture, Trace

MakeTrace = Callable[..., Trace]


@pytest.fixture(scope="session")
def trace_of() -> MakeTrace:
    """A function: columns to a trace with an observation every 4 steps, 8 steps an epoch unless `step` says else."""

    def make(diverged: int | None = None, **columns: Any) -> Trace:
        length = len(next(iter(columns.values())))
        step = np.asarray(columns.pop("step", 4 * np.arange(length)))
        table = {"step": step, "epoch": step / 8, "seconds": 0.1 * step, **columns}
        return Trace(Architecture("a", "a"), 0, pd.DataFrame(table), diverged)

    return make
