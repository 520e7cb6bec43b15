"""Ground truth from tables, on small tables in the true formats."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.benches.nasbench201 import table
from harness.benches.nasbench201.space import every_cell
from harness.schema import BadInput

DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent"))
NAMES = [str(cell) for cell in every_cell()[7:4007:1000]]


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    columns: dict[str, object] = {"arch_index": np.int32([3, 0, 2, 1]), "arch_str": NAMES}
    for number, protocol in enumerate(table.PARQUET_COLUMNS.values()):
        for place, column in enumerate(protocol.values()):
            columns[column] = [10.0 + number, 20.0 + place, 90.0, np.nan if place == 2 else 30.0]
    path = tmp_path / table.PARQUET
    pd.DataFrame(columns).to_parquet(path)
    return path


@pytest.fixture
def csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cifar10-valid table with the header of the public files."""
    path = tmp_path / "nasbench201_cifar10.csv"
    rows = [f"{n},{name},infer.tiny,16,5,99.{n},8{n}.5,7{n}.25" for n, name in enumerate(NAMES)]
    _write_csv(path, rows, monkeypatch)
    return path


def _write_csv(path: Path, rows: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    header = "file id,arch str,cfg name,C,N,train accuracy,validation accuracy,test accuracy"
    path.write_text("\n".join([header, *rows]) + "\n")
    checksum = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    download = replace(table.CSVS["cifar10-valid"], checksum=checksum)
    monkeypatch.setitem(table.CSVS, "cifar10-valid", download)


def test_seeds_that_are_recorded_apart_are_columns_and_a_missing_one_stays_missing(parquet: Path) -> None:
    truth = table.from_parquet(parquet, "cifar10-valid", "valid", 200)
    assert list(truth.accuracy.columns) == ["777", "888", "999"]
    assert list(truth.accuracy.index) == NAMES
    assert truth.accuracy.loc[NAMES[1]].tolist() == [20, 21, 22]
    assert np.isnan(truth.accuracy.loc[NAMES[3], "999"])
    assert truth.mean()[NAMES[3]] == 30
    assert (truth.train_set, truth.split, truth.epochs) == ("cifar10-valid", "valid", 200)
    assert "c10v_valid_200_s888" in truth.source


@pytest.mark.parametrize("protocol", table.PARQUET_COLUMNS)
def test_every_protocol_reads_its_own_column(parquet: Path, protocol: table.Protocol) -> None:
    truth = table.from_parquet(parquet, *protocol)
    first = 10.0 + list(table.PARQUET_COLUMNS).index(protocol)
    assert (truth.accuracy.loc[NAMES[0]] == first).all()
    seeds = protocol in {("cifar10-valid", "valid", 200)} or protocol[1] == "valtest"
    assert list(truth.accuracy.columns) == (["777", "888", "999"] if seeds else ["mean"])


@pytest.mark.parametrize(
    "protocol",
    [("cifar10", "valid", 200), ("cifar10-valid", "test", 12), ("cifar100", "test", 90), ("mnist", "test", 200)],
)
def test_a_protocol_that_is_not_there_is_refused_with_a_list_of_those_that_are(
    parquet: Path, protocol: table.Protocol
) -> None:
    with pytest.raises(BadInput, match=r"cifar10-valid test 200; .*imagenet16-120 test 12"):
        table.from_parquet(parquet, *protocol)


@pytest.mark.parametrize("value", [0.0, -1.0, 100.5, np.inf])
def test_an_impossible_accuracy_is_not_taken_for_a_value(parquet: Path, value: float) -> None:
    frame = pd.read_parquet(parquet)
    frame.loc[2, "c10_test_200_mean"] = value
    frame.to_parquet(parquet)
    with pytest.raises(BadInput, match="accuracies above 0"):
        table.from_parquet(parquet, "cifar10", "test", 200)
    assert len(table.from_parquet(parquet, "cifar10-valid", "test", 200).accuracy) == 4


def test_names_that_are_no_cells_or_come_twice_are_refused(parquet: Path) -> None:
    frame = pd.read_parquet(parquet)
    for name, message in ((NAMES[1], "once"), ("|sep_conv~0|", "three nodes")):
        frame.assign(arch_str=[name, *NAMES[1:]]).to_parquet(parquet)
        with pytest.raises(BadInput, match=message):
            table.from_parquet(parquet, "cifar10", "test", 200)


def test_a_file_without_the_column_or_of_another_kind_is_refused(parquet: Path) -> None:
    pd.read_parquet(parquet).drop(columns="c10_test_12").to_parquet(parquet)
    with pytest.raises(BadInput, match="c10_test_12"):
        table.from_parquet(parquet, "cifar10", "test", 12)
    parquet.write_bytes(b"not a table")
    with pytest.raises(BadInput, match="Parquet file"):
        table.from_parquet(parquet, "cifar10", "test", 12)


def test_the_public_csv_gives_one_mean_column(csv: Path) -> None:
    for split, values in (("valid", [80.5, 81.5, 82.5, 83.5]), ("test", [70.25, 71.25, 72.25, 73.25])):
        truth = table.from_csv(str(csv.parent), "cifar10-valid", split, 200)
        assert truth.accuracy["mean"].tolist() == values
        assert list(truth.accuracy.columns) == ["mean"]
        assert list(truth.accuracy.index) == NAMES
        assert "1f8fd62" in truth.source


@pytest.mark.parametrize("protocol", [("cifar10", "test", 200), ("cifar100", "valtest", 200), ("cifar100", "test", 12)])
def test_the_public_csv_has_no_other_protocol(csv: Path, protocol: table.Protocol) -> None:
    with pytest.raises(BadInput, match="cifar10-valid valid 200"):
        table.from_csv(str(csv.parent), *protocol)


def test_a_csv_with_another_checksum_is_refused(csv: Path) -> None:
    csv.write_text(csv.read_text().replace("70.25", "93.75"))
    with pytest.raises(BadInput, match=r"nasbench201_cifar10\.csv.*sha256"):
        table.from_csv(str(csv.parent), "cifar10-valid", "test", 200)


def test_a_csv_in_another_order_or_form_is_refused(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for rows, message in (
        ([f"{n},{NAMES[n]},infer.tiny,16,5,9,9,9" for n in (1, 0)], "file ids"),
        ([f"0,{NAMES[0]},infer.tiny,16,5,9,9,high"], "high"),
        ([f"0,{NAMES[0]},infer.tiny,16,5,9,9,0.0"], "accuracies above 0"),
    ):
        _write_csv(csv, rows, monkeypatch)
        with pytest.raises(BadInput, match=message):
            table.from_csv(str(csv.parent), "cifar10-valid", "test", 200)


def test_a_missing_csv_is_named_with_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    with pytest.raises(BadInput, match=r"nasbench201_ImageNet16-120\.csv \(sha256:f5225573.*raw\.githubusercontent"):
        table.from_csv(str(tmp_path), "imagenet16-120", "test", 200)


def test_the_parquet_table_is_taken_where_it_lies_and_else_the_public_csv(parquet: Path, csv: Path) -> None:
    assert "nb201" in table.find("cifar10-valid", "test", 200, str(parquet.parent)).source
    parquet.unlink()
    assert "NASGraph" in table.find("cifar10-valid", "test", 200, str(csv.parent)).source


def test_official_places_come_from_either_file(parquet: Path, csv: Path) -> None:
    assert table.indices(parquet) == dict(zip(NAMES, [3, 0, 2, 1], strict=True))
    assert table.indices(csv) == dict(zip(NAMES, range(4), strict=True))


@pytest.mark.real
def test_the_real_table_holds_every_cell_and_the_published_best() -> None:
    path = DATA / table.PARQUET
    if not path.is_file():
        pytest.skip(f"HARNESS_DATA has no {table.PARQUET}")
    indices = table.indices(path)
    assert sorted(indices) == sorted(map(str, every_cell()))
    assert sorted(indices.values()) == list(range(15_625))
    for train_set, place, best in (
        ("cifar10", 6111, 94.373),
        ("cifar100", 9930, 73.513),
        ("imagenet16-120", 857, 47.311),
    ):
        mean = table.from_parquet(path, train_set, "test", 200).mean()
        assert indices[mean.idxmax()] == place
        assert mean.max() == pytest.approx(best, abs=1e-3)
    for protocol in table.PARQUET_COLUMNS:
        assert len(table.from_parquet(path, *protocol).accuracy) == 15_625
