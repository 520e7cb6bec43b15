"""The official file of NAS-Bench-101: framing, checksums, rows, conversion; from the file to a report."""

from __future__ import annotations

import base64
import json
import os
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from harness.benches.nasbench101 import conversion, metrics, size, space, table, tfrecord
from harness.benches.nasbench101.bench import NasBench101
from harness.schema import BadInput
from tests.benches import nasbench101_files as made

FIRST = "conv3x3~0|maxpool3x3~1|conv3x3~2|conv3x3~0|conv1x1~0.3.4|output~2.5"


def cell(text: str) -> tuple[str, str, str, int]:
    """Graph hash, matrix, operations and parameters of a cell, as the file has them."""
    found = space.parse(text)
    there = set(found.edges())
    bits = "".join(str(int((s, t) in there)) for s in range(found.output + 1) for t in range(found.output + 1))
    names = {short: name for name, short in space.OFFICIAL.items()}
    listed = ["input", *(names[found.operation(v)] for v in found.inner()), "output"]
    return space.module_hash(found), bits, ",".join(listed), size.params(found, conversion.OWN)


TEXTS = [FIRST, "output~0", "conv3x3~0|output~1", "conv1x1~0|maxpool3x3~1|output~0.2", "conv3x3~0|conv3x3~1|output~2"]


def contents() -> list[bytes]:
    """Three trainings of 108 epochs of each cell, and one of 36 of the first."""
    found = [made.record(cell(text), 108, 0.9 - place / 50 + seed / 1000, 0.88 - place / 50 + seed / 1000)
             for place, text in enumerate(TEXTS) for seed in range(3)]  # fmt: skip
    return [*found, made.record(cell(FIRST), 36, 0.8, 0.79)]


@pytest.fixture
def official(tmp_path: Path) -> Path:
    return made.write(tmp_path / "nasbench_only108.tfrecord", contents())


def test_checksums_are_those_that_were_published_and_of_the_slow_loop() -> None:
    assert made.crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C
    random = np.random.default_rng(0)
    found = [b"", b"123456789", *(random.bytes(int(n)) for n in random.integers(0, 300, 40))]
    assert tfrecord.masked_crc(found) == [struct.unpack("<I", made.masked(each))[0] for each in found]
    assert tfrecord.masked_crc([]) == []


def test_records_come_whole_and_in_order(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tfrecord, "CHUNK", 4)
    for count in (0, 3, 4, 11):
        wanted = [bytes([place]) * place for place in range(count)]
        path = made.write(tmp_path / f"{count}.tfrecord", wanted)
        assert list(tfrecord.records(path, "key")) == wanted


def test_every_cut_and_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    whole = b"".join(map(made.framed, (b"one", b"second")))
    ends = [0, len(made.framed(b"one")), len(whole)]
    for end in range(len(whole)):
        if end not in ends:
            path.write_bytes(whole[:end])
            with pytest.raises(BadInput, match="key: must be"):
                list(tfrecord.records(path, "key"))
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with pytest.raises(BadInput, match=r"key: must be an? .*TFRecord file"):
            list(tfrecord.records(path, "key"))


def test_a_record_that_claims_to_be_huge_is_not_read(tmp_path: Path) -> None:
    path, length = tmp_path / "a.tfrecord", struct.pack("<Q", 2**40)
    path.write_bytes(length + made.masked(length))
    with pytest.raises(BadInput, match=r"records of up to 1,048,576 bytes .got '1,099,511,627,776 in "):
        list(tfrecord.records(path, "key"))


def test_a_row_has_the_metrics_of_the_last_evaluation() -> None:
    row = metrics.row(made.record(cell(FIRST), 108, 0.9375, 0.9312))
    assert (row.module_hash, row.epochs, row.params) == (made.FIRST[0], 108, 8_555_530)
    assert (row.seconds, row.train, row.valid, row.test) == (1000, 1, 0.9375, 0.9312)
    assert row.adjacency == made.FIRST[1] and row.operations == made.FIRST[2]


@pytest.mark.parametrize("content", [
    b"", b"{", b"[]", b"1", b"[1, 2, 3, 4, 5]", b"\xff", b"[" * 50_000, json.dumps(["a", 108, "0", "i", "?"]).encode(),
    json.dumps(["a", 108, "0", "i", ""]).encode(), json.dumps(["a", "x", "0", "i", base64.b64encode(
        made.metrics(1, 4, 0.5, 0.5)).decode()]).encode(),
])  # fmt: skip
def test_a_record_that_is_no_row_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        metrics.row(content)


def test_a_protocol_buffer_may_be_cut_or_changed_anywhere() -> None:
    whole = made.metrics(123_456, 108, 0.5, 0.25)
    assert dict(metrics.fields(whole))[metrics.PARAMETERS] == 123_456
    random = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole[: random.integers(len(whole))])
        for place in random.integers(len(damaged), size=2) if damaged else ():
            damaged[place] = random.integers(256)
        text = json.dumps(["a", 108, "01", "i", base64.b64encode(bytes(damaged)).decode()]).encode()
        try:
            metrics.row(text)
        except ValueError:
            continue


def test_the_official_file_is_converted_once_and_read_by_seed(official: Path, caplog) -> None:
    bench, data = NasBench101(), str(official.parent)
    truth = replace(bench, source=str(official)).truth("cifar10", "", None)
    assert set(truth.accuracy.index) == set(TEXTS) and list(truth.accuracy) == ["0", "1", "2"]
    assert (truth.train_set, truth.split, truth.epochs) == ("cifar10", "test", 108)
    assert truth.source == "nasbench_only108.tfrecord, test accuracy"
    np.testing.assert_allclose(truth.accuracy.loc[FIRST], [88.0, 88.1, 88.2])
    assert caplog.text.count("converting") == 1 and "differ from those" not in caplog.text
    again = bench.truth("cifar10", "", data)  # what was made of it is found in the data folder
    assert again.accuracy.equals(truth.accuracy) and again.source == "nasbench_only108.parquet, test accuracy"
    short = replace(bench, target_epochs=36, target_split="valid").truth("cifar10", "", data)
    assert short.epochs == 36 and short.accuracy["0"].to_dict() == {FIRST: 80.0}
    with pytest.raises(BadInput, match=r"bench\.target_epochs: must be epochs of .* \(36, 108\) \(got 12"):
        replace(bench, target_epochs=12).truth("cifar10", "", data)
    made.write(official, contents()[:3])
    assert list(replace(bench, source=str(official)).truth("cifar10", "", None).accuracy.index) == [FIRST]
    assert caplog.text.count("converting") == 2


def test_the_official_file_is_asked_for_by_name(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    with pytest.raises(BadInput, match=r"missing file nasbench_only108\.tfrecord .*nasbench101-table"):
        NasBench101().truth("cifar10", "", str(tmp_path))
    with pytest.raises(BadInput, match=r"dataset: must be cifar10, .*python -m harness\.tabulate \+bench=nasbench101"):
        NasBench101().truth("svhn", "", str(tmp_path))
    with pytest.raises(BadInput, match=r"bench\.source: must be a readable file \(got none\.tfrecord"):
        NasBench101(source="none.tfrecord").truth("cifar10", "", None)
    (source,) = NasBench101().sources()
    assert source.any_of[0] == (table.FILES[0],) and table.FILES[0].checksum


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("0" * 32, *cell("output~0")[1:]), "a cell whose graph hash is not 0000"),
        ((*cell("output~0")[:1], "011", "input,output", 1), "an adjacency matrix that is not square"),
        ((*cell("output~0")[:1], "0120", "input,output", 1), "an adjacency matrix that is not square"),
        ((*cell("output~0")[:2], "input", 1), "an operation a row"),
    ],
)
def test_a_row_of_no_cell_is_refused_in_one_line(tmp_path: Path, change: tuple[str, str, str, int], message) -> None:
    path = made.write(tmp_path / "a.tfrecord", [made.record(change, 108, 0.5, 0.5)])
    with pytest.raises(BadInput, match=message) as caught:
        conversion.converted(path)
    assert str(caught.value).startswith("bench.source: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(("epochs", "test"), [(108, 1.5), (108, -0.1), (108, float("nan")), (0, 0.5), (10**9, 0.5)])
def test_a_row_of_impossible_numbers_is_refused(tmp_path: Path, epochs: int, test: float) -> None:
    path = made.write(tmp_path / "a.tfrecord", [made.record(cell(FIRST), epochs, 0.5, test)])
    with pytest.raises(BadInput, match=r"bench\.source: must be the official file of NAS-Bench-101"):
        conversion.converted(path)


def test_parameters_in_the_file_are_compared_with_those_of_the_network_that_is_built(tmp_path: Path, caplog) -> None:
    wrong = (*cell("output~0")[:3], 7)
    conversion.converted(made.write(tmp_path / "a.tfrecord", [made.record(wrong, 108, 0.5, 0.5)]))
    assert "params of 1 architectures differ" in caplog.text and "7 in the file" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "conv9x9~0|output~1"}, "architectures of nasbench101"),
        ({"test_accuracy": 101.0}, "accuracies from 0 to 100"),
        ({"seed": 1}, "one row per architecture, epochs and seed"),
        ({"epochs": 1.5}, "a table of architecture, epochs, seed"),
    ],
)
def test_a_parquet_file_of_another_hand_is_checked_row_by_row(official: Path, change: dict, message: str) -> None:
    frame = pq.read_table(conversion.converted(official)).to_pandas().astype({"architecture": str})
    path = official.parent / "own.parquet"
    frame.to_parquet(path)
    assert len(NasBench101(source=str(path)).truth("cifar10", "", None).accuracy) == len(TEXTS)
    for column, value in change.items():
        frame[column] = [value, *frame[column][1:]]
    frame.to_parquet(path)
    with pytest.raises(BadInput, match=message):
        NasBench101(source=str(path)).truth("cifar10", "", None)


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_from_the_official_file_to_a_report(call, official: Path, monkeypatch) -> None:
    monkeypatch.chdir(official.parent)
    command = ["+bench=nasbench101", f"bench.source={official.name}", "bench.channels=6", "architectures=null",
               "bench.train_set=cifar10", "train.epochs=null", "train.steps=2", "train.observe_every=1",
               "train.batch=32", "engine.workers=1", "dataset.train_images=64", "dataset.valid_images=40",
               "dataset.test_images=40", "measure=[movement]", "evaluate.bootstrap=20",
               "predictor=[movement,valacc,flops,operations_ridge]"]  # fmt: skip
    code, out, err = call(*command)
    assert code == 0 and err.count("\n") <= 1  # the conversion
    folder = Path(next(line.split()[1] for line in out.splitlines() if line.startswith("tables ")))
    scored = pd.read_parquet(folder / "metrics.parquet").query("step == 2").set_index("predictor")["n"]
    assert (scored[["movement", "valacc", "flops"]] == len(TEXTS)).all()
    assert os.path.isfile(next(Path().glob("reports/nasbench101-digits/*/report.md")))


@pytest.mark.real
@pytest.mark.parametrize("file", table.FILES, ids=lambda file: file.name)
def test_every_cell_of_the_genuine_file_has_the_published_hash_and_parameters(file, caplog) -> None:
    path = Path(os.environ.get("HARNESS_DATA", "/nonexistent")) / file.name
    if not path.is_file():
        pytest.skip(f"HARNESS_DATA has no {path.name}")
    truth = table.truth(path, "test", 108)
    assert truth.accuracy.shape == (423_624, 3) and "differ from those of the network built here" not in caplog.text
