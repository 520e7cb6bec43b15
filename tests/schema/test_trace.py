"""What a trace gives of its columns, and what it keeps for those who read it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.schema import Architecture, Trace


def test_arrays_of_a_column_are_taken_once_and_cannot_be_written_to() -> None:
    trace = Trace(Architecture("a", "a"), 0, pd.DataFrame({"step": [0, 8], "loss": [2.0, np.nan], "v": [[1.0], None]}))
    assert trace.numbers("loss") is trace.numbers("loss") and np.isnan(trace.numbers("loss")[1])
    assert trace.cells("v").dtype == object and trace.cells("v")[1] is None
    with pytest.raises(ValueError, match="read-only"):
        trace.numbers("step")[0] = 1.0
    assert trace.until(0).numbers("loss").tolist() == [2.0]


def test_what_is_kept_of_a_trace_is_made_once_for_each_key() -> None:
    trace, made = Trace(Architecture("a", "a"), 0, pd.DataFrame({"step": [0]})), []
    for key in ("x", "x", "y"):
        trace.kept(key, lambda: made.append(1))
    assert len(made) == 2
