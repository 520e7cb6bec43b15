"""What a command imports before it needs it: nothing that takes long, for its help and for what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

HEAVY = {"torch", "scipy", "sklearn", "lightgbm", "pandas", "matplotlib", "seaborn", "networkx"}
"""Packages that take a fifth of a second or more each."""

LIGHT = {*HEAVY, "pyarrow", "joblib", "pooch", "requests", "PIL", "jinja2", "nats_bench"}
"""Packages that help and a misspelt name can do without, too."""

RUN = ("harness", "+bench=nasbench201")

CODE = """
import contextlib, io, json, runpy, sys, warnings
warnings.filterwarnings("ignore", message=".*found in sys.modules")  # run twice here
path = sys.path[:]
for command in json.loads(sys.argv[1]):
    sys.path[:] = path  # a command searches its working folder last, or not at all
    out, err, code = io.StringIO(), io.StringIO(), 0
    module, *sys.argv[1:] = command
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = end.code or 0
    print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules}), err.getvalue()]))
"""


def said(commands: Sequence[Sequence[str]]) -> list[tuple[int, set[str], str]]:
    """Exit code, packages that are imported by then, and stderr of commands that one process carries out in turn."""
    root = str(Path(__file__).parents[2])  # of tools, which is no part of the package
    environment = os.environ | {"HARNESS_OFFLINE": "1", "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(commands)],
        capture_output=True, text=True, env=environment, check=True,
    )  # fmt: skip
    return [(code, set(found), err) for code, found, err in map(json.loads, done.stdout.splitlines())]


def test_help_imports_nothing_heavy() -> None:
    modules = ("harness.data", "harness.report", "tools.readme", "harness", "harness.tabulate", "tools.catalogue")
    commands = [[module, "--help"] for module in modules] + [["harness", "compare", "--help"]]
    for command, (code, imported, err) in zip(commands, said(commands), strict=True):
        assert (command, code, imported & LIGHT, err) == (command, 0, set(), "")


@pytest.mark.slow
def test_a_name_that_is_not_there_is_refused_in_one_line_before_anything_heavy_is_imported() -> None:
    wanted = {
        ("harness", "bench.n=x"): "bench: must be +bench=NAME (got none)",
        ("harness", "+bench=nope"): "got 'nope'",
        (*RUN, "dataset=nope"): "got 'nope'",
        (*RUN, "bench.n=x"): "known: name, channels",
        (*RUN, "architectures"): "must be KEY=VALUE",
    }
    for (command, text), (code, imported, err) in zip(wanted.items(), said(list(wanted)), strict=True):
        assert (command, code, imported & LIGHT) == (command, 2, set())
        assert text in err and err.count("\n") == 1


@pytest.mark.slow
def test_a_value_that_cannot_be_is_refused_in_one_line_before_anything_heavy_is_imported(tmp_path) -> None:
    (tmp_path / "file").touch()
    commands = [
        (*RUN, "architectures=x"),
        (*RUN, f"reports={tmp_path / 'file'}"),
        (*RUN, f"results={tmp_path / 'file'}"),
        (*RUN, "report.dpi=1"),
        (*RUN, "bench.channels=x"),
        (*RUN, "dataset.train_images=x"),
        (*RUN, "train.batch=0"),
        (*RUN, "evaluate.level=2"),
        (*RUN, "engine.device=gpu"),
        ("harness.tabulate", "+bench=nasbench201", "train.watch=[valid]"),
        (*RUN, "dataset=cifar10", f"data={tmp_path / 'nothing'}"),
        ("harness.tabulate", "+bench=nasbench201", "dataset=cifar10", f"data={tmp_path / 'nothing'}"),
    ]
    for command, (code, imported, err) in zip(commands, said(commands), strict=True):
        assert (command, code, imported & HEAVY) == (command, 2, set())
        assert err.startswith(f"error: {command[-1].partition('=')[0]}: ") and err.count("\n") == 1


def test_a_plugin_with_a_wrong_setting_on_the_command_line_is_refused_without_torch() -> None:
    [(code, imported, err)] = said([(*RUN, "predictor.beta_eff.sign=x")])
    assert code == 2 and "torch" not in imported
    assert err.startswith("error: predictor.beta_eff.sign: ") and err.count("\n") == 1


@pytest.mark.slow
def test_scores_are_compared_without_torch(tmp_path) -> None:
    (tmp_path / "s.csv").write_text("architecture,a\nx,1\ny,2\nz,3\n")
    (tmp_path / "a.csv").write_text("architecture,accuracy\nx,90\ny,92\nz,91\n")
    command = ("harness", "compare", f"{tmp_path}/s.csv", f"{tmp_path}/a.csv", "--out", f"{tmp_path}/page")
    [(code, imported, err)] = said([command])
    assert (code, err, "torch" in imported) == (0, "", False)
    assert (tmp_path / "page" / "index.html").is_file()


@pytest.mark.parametrize("module", ["tools.readme", "tools.catalogue"])
def test_a_folder_that_is_no_run_is_refused_in_one_line(module: str, tmp_path) -> None:
    [(code, _, err)] = said([(module, str(tmp_path))])
    assert code == 2
    assert err == f"{module}: results: must be a folder with the tables of a run (got {str(tmp_path)!r})\n"
