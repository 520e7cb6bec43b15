"""Traces survive the disk, and a file is there whole or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.schema import Architecture, Trace
from harness.storage.trace_key import TraceKey
from harness.storage.traces import TraceStore

KEY = TraceKey("a", "images", {"channels": 4}, {"steps": 2}, {"m": {"x": 1}}, 0, "run", "cpu", "torch")
TABLE = pd.DataFrame(
    {"step": [0, 2], "epoch": [0.0, 1.0], "train_loss": [np.nan, 2.5], "vector": [np.arange(3.0), np.ones(3)]}
)
TRACE = Trace(Architecture("a", "g", dead=True, index=7), 0, TABLE, diverged=3)


def test_a_trace_read_is_the_trace_written(tmp_path) -> None:
    store = TraceStore(tmp_path)
    assert KEY not in store
    store.write(KEY, TRACE)
    read = store.read(KEY)
    assert KEY in store
    assert (read.architecture, read.seed, read.diverged) == (TRACE.architecture, 0, 3)
    pd.testing.assert_frame_equal(read.table.drop(columns="vector"), TABLE.drop(columns="vector"))
    assert np.array_equal(np.stack(read.table["vector"]), np.stack(TABLE["vector"]))


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": "b"},
        {"dataset": "other"},
        {"network": {"channels": 8}},
        {"recipe": {"steps": 3}},
        {"measures": {}},
        {"seed": 1},
        {"stream": "truth"},
        {"device": "cuda"},
    ],
)
def test_whatever_could_change_a_number_changes_the_key(change: dict) -> None:
    assert replace(KEY, **change).name() != KEY.name()


def test_the_order_of_settings_does_not_change_the_key() -> None:
    one = replace(KEY, recipe={"a": 1, "b": 2})
    assert one.name() == replace(KEY, recipe={"b": 2, "a": 1}).name()


def test_a_damaged_trace_is_named_not_trusted(tmp_path) -> None:
    store = TraceStore(tmp_path)
    store.write(KEY, TRACE)
    path = store.path(KEY)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="whole trace file is needed"):
        store.read(KEY)
