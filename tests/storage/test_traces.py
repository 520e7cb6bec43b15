"""Traces survive the disk, and a file is there whole or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.schema import Architecture, Trace
from harness.storage import traces
from harness.storage.files import sidecar, write_sidecar
from harness.storage.trace_key import TraceKey
from harness.storage.traces import DamagedTrace, TraceStore

KEY = TraceKey("a", "images", {"channels": 4}, {"steps": 2}, {"m": {"x": 1}}, 0, "run", "cpu", "torch")
OTHER = replace(KEY, seed=1)
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
        {"kernels": "native"},
        {"threads": 2},
        {"gpu": "NVIDIA H100 80GB HBM3, torch 2.11.0"},
    ],
)
def test_whatever_could_change_a_number_changes_the_key(change: dict) -> None:
    assert replace(KEY, **change).name() != KEY.name()


def test_the_key_of_a_training_on_a_cpu_is_that_of_traces_stored_before_keys_named_a_gpu() -> None:
    assert KEY.name() == "c62ef8831a5a5c529b8babf1d1d44d8e342bbe2d699aee236c58a1c5592096c7"
    assert "gpu" not in KEY.content()


def test_the_order_of_settings_does_not_change_the_key() -> None:
    one = replace(KEY, recipe={"a": 1, "b": 2})
    assert one.name() == replace(KEY, recipe={"b": 2, "a": 1}).name()


@pytest.fixture
def store(tmp_path) -> TraceStore:
    store = TraceStore(tmp_path)
    store.write(KEY, TRACE, {"torch": "2"})
    store.write(OTHER, replace(TRACE, seed=1), {"torch": "3"})
    return store


def damage(store: TraceStore, key: TraceKey = KEY) -> None:
    path = store.path(key)
    path.write_bytes(path.read_bytes()[:200])


def test_a_damaged_trace_is_put_aside_with_one_line_and_is_missing(store, capsys) -> None:
    damage(store)
    assert store.missing([KEY, OTHER]) == [KEY]
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"{store.path(KEY)}: checksum mismatch; moved" in error
    aside = sorted(path.name for path in store.path(KEY).parent.glob("*.damaged"))
    assert aside == [f"{KEY.name()}.parquet.damaged", f"{KEY.name()}.parquet.sha256.damaged"]
    assert KEY not in store
    store.write(KEY, TRACE)
    assert store.missing([KEY, OTHER]) == []


def test_reading_a_damaged_trace_raises_and_getting_it_gives_none(store) -> None:
    damage(store)
    damage(store, OTHER)
    with pytest.raises(DamagedTrace, match="was damaged"):
        store.read(KEY)
    with pytest.raises(FileNotFoundError):
        store.read(KEY)
    assert store.get(OTHER) is None


def test_two_traces_that_were_swapped_are_both_missing(store, capsys) -> None:
    one, two = store.path(KEY), store.path(OTHER)
    contents = one.read_bytes(), two.read_bytes()
    for path, content in ((two, contents[0]), (one, contents[1])):
        path.write_bytes(content)
        write_sidecar(path)
    assert store.missing([KEY, OTHER]) == [KEY, OTHER]
    assert capsys.readouterr().err.count("holds the trace of another training") == 2


def test_a_trace_without_a_checksum_is_not_there_but_not_damaged_either(store, capsys) -> None:
    sidecar(store.path(KEY)).unlink()
    assert KEY not in store and store.missing([KEY]) == [KEY]
    assert store.path(KEY).exists() and capsys.readouterr().err == ""


def test_a_writer_that_dies_before_the_checksum_leaves_nothing_that_counts(tmp_path, monkeypatch) -> None:
    store = TraceStore(tmp_path)

    def dies(path: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(traces, "write_sidecar", dies)
    with pytest.raises(KeyboardInterrupt):
        store.write(KEY, TRACE)
    assert KEY not in store


def test_a_trace_names_what_it_was_made_with(store) -> None:
    assert store.made_with([KEY, OTHER, KEY]) == [{"torch": "2"}, {"torch": "3"}]
    assert store.made_with([replace(KEY, seed=5)]) == []


def test_writers_of_one_trace_at_a_time_leave_one_whole_trace(tmp_path) -> None:
    store = TraceStore(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.write(KEY, replace(TRACE, table=TABLE.assign(seconds=float(n)))), range(40)))
    assert store.missing([KEY]) == []
