"""Pools: a killed worker costs its own task alone, and no worker outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.processes.killed import Killed
from harness.processes.pool import as_completed, end_workers, in_processes
from harness.processes.signals import WorkerKilled
from harness.processes.workers import OneMachine, idle_workers

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


def once_killed(task: tuple[int, str]) -> int:
    """Notes that it was begun; the first time that 3 is, its process is killed when all others' results are there."""
    number, folder = task
    begun = len(list(Path(folder).glob(f"{number}-*")))
    (Path(folder) / f"{number}-{begun}").touch()
    if number == 3 and not begun:
        _wait((Path(folder) / "others").exists)
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_of_results_that_are_all_needed_a_new_pool_makes_what_is_missing(tmp_path: Path, capsys) -> None:
    seen: list[tuple[int, int]] = []

    def note(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 5:
            (tmp_path / "others").touch()

    tasks = [(number, str(tmp_path)) for number in range(6)]
    assert in_processes(once_killed, tasks, 2, note) == list(range(6))
    assert sorted(path.name for path in tmp_path.glob("*-1")) == ["3-1"]
    assert seen == [(done, 6) for done in range(7)]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("; repeating what is missing in a new pool")


@pytest.mark.slow
def test_where_a_worker_dies_again_the_reason_is_given() -> None:
    with pytest.raises(WorkerKilled, match=r"^worker process killed \(SIGKILL\(-9\)\); it may have run out of memory$"):
        in_processes(dies_of_three, [3, 1], 2)


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_workers_end_within_seconds_after_their_parent(tmp_path: Path, number: int) -> None:
    notes = [tmp_path / "a", tmp_path / "b"]
    parent = subprocess.Popen([sys.executable, "-c", POOL, *map(str, notes)], start_new_session=True)
    _wait(lambda: all(note.exists() and note.read_text() for note in notes))
    os.kill(parent.pid, number)
    parent.wait()
    _wait(lambda: not any(_is_alive(int(note.read_text())) for note in notes))


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


def _wait(holds) -> None:
    end = time.monotonic() + 60.0
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def own_pid(task: int) -> int:
    time.sleep(0.05)
    return os.getpid()


@pytest.mark.slow
def test_released_workers_are_gone_and_the_next_tasks_have_new_ones() -> None:
    workers = OneMachine(2)
    first = set(workers.in_order(own_pid, range(8)))
    assert os.getpid() not in first
    workers.release()
    assert not any(psutil.pid_exists(pid) for pid in first)
    second = set(workers.in_order(own_pid, range(8)))
    assert second.isdisjoint({*first, os.getpid()})
    assert len(workers.in_order(own_pid, range(8))) == 8


def test_short_tasks_go_to_workers_that_are_there_and_start_none() -> None:
    assert idle_workers() == OneMachine(1)
    assert len(set(OneMachine(2).in_order(process_of, range(8)))) <= 2
    assert idle_workers() == OneMachine(2)
    end_workers()
    assert idle_workers() == OneMachine(1)


def process_of(task: int) -> int:
    return os.getpid()


SHARED = """
import sys
from functools import partial
import numpy as np
from harness.processes.pool import end_workers, in_processes
def total(array, task):
    sys.kept = array  # as a worker does that scores
    return float(array.sum()) + task
if __name__ == "__main__":
    print(in_processes(partial(total, np.ones(300_000)), range(4), 2))
    end_workers()
"""


def test_arrays_that_were_shared_with_killed_workers_are_deleted_without_a_word(tmp_path: Path) -> None:
    """Above 1 MB joblib shares them in files, whose number of readers killed workers do not count down."""
    (tmp_path / "shared.py").write_text(SHARED)
    environment = os.environ | {"JOBLIB_TEMP_FOLDER": str(tmp_path)}
    command = [sys.executable, "-m", "shared"]
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(command, env=environment | {"PYTHONPATH": path}, capture_output=True, text=True, check=True)
    assert done.stdout == f"{[300_000.0 + task for task in range(4)]}\n"
    assert done.stderr == "" and not list(tmp_path.glob("joblib_*"))
