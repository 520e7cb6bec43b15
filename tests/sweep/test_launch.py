"""A sweep of which the process of a job is killed continues with the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError

from harness.processes.signals import WorkerKilled
from harness.sweep.job_files import read_jobs
from harness.sweep.launch import Sweep, finish_sweep

DIED = TerminatedWorkerError("... The exit codes of the workers are {SIGKILL(-9)}")


class Launcher:
    """A pool of two processes that breaks whenever one of the jobs in `deadly` runs; `seen` lists what was run."""

    def __init__(self, folder: Path, jobs: int, deadly: set[int]) -> None:
        self.folder, self.jobs, self.deadly = folder, jobs, deadly
        self.seen: list[list[int]] = []

    def __call__(self, only: frozenset[int] | None) -> None:
        wanted = [number for number in range(self.jobs) if only is None or number in only]
        self.seen.append(wanted)
        for start in range(0, len(wanted), 2):
            pair = wanted[start : start + 2]
            for number in pair:
                self.write(number, "started", 3)
            if self.deadly & set(pair):
                raise DIED
            for number in pair:
                self.write(number, "complete", 0)

    def write(self, number: int, state: str, code: int) -> None:
        place = self.folder / str(number)
        place.mkdir(exist_ok=True)
        about = {"number": number, "overrides": [], "state": state, "code": code, "reason": "", "folder": None}
        (place / "job.json").write_text(json.dumps(about))
        (place / "config.yaml").write_text("seed: 0\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sweep.json").write_text('{"command": "x", "jobs": 5}')
    return tmp_path


def test_the_others_are_run_and_the_killed_one_is_named_with_code_3(folder: Path, capsys) -> None:
    launcher = Launcher(folder, 5, {1})
    assert finish_sweep(launcher, Sweep(folder, None, (), 5)) == 3
    assert {job.number: job.state for job in read_jobs(folder)} == {0: "complete", 1: "failed"} | dict.fromkeys(
        (2, 3, 4), "complete"
    )
    assert launcher.seen == [[0, 1, 2, 3, 4], [0], [1], [2, 3, 4]]
    line = "failed job 1: worker process killed (SIGKILL(-9)); it may have run out of memory\n"
    first, last = capsys.readouterr().err.splitlines(keepends=True)
    assert (
        first.startswith("worker process killed (SIGKILL(-9)); it may have run out of memory; repeating")
        and last == line
    )


def test_several_may_be_killed(folder: Path) -> None:
    assert finish_sweep(Launcher(folder, 5, {1, 2, 4}), Sweep(folder, None, (), 5)) == 3
    assert [job.state for job in read_jobs(folder)] == ["complete", "failed", "failed", "complete", "failed"]


def test_where_the_number_of_jobs_is_not_known_the_sweep_ends(folder: Path) -> None:
    with pytest.raises(WorkerKilled, match="SIGKILL"):
        finish_sweep(Launcher(folder, 5, {1}), Sweep(folder, None, ()))


def test_another_error_is_passed_on(folder: Path) -> None:
    def run(only: object) -> None:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        finish_sweep(run, Sweep(folder, None, (), 5))
