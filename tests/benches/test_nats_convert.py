"""A conversion gives the archive's figures, goes on where it was stopped, and is all there or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from harness.benches import parquet
from harness.benches.nats import archive, assembly, convert, converted, spaces
from harness.benches.nats.archive import opened
from harness.benches.nats.spaces import TRAIN, Space
from harness.schema import BadInput
from tests.benches import nats_records
from tests.benches.nats_records import NAMES, figure
from tests.noticed import Noticed

DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent"))
BOTH = pytest.mark.parametrize("space", [spaces.TSS, spaces.SSS], ids=lambda space: space.name)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "CHUNK", 2)
    monkeypatch.setattr(assembly, "BLOCK", 2)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive of all six architectures, the last without the seed 888, and in out/ its tables."""
    place = tmp_path_factory.mktemp("made")
    archive = nats_records.write(place, places=(0, 1, 2, 3, 4, 5), left_out={5: (888,)})
    with pytest.MonkeyPatch.context() as small:
        small.setattr(convert, "CHUNK", 2)
        small.setattr(assembly, "BLOCK", 2)
        convert.convert("tss", archive, place / "out")
    return place


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of the archive."""
    return Path(shutil.copytree(made / spaces.TSS.folder, tmp_path / spaces.TSS.folder))


@pytest.fixture
def out(made: Path, folder: Path, tmp_path: Path) -> Path:
    """A copy of the folder with the tables of `folder`."""
    return Path(shutil.copytree(made / "out", tmp_path / "out"))


def tables(out: Path) -> dict[str, pd.DataFrame]:
    return {path.name: pd.read_parquet(path) for path in sorted(out.rglob("*.parquet"))}


@BOTH
def test_the_tables_hold_every_figure_of_the_archive_and_no_other(space: Space, tmp_path: Path) -> None:
    path = nats_records.write(tmp_path, space, (0, 1, 2, 4, 5), left_out={4: (777,)})
    summary = convert.convert(space.name, path, tmp_path)
    _compare(path, space, summary.folder)
    assert (summary.architectures, summary.total, summary.damaged) == (5, space.total, ())
    assert str(summary).startswith(f"{tmp_path / f'nats-{space.name}'}: 5 of {space.total:,} architectures")


def _compare(path: Path, space: Space, folder: Path) -> None:
    finals, curves = (pd.read_parquet(folder / f"{name}.parquet") for name in ("finals", "curves"))
    keys = ["index", "train_set", "schedule", "split", "seed"]
    float32 = [str(curves[column].dtype) for column in ("accuracy", "loss", "seconds")]
    assert float32 == ["float32"] * 3
    ends = finals.set_index(keys).to_dict("index")
    rows = dict(iter(curves.sort_values("epoch").groupby(keys, observed=True)))
    seen = 0
    for place, trainings in (found := opened(path, space)):
        for one in trainings:
            for split, curve in one.splits.items():
                key = (place, one.train_set, one.epochs, split, one.seed)
                end, row = ends[key], rows[key]
                there = np.flatnonzero(np.isfinite(curve.accuracy))
                assert row["epoch"].tolist() == there.tolist()
                for column in ("accuracy", "loss", "seconds"):
                    np.testing.assert_array_equal(row[column], getattr(curve, column)[there].astype(np.float32))
                assert (end["accuracy"], end["loss"]) == (curve.accuracy[-1], curve.loss[-1])
                assert end["seconds"] == pytest.approx(one.splits[TRAIN].seconds.sum())
                assert (end["params"], end["flops"], end["latency"]) == (one.params, one.flops, one.latency)
                assert end["architecture"] == found.names[place]
                seen += len(there)
    assert (seen, sum(len(t.splits) for _, ts in found for t in ts)) == (len(curves), len(finals))


def test_final_accuracies_are_those_of_the_archive_for_every_protocol(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, read = dict[int, list](), archive.Archive.read
    monkeypatch.setattr(
        archive.Archive, "read", lambda self, place: records.get(place) or records.setdefault(place, read(self, place))
    )
    found = converted.opened(made / "out" / "nats-tss", spaces.TSS)
    official = opened(made / spaces.TSS.folder, spaces.TSS)
    for train_set, splits in spaces.SPLITS.items():
        for split in splits:
            for epochs in (200, 12):
                ours, theirs = found.truth(train_set, split, epochs), archive.truth(official, train_set, split, epochs)
                pd.testing.assert_frame_equal(
                    ours.accuracy, theirs.accuracy, check_names=False, check_column_type=False
                )
                assert ours.index == {name: theirs.index[name] for name in ours.index}
    assert np.isnan(found.truth("cifar100", "valid", 200).accuracy.loc[NAMES["tss"][5], "888"])
    assert "converted from NATS-tss-v1_0-3ffb9-simple" in found.truth("cifar10", "test", 200).source


@pytest.mark.parametrize("protocol", [("cifar10", "valid", 200), ("cifar10", "test", 90), ("mnist", "test", 200)])
def test_a_protocol_that_is_not_recorded_is_refused(made: Path, protocol: tuple) -> None:
    found = converted.opened(made / "out" / "nats-tss", spaces.TSS)
    with pytest.raises(BadInput, match="cifar10 test 200"):
        found.truth(*protocol)


def test_one_architecture_is_read_from_its_own_row_groups_alone(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = converted.opened(made / "out" / "nats-tss", spaces.TSS)
    groups = found.curves["cifar10", 200, "ori-test"]
    assert [(first, last) for _, first, last in groups] == [(0, 3), (4, 5)]
    read, asked = parquet.read, []
    monkeypatch.setattr(
        parquet, "read", lambda path, columns, key, groups: asked.append(groups) or read(path, columns, key, groups)
    )
    rows = found.curve("cifar10", "ori-test", 200, 4)
    assert asked == [[groups[1][0]]]
    assert set(rows["index"]) == {4} and len(rows) == 3 * 200
    assert rows["accuracy"].iloc[7] == np.float32(figure(4, "cifar10", "ori-test", 200, 777, 7))
    assert found.curve("cifar10", "ori-test", 200, 6).empty


class Stop(Exception):
    """A kill in the middle."""


@pytest.mark.slow
def test_a_conversion_that_was_killed_goes_on_where_it_was(
    made: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tables(made / "out" / "nats-tss")

    def kill(done: int, total: int) -> None:
        if done == 4:
            raise Stop

    out = tmp_path / "out"
    with pytest.raises(Stop):
        convert.convert("tss", folder, out, kill)
    assert not (out / "nats-tss").exists()
    read, calls = archive.Archive.read, []
    monkeypatch.setattr(archive.Archive, "read", lambda self, place: calls.append(place) or read(self, place))
    seen: list[tuple[int, int]] = []
    convert.convert("tss", folder, out, lambda *now: seen.append(now))
    assert calls == [4, 5]
    assert seen == [(2, 6), (4, 6), (6, 6)]
    resumed = tables(out)
    assert resumed.keys() == whole.keys()
    for name, table in whole.items():
        pd.testing.assert_frame_equal(resumed[name], table)
    assert [path.name for path in out.iterdir()] == ["nats-tss"]


def test_the_same_again_reads_no_record(folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in (out / "nats-tss").iterdir()}
    monkeypatch.setattr(archive.Archive, "read", None)
    again, found = convert.convert("tss", folder, out), tables(out)
    assert again.cached and (again.finals, again.curves) == (len(found["finals.parquet"]), len(found["curves.parquet"]))
    assert {path: path.stat().st_mtime_ns for path in again.folder.iterdir()} == stamps


def test_a_record_that_changed_is_noticed_even_where_size_and_time_are_the_same(folder: Path, tmp_path: Path) -> None:
    path = opened(folder, spaces.TSS).file(1)
    content = nats_records.record(spaces.TSS, 1, NAMES["tss"][1])
    packed: dict[int, bytes] = {}
    for value in np.arange(20, 90, 0.1).round(1).tolist():  # until two are packed into as many bytes
        content["200"]["all_results"]["cifar100", 777]["eval_acc1es"]["x-test@199"] = value
        nats_records.put(folder, spaces.TSS, 1, content)
        changed = path.read_bytes()
        if len(changed) in packed:
            break
        packed[len(changed)] = changed
    path.write_bytes(packed[len(changed)])
    stamp = path.stat()
    out = convert.convert("tss", folder, tmp_path).folder
    path.write_bytes(changed)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (stamp.st_size, stamp.st_mtime_ns)
    convert.convert("tss", folder, tmp_path)
    assert (
        converted.opened(out, spaces.TSS).truth("cifar100", "test", 200).accuracy.loc[NAMES["tss"][1], "777"] == value
    )


@pytest.mark.slow
def test_a_chunk_that_changed_between_two_attempts_is_made_again(folder: Path, tmp_path: Path) -> None:
    def kill(done: int, total: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        convert.convert("tss", folder, tmp_path / "out", kill)
    nats_records.put(folder, spaces.TSS, 0, nats_records.record(spaces.TSS, 0, NAMES["tss"][0], (777,)))
    out = convert.convert("tss", folder, tmp_path / "out").folder
    _compare(folder, spaces.TSS, out)


def test_a_damaged_record_stops_in_one_line_and_leaves_the_older_tables(folder: Path, out: Path) -> None:
    before = tables(out / "nats-tss")
    path = opened(folder, spaces.TSS).file(3)
    sound = path.read_bytes()
    path.write_bytes(sound[:-20])
    with pytest.raises(BadInput, match=r"000003\.pickle\.pbz2, architecture 3: .*(complete pickle|bz2 stream)"):
        convert.convert("tss", folder, out)
    for name, table in tables(out / "nats-tss").items():
        pd.testing.assert_frame_equal(table, before[name])
    summary = convert.convert("tss", folder, out, skip_damaged=True)
    assert summary.architectures == 5 and len(summary.damaged) == 1 and "000003" in summary.damaged[0]
    assert set(tables(out / "nats-tss")["finals.parquet"]["index"]) == {0, 1, 2, 4, 5}
    assert converted.opened(out / "nats-tss", spaces.TSS).about["damaged"] == list(summary.damaged)
    assert convert.convert("tss", folder, out, skip_damaged=True).cached
    with pytest.raises(BadInput, match="architecture 3"):
        convert.convert("tss", folder, out)
    path.write_bytes(sound)
    assert convert.convert("tss", folder, out).architectures == 6


def test_an_archive_without_one_sound_record_gives_no_table(folder: Path, tmp_path: Path) -> None:
    for place in range(6):
        opened(folder, spaces.TSS).file(place).write_bytes(b"none")
    with pytest.raises(BadInput, match="at least one intact record"):
        convert.convert("tss", folder, tmp_path, skip_damaged=True)
    assert not (tmp_path / "nats-tss").exists()


@pytest.mark.slow
def test_two_processes_make_the_same_tables_as_one(made: Path, tmp_path: Path) -> None:
    two = convert.convert("tss", made / spaces.TSS.folder, tmp_path / "two", workers=2).folder
    for name, table in tables(made / "out").items():
        pd.testing.assert_frame_equal(table, pd.read_parquet(two / name))


def test_a_folder_that_cannot_be_written_is_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(BadInput, match=r"data: cannot read .* or write .*out \(\w+: .*out"):
        convert.convert("tss", folder, tmp_path / "out")


def test_a_full_disk_is_told_from_another_failure(folder: Path, tmp_path: Path, monkeypatch) -> None:
    for code, message in ((errno.ENOSPC, "data: no space left in"), (errno.EIO, "cannot read .* or write")):

        def fail(*_: object, code: int = code) -> None:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(convert, "assemble", fail)
        with pytest.raises(BadInput, match=f"{message}.*{os.strerror(code)}"):
            convert.convert("tss", folder, tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize(
    "before", ["the new tables stand", "the old are out of their place", "the work is thrown away"]
)
def test_a_kill_between_the_last_steps_leaves_tables_that_can_be_made_again(
    folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    replaced, removed = os.replace, shutil.rmtree

    def replace(source: Path, target: Path) -> None:
        if Path(source).name == "whole" and before == "the new tables stand":
            raise Stop
        replaced(source, target)
        if Path(target).name == "older" and before == "the old are out of their place":
            raise Stop

    def remove(path: Path, **options: bool) -> None:
        if Path(path).name == ".nats-tss.partial" and before == "the work is thrown away":
            raise Stop
        removed(path, **options)

    def change(place: int) -> None:
        name = NAMES["tss"][place]
        nats_records.put(folder, spaces.TSS, place, nats_records.record(spaces.TSS, place, name, (777,)))

    change(1)
    with monkeypatch.context() as killed:
        killed.setattr(os, "replace", replace)
        killed.setattr(shutil, "rmtree", remove)
        with pytest.raises(Stop):
            convert.convert("tss", folder, out)
    assert (out / ".nats-tss.partial" / "older").exists()
    stood = convert.convert("tss", folder, out)
    assert stood.cached == (before == "the work is thrown away")
    assert [path.name for path in out.iterdir()] == ["nats-tss"]
    change(2)
    assert not convert.convert("tss", folder, out).cached
    assert [path.name for path in out.iterdir()] == ["nats-tss"]


def test_tables_that_were_out_of_their_place_come_back_where_the_next_conversion_fails(folder: Path, out: Path) -> None:
    before = tables(out)
    (out / ".nats-tss.partial").mkdir()
    (out / "nats-tss").rename(out / ".nats-tss.partial" / "older")
    opened(folder, spaces.TSS).file(3).write_bytes(b"none")
    with pytest.raises(BadInput, match="architecture 3"):
        convert.convert("tss", folder, out)
    for name, table in tables(out / "nats-tss").items():
        pd.testing.assert_frame_equal(table, before[name])


@pytest.mark.slow
def test_of_two_conversions_one_waits_and_finds_the_tables_made(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, said, found = threading.Event(), Noticed("nats-tss: waiting for another process"), []
    monkeypatch.setattr(sys, "stderr", said)

    def second() -> None:
        begun.wait(60)
        found.append(convert.convert("tss", folder, tmp_path))

    thread = threading.Thread(target=second)
    thread.start()

    def hold(done: int, total: int) -> None:
        begun.set()
        assert said.noticed.wait(60)  # the other has come to the lock

    first = convert.convert("tss", folder, tmp_path, hold)
    thread.join(60)
    assert not first.cached and found[0].cached


def test_another_space_and_another_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"space: must be a space of NATS-Bench \(tss, sss\) \(got 'nss'"):
        convert.convert("nss", folder, tmp_path)
    with pytest.raises(
        BadInput, match=r"must be architectures of the space sss \(got .*those of the topology space, tss"
    ):
        convert.convert("sss", folder, tmp_path)
    with pytest.raises(BadInput, match="a NATS-Bench folder"):
        convert.convert("tss", tmp_path, tmp_path)
    with pytest.raises(BadInput, match=r"^--folder: must be a NATS-Bench folder"):
        convert.convert("tss", tmp_path / "nowhere", tmp_path, key="--folder")


def _flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))


def test_damaged_tables_are_refused_and_made_again(folder: Path, out: Path) -> None:
    tables = out / "nats-tss"
    found = converted.opened(tables, spaces.TSS)
    group, _, _ = found.curves["cifar10", 200, "ori-test"][0]
    column = pq.read_metadata(tables / "curves.parquet").row_group(group).column(6)
    _flip(tables / "curves.parquet", column.data_page_offset + column.total_compressed_size // 2)
    with pytest.raises(BadInput, match=r"must be a Parquet file \(got .*curves\.parquet"):
        found.curve("cifar10", "ori-test", 200, 0)
    whole = (tables / "finals.parquet").read_bytes()
    (tables / "finals.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match="must be a Parquet file"):
        converted.find(spaces.TSS, str(out))
    convert.convert("tss", folder, out)
    assert len(converted.needed(spaces.TSS, str(out)).indices()) == 6


def test_tables_of_another_kind_are_refused(folder: Path, out: Path, tmp_path: Path) -> None:
    tables = out / "nats-tss"
    with pytest.raises(BadInput, match="version 1 of sss"):
        converted.opened(tables, spaces.SSS)
    nats_records.put(folder, spaces.TSS, 1, nats_records.record(spaces.TSS, 1, NAMES["tss"][1], (777,)))
    other = convert.convert("tss", folder, tmp_path / "other").folder
    (other / "curves.parquet").replace(tables / "curves.parquet")
    with pytest.raises(BadInput, match="two files of one conversion"):
        converted.opened(tables, spaces.TSS)
    pd.DataFrame({"a": [1]}).to_parquet(tables / "curves.parquet")
    with pytest.raises(BadInput, match=r"a table made by python -m harness\.data convert"):
        converted.opened(tables, spaces.TSS)


def test_without_tables_the_command_that_makes_them_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"python -m harness\.data convert nats-sss"):
        converted.needed(spaces.SSS, str(tmp_path))


@pytest.mark.real
@BOTH
def test_genuine_records_are_converted_whole(space: Space, tmp_path: Path) -> None:
    path = archive.folder(space, str(DATA))
    if path is None:
        pytest.skip("HARNESS_DATA has no archive")
    _compare(path, space, convert.convert(space.name, path, tmp_path).folder)
