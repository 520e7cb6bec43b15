"""The flags of Hydra's command line: they work, or one line says what to do instead."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from harness import __version__
from harness.__main__ import main as console_command
from harness.cli.arguments import parse_arguments

FEW = ("+bench=nasbench201", "measure=[]", "predictor=[flops]")


def test_flags_and_overrides_may_come_in_any_order() -> None:
    assert parse_arguments(["a=1", "-m", "b=2"]) == parse_arguments(["-m", "a=1", "b=2"])
    given = parse_arguments(["a=1", "-c", "all", "-p", "bench", "--resolve", "~b"])
    assert given.overrides == ("a=1", "~b") and (given.show, given.package, given.resolve) == ("all", "bench", True)
    assert parse_arguments(["-i"]).info == "all" and parse_arguments(["--info", "searchpath"]).info == "searchpath"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["-cn", "mine"], "--config-name: must be left out (got 'mine'); put the settings in FOLDER/exp"),
        (["--config-name=mine"], "--config-name: must be left out (got 'mine'); "),
        (["-cp", "conf"], "--config-path: must be left out (got 'conf'); "),
        (["--hydra-help"], "--hydra-help: must be left out (got True); --help lists the settings"),
        (["--experimental-rerun", "x"], "--experimental-rerun: must be left out (got 'x'); "),
        (["--config-dir", "nowhere"], "--config-dir: must be a folder (got 'nowhere')"),
        (["-p", "bench"], "--package: must be used with --cfg (got 'bench')"),
        (["--resolve"], "--resolve: must be used with --cfg or --help (got '--resolve')"),
        (["-m", "--info"], "--info: must be given alone (got '-m --info')"),
        (["--nonsense"], "arguments: must be flags and KEY=VALUE (got an error: unrecognized arguments: --nonsense)"),
        (["--cfg", "nonsense"], "arguments: must be flags and KEY=VALUE (got an error: argument --cfg/-c: invalid"),
        (["--cfg", "job", "-p", "nope"], "--package: must be a part of the configuration, e.g. one of "),
        (["-sc", "nonsense"], "--shell-completion: must be install=SHELL, uninstall=SHELL or query=SHELL"),
        (["hydra.searchpath=3", "--config-dir", "."], "hydra.searchpath: must be a list (got 3)"),
    ],
)  # fmt: skip
def test_what_is_not_to_be_is_one_line_and_exit_code_2(call, arguments: list[str], line: str) -> None:
    code, out, err = call("+bench=nasbench201", *arguments)
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert err.startswith(f"error: {line}"), err


def test_a_folder_of_ones_own_adds_choices_to_every_group(call, tmp_path: Path) -> None:
    for group in ("predictor", "experiment", "bench"):
        (tmp_path / "it's mine" / group).mkdir(parents=True)
    read = "_target_: harness.predictors.last_value.LastValue\ncolumn: valid_loss\nsign: -1\nfamily: mine\n"
    (tmp_path / "it's mine" / "predictor" / "mine.yaml").write_text("mine:\n  " + read.replace("\n", "\n  ").rstrip())
    (tmp_path / "it's mine" / "experiment" / "short.yaml").write_text("# @package _global_\nseed: 7\n")
    folder = ("--config-dir", str(tmp_path / "it's mine"))
    code, out, _ = call("+bench=nasbench201", *folder, "experiment=short", "--cfg", "job")
    config = yaml.safe_load(out)
    assert code == 0 and config["seed"] == 7 and "mine" in config["predictor"]
    _, out, _ = call(*folder, "--help")
    assert "experiment: accuracy_from_weights" in out and "short" in out


def test_help_explains_a_key_with_its_value_and_its_unit(call) -> None:
    lines = [" ".join(line.split()) for line in call("train.batch=64", "--help")[1].splitlines()]
    assert "batch: 64 images an update" in lines
    assert "watch: [valid] splits whose loss and accuracy are followed: valid, test" in lines


def test_the_configuration_is_shown_whole_in_part_and_resolved(call) -> None:
    assert yaml.safe_load(call(*FEW, "--cfg", "job")[1])["train"]["batch"]
    assert set(yaml.safe_load(call(*FEW, "--cfg", "hydra")[1])) == {"hydra"}
    assert {"hydra", "bench"} <= set(yaml.safe_load(call(*FEW, "--cfg", "all")[1]))
    code, out, _ = call(*FEW, "--cfg", "job", "-p", "bench")
    assert code == 0 and out.startswith("# @package bench\n") and yaml.safe_load(out)["name"] == "nasbench201"
    assert call(*FEW, "--cfg", "job", "-p", "bench.name")[1] == "nasbench201\n"
    assert call(*FEW, "--cfg", "hydra", "-p", "hydra.sweep.dir", "--resolve")[1].startswith("results/sweeps/")
    code, _, err = call(*FEW, "+results_of=${nowhere}", "--cfg", "job", "--resolve")
    assert code == 2 and err.startswith("error: --resolve: must be used where every value is known (got ")


def test_information_on_hydra_is_printed(call) -> None:
    code, out, _ = call(*FEW, "--info", "searchpath")
    assert code == 0 and "pkg://hydra.conf" in out


def test_the_shell_completes_names_of_groups(call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_LINE", "harness dataset=fash")
    monkeypatch.setenv("COMP_POINT", "20")
    code, out, _ = call("-sc", "query=bash")
    assert code == 0 and "dataset=fashion_mnist" in out


def test_a_run_changes_no_argument_of_the_process(call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["program", "untouched"])
    call(*FEW, "architectures=1")
    call("-m", *FEW, "architectures=1", "hydra.sweep.subdir=x")
    assert sys.argv == ["program", "untouched"]


def test_the_console_command_has_the_version_and_every_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    assert console_command(["--version"]) == 0
    assert capsys.readouterr().out == f"harness {__version__}\n"
    assert console_command(["report", "nowhere"]) == 2
    assert capsys.readouterr().err.startswith("error: results: ")
    assert console_command(["data", "check", "nonsense"]) == 2
    assert capsys.readouterr().err.startswith("error: NAME: must be one of ")
    assert console_command(["tabulate", "bench=nasbench201"]) == 2
    assert capsys.readouterr().err.startswith("error: bench: must be +bench=NAME, with the plus")
    assert console_command([]) == 2
    assert capsys.readouterr().err.startswith("error: bench: must be +bench=NAME (got none)")
