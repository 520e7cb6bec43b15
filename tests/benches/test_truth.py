"""The order in which `bench.source=auto` asks for the ground truth, one step after the other."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from harness.benches.nasbench201 import table
from harness.benches.nasbench201.bench import NasBench201
from harness.benches.nats import archive, spaces
from harness.benches.nats.convert import convert
from harness.benches.nats.converted import Converted
from harness.benches.natsbench_sss.bench import NatsBenchSize
from harness.schema import BadInput
from tests.benches import nats_records
from tests.benches.nats_records import NAMES, figure

TABLED = {("cifar100", "test", 200): {"mean": "c100_test_200_mean"}}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    monkeypatch.delenv("TORCH_HOME", raising=False)


def public_table(data: Path) -> None:
    """The table of two architectures, which has the final test accuracy of cifar100 alone."""
    columns = {"arch_index": [0, 1], "arch_str": NAMES["tss"][:2], "c100_test_200_mean": [50.0, 60.0]}
    pd.DataFrame(columns).to_parquet(data / table.PARQUET)


@pytest.fixture(autouse=True)
def small_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "PARQUET_COLUMNS", TABLED)


def source_of(data: Path, dataset: str = "cifar100", **changes: object) -> str:
    return replace(NasBench201(), **changes).truth(dataset, "", str(data)).source


def test_the_archive_alone_answers_without_a_network(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    nats_records.write(tmp_path)
    with caplog.at_level(logging.WARNING):
        found = NasBench201().truth("cifar100", "", str(tmp_path))
    assert found.source.startswith(archive.opened(tmp_path / spaces.TSS.folder, spaces.TSS).path.name)
    assert found.accuracy.loc[NAMES["tss"][2], "888"] == figure(2, "cifar100", "x-test", 200, 888, 199)
    assert "uses archive; skipping table: " in caplog.text and "nasbench201_cifar100.csv" in caplog.text


def test_the_public_table_goes_before_a_part_of_the_space_where_it_has_the_protocol(tmp_path: Path) -> None:
    convert("tss", nats_records.write(tmp_path), tmp_path)
    public_table(tmp_path)
    assert source_of(tmp_path).startswith(table.PARQUET)
    for changes in ({"target_split": "valtest"}, {"target_epochs": 12}):  # the table has neither
        assert source_of(tmp_path, **changes).startswith("nats-tss")
    assert source_of(tmp_path, "cifar10", train_set="cifar10").startswith("nats-tss")


def test_of_two_parts_of_the_space_the_fuller_goes_first(tmp_path: Path) -> None:
    folder = nats_records.write(tmp_path)
    convert("tss", folder, tmp_path)
    assert source_of(tmp_path).startswith("nats-tss")  # as full as the archive
    nats_records.put(folder, spaces.TSS, 1, nats_records.record(spaces.TSS, 1, NAMES["tss"][1]))
    assert source_of(tmp_path).startswith(folder.name)
    shutil.rmtree(folder)
    assert source_of(tmp_path).startswith("nats-tss")


def test_of_two_parts_of_the_size_space_the_fuller_goes_first(tmp_path: Path) -> None:
    folder = nats_records.write(tmp_path, spaces.SSS)
    convert("sss", folder, tmp_path)
    assert NatsBenchSize().truth("cifar100", "", str(tmp_path)).source.startswith("nats-sss")
    nats_records.put(folder, spaces.SSS, 1, nats_records.record(spaces.SSS, 1, NAMES["sss"][1]))
    assert NatsBenchSize().truth("cifar100", "", str(tmp_path)).source.startswith(folder.name)


def test_tables_of_the_whole_space_go_before_the_public_table(tmp_path: Path, monkeypatch) -> None:
    convert("tss", nats_records.write(tmp_path), tmp_path)
    public_table(tmp_path)
    monkeypatch.setattr(Converted, "whole", True)
    assert source_of(tmp_path).startswith("nats-tss")


def test_a_damaged_source_is_passed_over_and_the_log_says_so(tmp_path: Path, caplog) -> None:
    folder = nats_records.write(tmp_path)
    (convert("tss", folder, tmp_path).folder / "finals.parquet").write_bytes(b"none")
    with caplog.at_level(logging.WARNING):
        assert source_of(tmp_path).startswith(folder.name)
    assert "uses archive; skipping converted: data: must be a Parquet file" in caplog.text


def test_where_no_source_has_it_every_reason_is_told_in_one_line(tmp_path: Path) -> None:
    folder = nats_records.write(tmp_path)
    convert("tss", folder, tmp_path)
    public_table(tmp_path)
    message = (
        r"^bench\.source: no available source has this protocol; table: bench\.train_set.*; converted: .*; archive: "
    )
    with pytest.raises(BadInput, match=message) as caught:
        NasBench201(target_epochs=90).truth("cifar100", "", str(tmp_path))
    assert "\n" not in str(caught.value)


def test_where_there_is_one_source_its_reason_stands_alone(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^(?!bench\.source: none).*nasbench201_cifar100\.csv"):
        NasBench201().truth("cifar100", "", str(tmp_path))
