"""How a command ends that does not end by itself: one line, a code, and nothing that was changed stays changed."""

from __future__ import annotations

import errno
import os
import signal

import pytest

from harness.cli.endings import carry_out
from harness.processes.signals import WorkerKilled
from harness.schema import BadInput

FULL = OSError(errno.ENOSPC, "No space left on device", "/x/index.html")


def raising(error: BaseException):
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (BadInput("seed: must be a count (got -1)"), 2, "error: seed: must be a count (got -1)"),
        (KeyboardInterrupt(), 130, "interrupted; re-run the same command to resume"),
        (FULL, 3, "error: cannot use /x/index.html: No space left on device; re-run the same command to resume"),
        (WorkerKilled("worker process killed (SIGKILL(-9))"), 3,
         "error: worker process killed (SIGKILL(-9)); re-run the same command to resume"),
    ],
    ids=["bad input", "interrupt", "full disk", "killed worker"],
)  # fmt: skip
def test_it_is_one_line_and_a_code(error: BaseException, code: int, line: str, capsys) -> None:
    assert carry_out(raising(error)) == code
    assert capsys.readouterr().err == f"{line}\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_is_one_line_and_128_with_its_number(number: signal.Signals, code: int, capsys) -> None:
    signal.signal(number, signal.SIG_DFL)  # the tests may have been started by nohup
    assert carry_out(lambda: os.kill(os.getpid(), number) or 0) == code
    assert capsys.readouterr().err == f"terminated by {number.name}; re-run the same command to resume\n"
    assert signal.getsignal(number) is signal.SIG_DFL


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        assert carry_out(lambda: os.kill(os.getpid(), signal.SIGHUP) or 0) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("error", [ZeroDivisionError(), FileNotFoundError(errno.ENOENT, "No such file", "x")])
def test_a_mistake_of_the_program_is_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        carry_out(raising(error))
