"""A process for each place: several tasks at a time, replaced when it is lost, never left behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from harness.processes import places
from harness.processes.killed import Killed
from harness.processes.places import LOST, Lost, on_places
from harness.processes.pool import end_workers, guarded
from harness.processes.signals import WorkerKilled
from harness.schema import BadInput
from tests.noticed import Noticed


class Squares:
    """Holds up to `held` tasks, and gives their squares with the place and the process in reverse order."""

    def __init__(self, held: int = 3, bad: dict[int, str] | None = None, folder: Path | None = None) -> None:
        self.held, self.bad, self.folder = held, bad or {}, folder

    def __call__(self, place: str):
        if self.folder and place in self.bad.values():
            with open(self.folder / f"opened {place.replace(':', '')}", "a") as file:
                file.write("x")
            raise Lost("no such card")
        if self.folder:
            (self.folder / f"ready {os.getpid()}").write_text(place)
        return lambda inbox: self.work(place, inbox)

    def work(self, place, inbox):
        held: list[tuple[int, int]] = []
        while True:
            while len(held) < self.held and (task := inbox.take(not held)) is not None:
                held.append(task)
            if not held:
                return
            number, task = held.pop()
            self.suffer(self.bad.get(task, ""), number, task)
            yield number, (task * task, place, os.getpid())

    def suffer(self, kind: str, number: int, task: int) -> None:
        once = self.folder and self.folder / f"task {task}"
        if kind.startswith("once") and once:
            if once.exists():
                return
            once.write_text("")
        if kind.endswith("lost"):
            raise Lost("CUDA error: device-side assert triggered")
        if kind.endswith("killed"):
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "meets" and self.folder:
            (self.folder / f"met {os.getpid()}").write_text("")
            while len(list(self.folder.glob("met *"))) < 2:
                time.sleep(0.01)
        while kind == "outlasts" and self.folder and not (self.folder / "given up").exists():
            time.sleep(0.01)
        if kind == "refused":
            raise BadInput("measure: must be one head (got 2)")


@pytest.fixture(autouse=True)
def _no_process_left():
    yield
    left = [process for process in guarded if process.is_alive()]
    end_workers()
    assert not left


def test_each_task_has_its_result_and_every_place_its_own_process(tmp_path) -> None:
    squares = Squares(bad=dict.fromkeys(range(12), "meets"), folder=tmp_path)
    found = dict(on_places(squares, range(12), ["cuda:0", "cuda:1"], 3))
    assert {task: result[0] for task, result in found.items()} == {task: task * task for task in range(12)}
    processes = {(place, pid) for _, place, pid in found.values()}
    assert len(processes) == 2 == len({place for place, _ in processes}) and os.getpid() not in dict(processes).values()


def test_there_are_no_more_processes_than_tasks() -> None:
    assert [result[1] for _, result in on_places(Squares(), [5], ["a", "b", "c"], 4)] == ["a"]
    assert list(on_places(Squares(), [], ["a"], 4)) == []


def test_tasks_of_a_process_that_gives_itself_up_once_are_repeated_in_a_new_one(tmp_path, capsys) -> None:
    found = dict(on_places(Squares(bad={4: "once lost"}, folder=tmp_path), range(8), ["cuda:0"], 3))
    assert {task: result[0] for task, result in found.items()} == {task: task * task for task in range(8)}
    assert len({pid for _, _, pid in found.values()}) == 2
    assert capsys.readouterr().err == (
        "worker process of cuda:0 ended itself (CUDA error: device-side assert triggered); "
        "repeating what was interrupted, one at a time\n"
    )


def test_tasks_that_a_process_is_lost_to_twice_are_the_only_ones_that_fail(capsys) -> None:
    found = dict(on_places(Squares(bad={0: "lost", 5: "killed"}), range(8), ["cuda:0"], 4))
    ended = "worker process of cuda:0 ended itself (CUDA error: device-side assert triggered)"
    killed = "worker process of cuda:0 was killed (exit code -9)"
    assert (found.pop(0), found.pop(5)) == (Killed(ended), Killed(killed))
    assert {task: result[0] for task, result in found.items()} == {task: task * task for task in (1, 2, 3, 4, 6, 7)}
    lines = capsys.readouterr().err.splitlines()
    # whichever comes first interrupts the other, which may then be repeated alone and have no line of its own
    assert lines and set(lines) <= {f"{why}; repeating what was interrupted, one at a time" for why in (ended, killed)}


def test_a_place_that_never_becomes_ready_is_tried_twice_and_then_left_to_the_others(tmp_path, monkeypatch) -> None:
    said = Noticed("cuda:1 is not used any more", (tmp_path / "given up").touch)
    monkeypatch.setattr(sys, "stderr", said)
    started, start = [], places._Desk._start
    monkeypatch.setattr(places._Desk, "_start", lambda desk, place: (started.append(place), start(desk, place))[1])
    bad = {-1: "cuda:1", 0: "outlasts"}
    found = dict(on_places(Squares(bad=bad, folder=tmp_path), range(8), ["cuda:0", "cuda:1"], 1))
    assert {place for _, place, _ in found.values()} == {"cuda:0"} and len(found) == 8
    assert started == ["cuda:0", "cuda:1", "cuda:1"] and (tmp_path / "opened cuda1").read_text() == "xx"
    reason = "worker process of cuda:1 ended itself (no such card) twice before it could begin"
    assert said.getvalue() == f"{reason}; cuda:1 is not used any more\n"


def test_where_no_place_becomes_ready_the_command_ends_with_the_reason(tmp_path) -> None:
    with pytest.raises(
        WorkerKilled, match=r"^worker process of cuda:1 ended itself \(no such card\) twice before it could begin$"
    ):
        list(on_places(Squares(bad={-1: "cuda:1"}, folder=tmp_path), range(4), ["cuda:1"], 1))
    assert (tmp_path / "opened cuda1").read_text() == "xx"


def test_other_errors_are_raised_here_with_where_they_came_from() -> None:
    with pytest.raises(BadInput, match="one head") as raised:
        list(on_places(Squares(bad={2: "refused"}), range(4), ["cuda:0"], 2))
    assert "in the worker process of cuda:0" in raised.value.__notes__[0]


def test_processes_end_where_the_results_are_not_read_on(tmp_path) -> None:
    results = on_places(Squares(), range(100), ["a", "b"], 2)
    _, (_, _, pid) = next(results)
    results.close()
    assert not guarded
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


class Sleeping:
    """Work that never ends."""

    def __call__(self, place: str):
        def work(inbox):
            number, _ = inbox.take(True)
            yield number, os.getpid()
            time.sleep(600)

        return work


def test_whatever_they_do_they_are_killed_with_the_other_workers() -> None:
    results = on_places(Sleeping(), [1, 2], ["a"], 1)
    _, pid = next(results)
    assert guarded
    end_workers()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    results.close()
    assert LOST == 75
