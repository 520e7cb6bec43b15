"""Loose traces are merged into segments, and nothing is lost whenever it is killed."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.schema import Architecture, Trace
from harness.storage import compaction
from harness.storage.compaction import compact, compact_many, loose
from harness.storage.segments import segments_of
from harness.storage.trace_key import TraceKey, names_of
from harness.storage.traces import TraceStore

KEY = TraceKey("a", "images", {"channels": 4}, {"steps": 2}, {"m": {"x": 1}}, 0, "run", "cpu", "torch")
KEYS = [replace(KEY, architecture=f"a{place}", seed=place % 2) for place in range(7)]


class Killed(BaseException):
    """As SIGKILL: nothing is tidied up."""


@pytest.fixture(autouse=True)
def without_waiting_for_the_disk(monkeypatch) -> None:
    monkeypatch.setattr("os.fsync", lambda handle: None)


def trace(key: TraceKey) -> Trace:
    """One with numbers, texts, vectors and gaps; the last architectures have a column more."""
    place = int(key.architecture[1:])
    rows = 2 + place % 3
    table = pd.DataFrame({
        "step": np.arange(rows) * 8,
        "loss": np.where(np.arange(rows) == 1, np.nan, 2.0 / (1 + np.arange(rows) + place)),
        "vector": [None if row == 1 else np.arange(3.0) + place + row for row in range(rows)],
        "failed_m": [None, "it failed"] + [None] * (rows - 2),
    })  # fmt: skip
    table = table.assign(further=1.5) if place >= 5 else table
    about = Architecture(key.architecture, "g", index=place)
    return Trace(about, key.seed, table, None if place else 8, {"loss": "seconds_m"})


@pytest.fixture
def store(tmp_path) -> TraceStore:
    store = TraceStore(tmp_path / "traces")
    for key in KEYS:
        store.write(key, trace(key), {"torch": "2" if key.seed else "3"})
    return store


def assert_all_there(store: TraceStore, keys: list[TraceKey] = KEYS) -> None:
    assert not store.missing(keys)
    for key, found in zip(keys, store.gather(keys), strict=True):
        wanted = trace(key)
        assert (found.architecture, found.seed, found.diverged) == (wanted.architecture, wanted.seed, wanted.diverged)
        assert found.clocks == wanted.clocks
        assert list(found.table) == list(wanted.table)
        for name in ("step", "loss", "failed_m"):
            pd.testing.assert_series_equal(found.table[name], wanted.table[name], check_names=False)
        for mine, theirs in zip(found.cells("vector"), wanted.table["vector"], strict=True):
            assert (mine is None) == (theirs is None) and (mine is None or np.array_equal(mine, theirs))


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_what_is_read_from_segments_is_what_was_written(store) -> None:
    assert compact(store).merged == 7
    assert not loose(store.folder)
    assert len(list(store.folder.rglob("*.parquet"))) == 4  # of each kind of columns a segment: data and index
    assert_all_there(store)
    assert store.made_with(KEYS) == [{"torch": "3"}, {"torch": "2"}]
    assert replace(KEY, architecture="other") not in store and KEYS[3] in store
    assert store.read(KEYS[3]).until(8).numbers("step").tolist() == [0, 8]


def test_segments_are_merged_until_they_are_full(store, monkeypatch) -> None:
    monkeypatch.setattr(compaction, "FULL", 4)
    compact(store)
    more = [replace(KEY, architecture=f"a{place}") for place in (7, 10, 13, 16, 19)]
    for key in more:
        store.write(key, trace(key))
    compact(store)
    assert_all_there(store, KEYS + more)
    assert max(len(segment.index.keys) for segment in segments_of(store.folder).all) == 4
    assert compact(store).merged == 0


def test_a_trace_is_looked_for_in_the_segments_when_it_has_gone_from_its_file(store, monkeypatch) -> None:
    """As by a process that listed the segments before another one merged the loose traces."""
    segments = segments_of(store.folder)
    segments.refresh()
    refreshed, calls = segments.refresh, []

    def late() -> bool:
        calls.append(1)
        if len(calls) == 1:
            compact_elsewhere()
            return False
        return refreshed()

    def compact_elsewhere() -> None:
        other = TraceStore(store.folder.parent / "other" / ".." / "traces")  # a store object with segments of its own
        other.folder.parent.parent.mkdir(exist_ok=True)
        assert compact(other).merged == 7

    monkeypatch.setattr(segments, "refresh", late)
    assert_all_there(store)
    assert not loose(store.folder)


def test_a_killed_compaction_loses_nothing_wherever_it_is_killed(tmp_path, monkeypatch) -> None:
    """Killed before each renaming and each deletion in turn; then everything is read, and merged by the next."""
    after, whole = 0, TraceStore(tmp_path / "traces")
    for key in KEYS:
        whole.write(key, trace(key))
    while True:
        store = TraceStore(tmp_path / str(after) / "traces")
        shutil.copytree(whole.folder, store.folder)
        killed = killed_after(after, lambda store=store: compact(store), monkeypatch)
        if killed:
            assert_all_there(store)
            compact(store)
        assert_all_there(store)
        assert not loose(store.folder)
        assert len(list(store.folder.glob("segments/*/*.parquet"))) == 4
        if not killed:
            break
        after += 3
    assert after > 20


def killed_after(count: int, work, monkeypatch) -> bool:
    """Do `work`, killed before its `count`-th renaming or deletion; whether it was."""
    left = [count]

    def guarded(function):
        def call(*given, **named):
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return function(*given, **named)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", guarded(os.replace))
        patch.setattr(Path, "unlink", guarded(Path.unlink))
        try:
            work()
        except Killed:
            return True
    return False


@pytest.mark.parametrize("part", ["index", "data"])
def test_a_damaged_segment_is_put_aside_with_one_line_a_file_and_its_traces_are_missing(store, part, capsys) -> None:
    compact(store)
    (segment,) = [each for each in segments_of(store.folder).all if len(each.index.keys) == 5]
    damage(segment.path if part == "index" else segment.data)
    segments_of.cache_clear()  # as another process
    assert store.missing(KEYS) == KEYS[:5]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all("checksum mismatch" in line for line in lines)
    assert store.missing(KEYS) == KEYS[:5] and not capsys.readouterr().err
    for key in KEYS[:5]:
        store.write(key, trace(key))
    compact(store)
    assert_all_there(store)


def test_a_damaged_loose_trace_is_not_merged(store, capsys) -> None:
    damage(store.path(KEYS[0]))
    assert compact(store).merged == 6
    assert store.missing(KEYS) == KEYS[:1]
    assert "checksum mismatch" in capsys.readouterr().err


def test_two_compactions_at_once_are_one(store) -> None:
    from filelock import FileLock

    with FileLock(store.folder / "segments" / ".lock") if (store.folder / "segments").mkdir() is None else None:
        done = compact(store)
    assert done.merged == 0 and "another process" in done.reason
    assert len(loose(store.folder)) == 7


def test_a_run_merges_only_many(store, monkeypatch) -> None:
    monkeypatch.setattr(compaction, "SOME", 7)
    compact_many(store)
    assert len(loose(store.folder)) == 7
    monkeypatch.setattr(compaction, "SOME", 6)
    compact_many(store)
    assert not loose(store.folder)


def test_names_of_many_keys_are_those_of_each() -> None:
    from harness.schema import digest
    from harness.storage.trace_key import TRACE_VERSION

    keys = [*KEYS, replace(KEY, network={"b": 1, "a": [1.5, None, "é"]}, gpu="H100", threads=2)]
    assert names_of(keys) == [digest([TRACE_VERSION, key.content()]) for key in keys]
