"""Pools: a killed worker costs its own task alone, and no worker outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.processes.killed import Killed
from harness.processes.pool import as_completed, end_workers, in_processes
from harness.processes.signals import WorkerKilled

POOL = """
import time, os, sys
from harness.processes.pool import as_completed
def note(path):
    open(path, "w").write(str(os.getpid()))
    time.sleep(600)
list(as_completed(note, sys.argv[1:], 2))
"""


def dies_of_three(task: int) -> int:
    if task == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return task * task


@pytest.fixture(autouse=True)
def _no_workers_left():
    yield
    end_workers()


def test_a_killed_worker_costs_its_own_task_alone_and_says_so(capsys) -> None:
    found = dict(as_completed(dies_of_three, range(8), 2))
    killed = found.pop(3)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("worker process killed (SIGKILL(-9)); it may have run out of memory; repeating")
    assert isinstance(killed, Killed) and killed.reason.startswith("worker process killed (SIGKILL(-9))")
    assert found == {task: task * task for task in range(8) if task != 3}


def test_results_that_are_all_needed_are_refused_in_one_line_where_a_worker_dies_twice() -> None:
    assert in_processes(dies_of_three, [2, 1], 2) == [4, 1]
    with pytest.raises(WorkerKilled, match=r"^worker process killed \(.*\); it may have run out of memory$"):
        in_processes(dies_of_three, [3, 1], 2)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_workers_end_within_seconds_after_their_parent(tmp_path: Path, number: int) -> None:
    notes = [tmp_path / "a", tmp_path / "b"]
    parent = subprocess.Popen([sys.executable, "-c", POOL, *map(str, notes)], start_new_session=True)
    _wait(lambda: all(note.exists() and note.read_text() for note in notes))
    os.kill(parent.pid, number)
    parent.wait()
    _wait(lambda: not any(_is_alive(int(note.read_text())) for note in notes), 10.0)


def test_a_signal_of_the_terminal_does_not_reach_the_workers(tmp_path: Path) -> None:
    for mask in in_processes(blocked, [0, 1], 2):
        assert {int(signal.SIGINT), int(signal.SIGHUP)} <= mask
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())


def blocked(_: int) -> set[int]:
    return {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())}


def _is_alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def _wait(holds, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
