"""Reading stored tables."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from harness.report.tables import COLUMNS, read
from harness.schema import BadInput


@pytest.fixture
def copy(results: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(results, tmp_path / "results"))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere"):
        read(tmp_path / "nowhere")


@pytest.mark.parametrize("name", [*(f"{table}.parquet" for table in COLUMNS), "status.json", "config.yaml"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BadInput, match=name):
        read(copy)


@pytest.mark.parametrize("table", COLUMNS)
def test_a_missing_column_is_named_with_its_table(copy: Path, table: str) -> None:
    path, column = copy / f"{table}.parquet", COLUMNS[table][-1]
    pd.read_parquet(path).drop(columns=column).to_parquet(path)
    with pytest.raises(BadInput, match=rf"{table}.parquet: the column {column}"):
        read(copy)


def test_a_status_that_names_no_bench_is_refused(copy: Path) -> None:
    (copy / "status.json").write_text(json.dumps({"dataset": "digits", "truth": {}}))
    with pytest.raises(BadInput, match="'bench'"):
        read(copy)


def test_a_status_that_is_no_json_is_refused(copy: Path) -> None:
    (copy / "status.json").write_text("{")
    with pytest.raises(BadInput, match=r"status\.json"):
        read(copy)


def test_the_final_metrics_are_those_of_the_last_budget_best_first(results: Path) -> None:
    final = read(results).final
    assert set(final["step"]) == {64}
    assert final["tau"].is_monotonic_decreasing


def test_the_basis_states_architectures_seeds_and_recipe(results: Path) -> None:
    basis = read(results).basis()
    for said in ("n = 60", "3 seeds", "64 steps", "batch 128", "C = 8", "N = 1", "seed 0"):
        assert said in basis


def test_every_caption_says_where_recorded_curves_come_from_and_on_what_others_were_fitted(copy: Path) -> None:
    status = json.loads((copy / "status.json").read_text())
    leak = {"recorded": "cifar100 ori-test 200 epochs (curves measured on test images)", "test_leak": True}
    (copy / "status.json").write_text(json.dumps(status | {"signal": leak}))
    assert "curves measured on test images" in read(copy).basis() and "64 steps" not in read(copy).basis()
    (copy / "status.json").write_text(json.dumps(status | {"fit_on": [{"channels": 4}, {"channels": 8}]}))
    assert "learned predictors fitted at C = 4 and 8" in read(copy).basis()
