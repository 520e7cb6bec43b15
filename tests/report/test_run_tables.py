"""Reading stored tables."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.report.renderers import plain
from harness.report.run_files import read
from harness.schema import BadInput
from harness.schema.columns import RUN_TABLES
from harness.storage.files import write_sums


@pytest.fixture
def copy(results: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(results, tmp_path / "results"))


def say(folder: Path, status: dict[str, Any]) -> None:
    """Replace status.json, vouched for."""
    (folder / "status.json").write_text(json.dumps(status))
    write_sums(folder)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere"):
        read(tmp_path / "nowhere")


@pytest.mark.parametrize("name", [*(f"{table}.parquet" for table in RUN_TABLES), "status.json", "config.yaml"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BadInput, match=name):
        read(copy)


@pytest.mark.parametrize("table", RUN_TABLES)
def test_a_missing_column_is_named_with_its_table(copy: Path, table: str) -> None:
    path, column = copy / f"{table}.parquet", RUN_TABLES[table].required[-1]
    pd.read_parquet(path).drop(columns=column).to_parquet(path)
    write_sums(copy)
    with pytest.raises(BadInput, match=rf"{table}.parquet: must be a table with the column {column}"):
        read(copy)


def test_a_status_that_names_no_bench_is_refused(copy: Path) -> None:
    status = json.loads((copy / "status.json").read_text())
    del status["bench"]
    say(copy, status)
    with pytest.raises(BadInput, match="with the key bench"):
        read(copy)


def test_a_status_that_is_no_json_is_refused(copy: Path) -> None:
    (copy / "status.json").write_text("{")
    with pytest.raises(BadInput, match=r"status\.json"):
        read(copy)


def test_the_final_metrics_are_those_of_the_last_budget_best_first(results: Path) -> None:
    final = read(results).final
    assert set(final["step"]) == {64}
    assert final["tau"].is_monotonic_decreasing


def test_a_predictor_with_few_scores_is_ranked_after_the_others(results: Path) -> None:
    tables = read(results)
    best, second = tables.final["predictor"][:2]
    n = tables.metrics["n"].where(tables.metrics["predictor"] != best, tables.metrics["n"].max() // 2 - 1)
    final = replace(tables, metrics=tables.metrics.assign(n=n)).final
    assert final["predictor"][0] == second
    scored = final["tau"].notna()
    assert final.loc[scored, "predictor"].iloc[-1] == best and not scored[scored.sum() :].any()


def test_the_basis_states_architectures_seeds_and_recipe(results: Path) -> None:
    basis = plain(read(results).basis())
    for said in ("n = 60", "3 seeds", "64 steps", "batch 128", "C = 8", "N = 1", "seed 0"):
        assert said in basis


def test_every_caption_says_where_recorded_curves_come_from_and_on_what_others_were_fitted(copy: Path) -> None:
    status = json.loads((copy / "status.json").read_text())
    leak = {"recorded": "cifar100 ori-test 200 epochs (curves measured on test images)", "test_leak": True}
    say(copy, status | {"signal": leak})
    basis = plain(read(copy).basis())
    assert "curves measured on test images" in basis and "64 steps" not in basis
    say(copy, status | {"fit_on": [{"channels": 4}, {"channels": 8}]})
    assert "learned predictors fitted on networks with C = 4 and C = 8." in plain(read(copy).basis())


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([{"channels": 8, "cells": 2}], "fitted on networks with N = 2."),
        ([{"channels": 4, "cells": 1}, {"channels": 8, "cells": 3}],
         "fitted on networks with C = 4 and N = 1, and with C = 8 and N = 3."),
        ([{"channels": 8, "stem_width": 4}], "fitted on networks with stem width 4."),
        ([{"channels": 8, "cells": 1}], "fitted on networks with the same shape."),
    ],
)  # fmt: skip
def test_networks_that_were_fitted_on_are_told_by_what_differs(results: Path, others, said: str) -> None:
    tables = read(results)
    assert said in plain(replace(tables, status=tables.status | {"fit_on": others}).basis())


def test_an_untrained_network_is_said_to_be_untrained(results: Path) -> None:
    tables = read(results)
    start = tables.metrics.assign(step=0)
    bare = replace(tables, metrics=start, status=tables.status | {"recipe": {"steps": 0, "batch": 64}})
    assert bare.moment == "before any training" and "; not trained, batch 64" in bare.basis()
    assert replace(tables, metrics=tables.metrics.assign(step=3000)).moment == "after 3,000 steps"
