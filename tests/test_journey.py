"""From the command line to a report, on a small table of ground truth that the journey makes itself."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import SMALL, Tabulated


@pytest.fixture
def folder(tabulated: Tabulated, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tabulated.folder)
    return tabulated.folder


def printed(out: str, word: str) -> Path:
    """The path that the line of this word names."""
    return Path(next(line.split()[1] for line in out.splitlines() if line.startswith(f"{word} ")))


def test_a_table_of_ones_own_has_every_architecture_seed_and_epoch(tabulated: Tabulated) -> None:
    assert tabulated.code == 0 and "engine " in tabulated.out
    assert "6 architectures x 2 seeds, 2 epochs; Kendall tau-b between two seeds" in tabulated.out
    curves = pd.read_parquet(tabulated.folder / "truth.parquet")
    assert len(curves) == 6 * 2 * 2
    assert curves.groupby(["architecture", "seed"])["epoch"].apply(list).map(lambda e: e == [1, 2]).all()


@pytest.mark.slow
def test_from_a_table_of_ones_own_to_a_report_that_is_not_made_twice(call, folder: Path) -> None:
    command = ["+bench=nasbench201", *SMALL, "bench.source=truth.parquet", "architectures=6", "train.epochs=1",
               "train.observe_every=1", "measure.capacitance.widths=[8,8]", "evaluate.bootstrap=40",
               "report.dpi=50"]  # fmt: skip
    code, out, err = call(*command)
    assert (code, err) == (0, "")
    assert "Kendall τ after 2 steps" in out and "ceiling" in out
    assert re.search(r"^engine (native|torch) kernels on cpu", out, re.MULTILINE)
    tables, page = printed(out, "tables"), printed(out, "report")
    assert page == Path("reports") / "nasbench201-digits" / tables.name / "index.html"
    assert page.is_file() and (page.parent / "figures" / "tau_against_budget.pdf").is_file()
    assert shlex.join(command) in json.loads((tables / "status.json").read_text())["command"]
    metrics = pd.read_parquet(tables / "metrics.parquet")
    assert {"beta_eff", "valacc", "lce", "movement", "weight_statistics", "flops"} <= set(metrics["predictor"])

    def stamps() -> dict[Path, int]:  # the list of runs is written each time
        listed = {Path("reports/index.html"), Path("reports/.index.lock")}
        return {p: p.stat().st_mtime_ns for p in {*Path().rglob("*.*")} - listed if p.is_file()}

    before = stamps()
    assert call(*command)[0] == 0
    assert stamps() == before
    assert page.relative_to("reports").as_posix() in Path("reports/index.html").read_text()


FEW = ["+bench=nasbench201", *SMALL, "bench.source=truth.parquet", "train.epochs=1", "evaluate.bootstrap=20",
       "report.figures=[]"]  # fmt: skip


def test_one_run_may_leave_predictors_out_or_name_its_own(call, folder: Path) -> None:
    code, out, _ = call(*FEW, "architectures=5", "predictor=[flops,valacc]", "measure=[]")
    assert code == 0
    assert set(pd.read_parquet(printed(out, "tables") / "metrics.parquet")["predictor"]) == {"flops", "valacc"}


@pytest.mark.slow
def test_without_its_measure_a_predictor_is_skipped_and_the_missing_column_named(call, folder: Path) -> None:
    code, out, _ = call(*FEW, "architectures=4", "measure=[movement]")
    assert code == 0 and "beta_eff_ridge" in out
    assert "skipping az_expressivity, az_expressivity_trained: input column az_expressivity is not measured\n" in out
    found = set(pd.read_parquet(printed(out, "tables") / "metrics.parquet")["predictor"])
    assert {"movement", "valacc", "flops", "lce"} <= found


ONE = ["+bench=nasbench201", "measure=[]", "predictor=[flops]"]
"""Without other plug-ins, each of which takes time to be read and checked."""


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "bench: must be +bench=NAME (got none); NAME: cnn_zoo, hyperparameters, nasbench101, nasbench201"),
        (["bench=nasbench201"], "bench: must be +bench=NAME, with the plus (got 'bench=nasbench201'); NAME: cnn"),
        (["+bench=nope"], "bench: must be one of cnn_zoo, hyperparameters, nasbench101, nasbench201"),
        (["+bench=nasbench201", "dataset=nope"], "dataset: must be one of "),
        (["+bench=nasbench201", "predictor=[nope]"], "predictor: must be one of az_expressivity, "),
        ([*ONE, "sead=1"], "sead: must be a known key (got sead=1); did you mean seed?; known: "),
        (
            [*ONE, "train.btch=1"],
            "train.btch: must be a known key (got train.btch=1); did you mean train.batch?; known: ",
        ),
        (
            [*ONE, "+train.btch=1"],
            "train.btch: must be a known key (got btch); did you mean train.batch?; known: ",
        ),
        ([*ONE, "train.batch=many"], "train.batch: must be a value of type int (got 'many')"),
        ([*ONE, "train.batch=-1"], "train.batch: must be at least 1 (got -1)"),
        ([*ONE, "architectures=-4"], "architectures: must be at least 2 (or null: all) (got -4)"),
        ([*ONE, "architectures=x"], "architectures: must be a value of type int or null (got 'x')"),
        (["+bench=nasbench201", "seed=0,1"], "seed: must be one value in a single run (got 0,1); add -m for a sweep"),
        (["+bench=nasbench201", "nonsense"], "nonsense: must be KEY=VALUE (got 'nonsense')"),
        (
            ["+bench=nasbench201", "measure=[movement]", "predictor=[beta_eff]"],
            "predictor.beta_eff: must ",
        ),
        ([*ONE, "bench.source=/no/such.parquet"], "bench.source: must be an existing table"),
        (
            [*ONE, "predictor.flops._target_=a.nope"],
            "predictor.flops._target_: must be an import",
        ),
        (["+bench=nasbench201", "dataset=fashion_mnist"], "data: "),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(call, tmp_path, monkeypatch, arguments: list[str], line: str) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {line}") and err.count("\n") == 1, err
    assert list(tmp_path.iterdir()) == []


def test_a_missing_data_file_names_file_folder_checksum_and_command(call, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    _, _, err = call(*ONE, "dataset=cifar10", f"data={tmp_path / 'data'}")
    for needed in (
        "cifar-10-python.tar.gz",
        "c58f30108f718f92721af3b95e74349a",
        str(tmp_path / "data"),
        "python -m harness",
    ):
        assert needed in err
