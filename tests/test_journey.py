"""From the command line to a report, on a small table of ground truth that the journey makes itself."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from harness.cli.report import main as report
from harness.cli.tabulate import tabulate

SMALL = [
    "dataset.train_images=64", "dataset.valid_images=40", "dataset.test_images=40", "bench.channels=2",
    "train.batch=32", "engine.workers=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("journey")


def test_from_a_table_of_ones_own_to_a_report_and_back_again(call, shared, monkeypatch) -> None:
    monkeypatch.chdir(shared)
    code, out, err = call(
        "+bench=nasbench201", *SMALL, "architectures=6", "seeds=[0,1]", "train.epochs=2", "out=truth.parquet",
        task=tabulate, config="tabulate",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "6 architectures x 2 seeds, 2 epochs; Kendall tau-b between two seeds" in out
    curves = pd.read_parquet("truth.parquet")
    assert len(curves) == 6 * 2 * 2
    assert curves.groupby(["architecture", "seed"])["epoch"].apply(list).map(lambda e: e == [1, 2]).all()

    command = ["+bench=nasbench201", *SMALL, "bench.source=truth.parquet", "architectures=6", "train.epochs=1",
               "train.observe_every=1", "measure.capacitance.widths=[8,8]", "evaluate.bootstrap=40",
               "report.dpi=50"]  # fmt: skip
    code, out, err = call(*command)
    assert (code, err) == (0, "")
    assert "Kendall τ after 2 steps" in out and "ceiling" in out
    folder = Path(next(line.split()[1] for line in out.splitlines() if line.startswith("tables ")))
    page = Path("reports/nasbench201-digits/index.html")
    assert page.is_file() and (page.parent / "figures" / "tau_against_budget.pdf").is_file()
    metrics = pd.read_parquet(folder / "metrics.parquet")
    assert {"beta_eff", "valacc", "lce", "movement", "weight_statistics", "flops"} <= set(metrics["predictor"])

    stamps = {p: p.stat().st_mtime_ns for p in Path().rglob("*.*") if p.is_file()}
    assert call(*command)[0] == 0
    assert {p: p.stat().st_mtime_ns for p in Path().rglob("*.*") if p.is_file()} == stamps

    page.unlink()
    assert report([str(folder)]) == 0
    assert page.is_file()


def test_one_run_may_leave_predictors_out_or_name_its_own(call, shared, monkeypatch) -> None:
    monkeypatch.chdir(shared)
    few = ("architectures=5", "seeds=[0,1]", "train.epochs=1", "out=few.parquet")
    assert call("+bench=nasbench201", *SMALL, *few, task=tabulate, config="tabulate")[0] == 0
    command = ["+bench=nasbench201", *SMALL, "bench.source=few.parquet", "architectures=5", "train.epochs=1"]
    code, out, _ = call(
        *command, "predictor=[flops,valacc]", "measure=[]", "results=few", "reports=few/reports", "report.figures=[]"
    )
    folder = next(line.split()[1] for line in out.splitlines() if line.startswith("tables "))
    assert code == 0
    assert set(pd.read_parquet(f"{folder}/metrics.parquet")["predictor"]) == {"flops", "valacc"}


def test_a_measure_is_switched_off_alone_and_what_reads_it_is_left_out_with_a_word(call, shared, monkeypatch) -> None:
    monkeypatch.chdir(shared)
    few = ("architectures=5", "seeds=[0,1]", "train.epochs=1", "out=few.parquet")
    assert call("+bench=nasbench201", *SMALL, *few, task=tabulate, config="tabulate")[0] == 0
    command = ["+bench=nasbench201", *SMALL, "bench.source=few.parquet", "architectures=4", "train.epochs=1",
               "measure=[movement]", "evaluate.bootstrap=20", "results=off", "reports=off/reports",
               "report.figures=[]"]  # fmt: skip
    code, out, _ = call(*command)
    assert code == 0 and "left out, as nobody measures az_expressivity, " in out and "beta_eff_ridge" in out
    folder = next(line.split()[1] for line in out.splitlines() if line.startswith("tables "))
    assert {"movement", "valacc", "flops", "lce"} <= set(pd.read_parquet(f"{folder}/metrics.parquet")["predictor"])


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "bench: must be +bench=NAME (got none; there is: nasbench201"),
        (["bench=nasbench201"], "bench: must be +bench=NAME (with the plus) (got 'bench=nasbench201'; there is: nas"),
        (["+bench=nope"], "bench: one of nasbench201"),
        (["+bench=nasbench201", "dataset=nope"], "dataset: one of "),
        (["+bench=nasbench201", "predictor=[nope]"], "predictor: one of az_expressivity, "),
        (["+bench=nasbench201", "sead=1"], "sead: must be a known key (got an unknown one (= 1); there is: "),
        (
            ["+bench=nasbench201", "train.btch=1"],
            "train.btch: must be a known key (got an unknown one (= 1); there is: ",
        ),
        (["+bench=nasbench201", "+train.btch=1"], "train.btch: must be a known key (got an unknown one; there is: "),
        (["+bench=nasbench201", "train.batch=many"], "train.batch: must be a value of type int (got 'many'"),
        (["+bench=nasbench201", "train.batch=-1"], "train.batch: must be at least 1 (got -1"),
        (["+bench=nasbench201", "architectures=-4"], "architectures: must be at least 2 (got -4"),
        (["+bench=nasbench201", "architectures=x"], "architectures: must be a value of type int (got 'x'"),
        (["+bench=nasbench201", "seed=0,1"], "seed=0,1: -m (a sweep) is needed for several values, got a single run"),
        (["+bench=nasbench201", "nonsense"], "nonsense: key=value is needed"),
        (
            ["+bench=nasbench201", "measure=[movement]", "predictor=[beta_eff]"],
            "predictor.beta_eff: columns that are measured",
        ),
        (["+bench=nasbench201", "bench.source=/no/such.parquet"], "bench.source: an existing table"),
        (["+bench=nasbench201", "predictor.flops._target_=a.nope"], "predictor.flops._target_: an importable"),
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
    _, _, err = call("+bench=nasbench201", "dataset=cifar10", f"data={tmp_path / 'data'}")
    for needed in (
        "cifar-10-python.tar.gz",
        "c58f30108f718f92721af3b95e74349a",
        str(tmp_path / "data"),
        "python -m harness",
    ):
        assert needed in err
