"""Letters that the terminal has not, a reader that has gone, files of the working folder: what a process does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from harness.__main__ import main
from harness.cli.report import main as report
from harness.cli.terminal import FIRST_WORD, first_word, plain_letters, print_error, run_command

ROOT = Path(__file__).parents[2]

SMALL = ["+bench=nasbench201", "architectures=4", "train.epochs=null", "train.steps=2", "train.observe_every=2",
         "engine.workers=1", "measure=[]", "predictor=[flops,valacc]", "report.figures=[]"]  # fmt: skip


def finished(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The command `words`, carried out by Python in `folder`."""
    variables = os.environ | {"PYTHONPATH": str(ROOT), "HARNESS_OFFLINE": "1"} | environment
    return subprocess.run([sys.executable, *words], capture_output=True, env=variables, cwd=folder)


def test_greek_and_accented_letters_and_signs_become_ascii() -> None:
    assert plain_letters("Δτ −.05 [−.10, .02] · β_eff ≤ ½ …") == "Delta-tau -.05 [-.10, .02] - beta_eff <= 1/2 ..."
    assert plain_letters("é ⌈ ━ │") == "e \\u2308 - |"
    assert plain_letters("plain") == "plain"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb\r\x1b[31m\u202ec\u2028", "a\\nb\\r\\x1b[31m\\u202ec\\u2028"),
        ("β_eff é", "β_eff é"),
        ("\udcff", "\\udcff"),
    ],
)
def test_an_error_stays_on_its_line_whatever_a_name_holds(name: str, shown: str, capsys) -> None:
    print_error(name)
    assert capsys.readouterr().err == f"error: {shown}\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "latin-1"},
        pytest.param({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, marks=pytest.mark.real),
    ],
)  # fmt: skip
def test_a_terminal_without_greek_letters_gets_plain_ones_and_files_of_the_working_folder_replace_no_module(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "profile.py").write_text("raise SystemExit('the profile of a user')")
    (tmp_path / "harness").mkdir()  # a folder of results, say
    (tmp_path / "harness" / "notes.txt").touch()
    (tmp_path / "harness" / "__init__.py").write_text("raise SystemExit('the harness of a user')")
    command = "import sys; from harness.__main__ import command; sys.exit(command())"  # of the script `harness`
    done = finished(tmp_path, "-P", "-c", command, *SMALL, "engine.workers=2", **environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Kendall tau" in done.stdout and b"Delta-tau" in done.stdout


@pytest.mark.slow
def test_a_report_is_written_where_the_terminal_has_no_greek_letters(
    make: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(make(n=8, k=2), tmp_path / "β_eff")
    with open(sys.stdout.fileno(), "w", encoding="latin-1", closefd=False) as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        assert run_command(report, ["β_eff", "arch=best"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"reports/nasbench201-digits/beta_eff/architectures/")


@pytest.mark.parametrize("module", ["harness", "harness.report", "harness.data", "harness.tabulate"])
def test_a_reader_that_has_gone_is_no_error(module: str, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", module, "--help"], stdout=writer, stderr=subprocess.PIPE,
                          env=variables, cwd=tmp_path)  # fmt: skip
    os.close(writer)
    assert done.returncode in (0, 141) and done.stderr == b""  # 0: argparse itself ignores it


class Terminal(StringIO):
    """A stream that a person sees."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "said"), [(Terminal, True), (StringIO, False)])
def test_a_first_word_stands_in_a_terminal_while_settings_are_checked_and_nowhere_else(
    stream: type[StringIO], said: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    err = stream()
    monkeypatch.setattr(sys, "stderr", err)
    with first_word():
        assert err.getvalue() == (FIRST_WORD if said else "")
    assert err.getvalue() == (f"{FIRST_WORD}\r{' ' * len(FIRST_WORD)}\r" if said else "")


def test_a_word_that_is_nearly_a_subcommand_is_refused_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reprot", "x"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: reprot: must be KEY=VALUE or one of tabulate, report, ") and err.count("\n") == 1
    assert err.endswith("(got 'reprot'); did you mean report?\n")
