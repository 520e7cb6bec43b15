"""Every wrong command line is one line on stderr, exit code 2, and nothing is trained."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.cli.data.command import main as data
from harness.cli.report import main as report
from harness.cli.tabulate import tabulate

FEW = ("+bench=nasbench201", "measure=[]", "predictor=[flops]")
LONG = "a" * 260

RUN = {
    "results=${HOME}/runs": "results: must be a value that is known (got '${HOME}/runs': ",
    "results=${oc.env:NOPE}": "results: must be a value that is known (got '${oc.env:NOPE}': ",
    "bench.channels=${nope}": "bench.channels: must be a value that is known (got '${nope}': ",
    "seed=???": "seed: must be a value (got none)",
    "dataset.name=my/birds": "dataset.name: must be at most 100 bytes of letters, digits, '-', '_' and '.' ",
    "dataset.name=..": "dataset.name: must be at most ",
    f"dataset.name={LONG}": "dataset.name: must be at most ",
    "bench.name=a/b": "bench.name: must be at most ",
    "results=/proc/x": "results: must be a folder that can be written (got /proc: ",
    "reports=/proc/x": "reports: must be a folder that can be written (got /proc: ",
    f"results={LONG}": "results: must be a path whose names have at most 255 bytes",
    f"results=x/{LONG}": "results: must be a path whose names have at most 255 bytes",
    f"reports={LONG}": "reports: must be a path whose names have at most 255 bytes",
    "results=": "results: must be a folder (got '')",
    "results='a\0b'": "results: must be a path (got 'a\\x00b')",
    "results=a=b": "results: must be quoted twice, for the shell and for Hydra (got 'a=b'); type \"results='a=b'\"",
    "results=runs (1)": "results: must be quoted twice, for the shell and for Hydra (got 'runs (1)'); type ",
    "results=a#b": "results: must be quoted twice, ",
    "results=~/runs": "results: must be quoted twice, ",
    "results=é/runs": "results: must be quoted twice, ",
    "results=[v1] runs": "results: must be quoted twice, ",
    "results=a[/b]": "results: must be quoted twice, ",
    "results=a'b": "results: must be quoted twice, ",
    "results=a\nb": "results: must be quoted twice, for the shell and for Hydra (got 'a\\nb'); ",
    "results=a\udcff": "arguments: must be UTF-8 text (got 'results=a\\udcff')",
    "=3": "arguments: must be KEY=VALUE (got '=3')",
    "": "arguments: must be KEY=VALUE (got '')",
    "seeds=1": "seeds: must be a known key (got seeds=1); did you mean seed?; known: ",
    "+seeds=1": "+seeds: must be a known key (got '+seeds=1'); did you mean seed?",
    "train.bach=3": "train.bach: must be a known key (got train.bach=3); did you mean train.batch?; known: ",
    "predictor.flop.sign=1": "predictor.flop.sign: must be a known key (got predictor.flop.sign=1); did you mean "
    "predictor.flops?",
    "~train.bach": "~train.bach: must be a known key (got ~train.bach); did you mean ~train.batch?; known: ",
    "dataset=digit": "dataset: must be one of birds, cifar10, ",
    "experiment=zero_cst": "experiment: must be one of accuracy_from_weights, capacitance_ablation, ",
    "dataset=null": "dataset: must be one of birds, cifar10, ",
    "train=3": "train: must be one of birds, brief, ",
    "hydra/launcher=nope": "hydra/launcher: must be one of basic",
    "fit_on=[3]": "fit_on: must be a list of networks, ",
    "signal=x": "signal: must be settings with a _target_, or null (got x)",
    "named=3": "named: must be ",
    "dataset._target_=os.system": "dataset._target_: must be a class whose settings are the fields of a dataclass ",
    "architectures=1": "architectures: must be at least 2 (or null: all) (got 1)",
    "seed=99999999999999999999": "seed: must be an integer of at most 63 bits ",
}
"""Arguments of a run, and how the one line begins that refuses them."""

SWEEPS = {
    "seed=0,x": "seed: must be a value of type int (got 'x')",
    "architectures=10,1": "architectures: must be at least 2 (or null: all) (got 1)",
    "train.batch=32,0": "train.batch: must be at least 1 (got 0)",
    "predictor=[flops],[nope]": "predictor: must be one of ",
    "results=a,${HOME}": "results: must be a value that is known ",
    "hydra.sweep.dir=${nope}": "hydra.sweep.dir: must be a value that is known ",
}


def refused(done: tuple[int, str, str], line: str) -> None:
    code, out, err = done
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {line}"), err
    assert err.count("\n") == 1 and err.endswith("\n") and ": must be " in err


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("NOPE", raising=False)


@pytest.mark.parametrize(("argument", "line"), list(RUN.items()), ids=lambda text: ascii(text)[:40])
def test_a_wrong_argument_of_a_run_is_one_line_and_nothing_is_made(call, argument: str, line: str) -> None:
    refused(call(*FEW, argument), line)
    assert os.listdir() == []


@pytest.mark.parametrize(("argument", "line"), list(SWEEPS.items()), ids=lambda text: text[:40])
def test_a_wrong_value_of_a_sweep_is_refused_before_its_first_job(call, argument: str, line: str) -> None:
    refused(call("-m", *FEW, argument), line)
    assert os.listdir() == []


def test_a_bad_combination_of_values_is_refused_before_the_first_job_of_a_sweep(call) -> None:
    both = ("train.schedule_epochs=null,4", "train.schedule_steps=null,64", "seed=0,1")
    done = call("-m", *FEW, *both)
    refused(done, "train.schedule_epochs, train.schedule_steps: must be at most one of the two ")
    assert done[2].endswith("; in the job train.schedule_epochs=4 train.schedule_steps=64 seed=0\n")
    assert os.listdir() == []


def test_the_nearest_name_and_the_extra_are_told(call) -> None:
    assert "(got 'digit'); did you mean digits?" in call(*FEW, "dataset=digit")[2]
    assert "(got 'flop'); did you mean flops?" in call(FEW[0], "predictor=[flop]")[2]
    assert "pip install -e '.[sweeps]'" in call("-m", *FEW, "hydra/launcher=nope")[2]
    assert "did you mean" not in call(*FEW, "dataset=mine")[2]


def test_a_sweep_over_a_data_set_without_images_is_refused_before_its_first_job(call) -> None:
    code, out, err = call("-m", *FEW, "dataset=digits,fashion_mnist")
    assert (code, out) == (2, "") and err.startswith("error: data: missing files ") and err.count("\n") == 1


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("out=${oc.env:NOPE}", "out: must be a value that is known "),
        ("architectures=0", "architectures: must be at least 1 (or null: all) (got 0)"),
        ("dataset.name=my/birds", "dataset.name: must be at most "),
        (f"out={LONG}", "out: must be a path whose names have at most 255 bytes"),
        (f"results={LONG}", "results: must be a path whose names have at most 255 bytes"),
    ],
)  # fmt: skip
def test_a_wrong_argument_of_tabulate_is_one_line(call, argument: str, line: str) -> None:
    refused(call("+bench=nasbench201", argument, task=tabulate, config="tabulate"), line)


@pytest.mark.parametrize(("argument", "line"), [(LONG, "results: must be a folder "), ("a\nb", "results: must be ")])
def test_a_wrong_folder_of_results_is_one_line(capsys, argument: str, line: str) -> None:
    code = report([argument])
    refused((code, *capsys.readouterr()), line)


def test_a_misspelt_data_set_is_told_the_nearest(capsys) -> None:
    code = data(["check", "cifar1O"])
    captured = capsys.readouterr()
    refused((code, *captured), "NAME: must be one of ")
    assert captured.err.endswith("; did you mean cifar10?\n")


@pytest.mark.parametrize(
    ("option", "value", "line"),
    [
        ("--architecture", "15625", "--architecture: must be one of the official indices 0 to 15,624 (got 15625)"),
        ("--architecture", "|nor_conv~0|", "--architecture: must be an architecture of nasbench201, e.g. |nor_"),
        ("--seed", "-1", "--seed: must be a recorded seed, e.g. 777"),
    ],
)  # fmt: skip
def test_a_mistyped_query_is_not_the_fault_of_the_source(capsys, tmp_path, option: str, value: str, line: str) -> None:
    asked = {"--dataset": "cifar100", "--architecture": "0", "--split": "test", "--data": str(tmp_path)} | {
        option: value
    }
    code = data(["query", "nasbench201", *(f"{key}={given}" for key, given in asked.items())])
    refused((code, *capsys.readouterr()), line)
