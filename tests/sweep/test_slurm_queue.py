"""A Slurm without accounts, by a stand-in for squeue: a cancelled job is not waited for without end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

submitit = pytest.importorskip("submitit")

from harness.sweep.launch import Sweep, finish_sweep  # noqa: E402
from harness.sweep.slurm_jobs import SlurmJobs, watch_without_sacct  # noqa: E402


class Queue:
    """The programs that a Slurm without a database has: sacct fails, squeue prints `lines` or fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._program("sacct", "echo Slurm accounting storage is disabled >&2; exit 1")

    def lists(self, *lines: str) -> None:
        (self.folder / "listed").write_text("".join(f"{line}\n" for line in lines))
        self._program("squeue", f'echo "$@" > {self.folder}/asked; cat {self.folder}/listed')

    def fails(self) -> None:
        self._program("squeue", "exit 1")

    @property
    def asked(self) -> str:
        return (self.folder / "asked").read_text()

    def _program(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(submitit.SlurmJob, "watcher", submitit.SlurmJob.watcher)
    monkeypatch.setattr(submitit.SlurmJob, "_results_timeout_s", 0)
    programs = Queue(folder)
    watch_without_sacct()
    return programs


def job(folder: Path, name: str) -> Any:
    (folder / f"{name}_submitted.pkl").touch()
    return submitit.SlurmJob(folder=folder, job_id=name)


def test_a_job_has_ended_that_squeue_lists_no_more_or_in_a_state_of_the_end(queue: Queue, tmp_path: Path) -> None:
    running = ("RUNNING", "PENDING", "CONFIGURING", "REQUEUE_HOLD", "SUSPENDED", "COMPLETING", "PREEMPTED")
    ended = ("CANCELLED", "TIMEOUT", "FAILED", "OUT_OF_MEMORY")
    states = [*running, *ended]
    jobs = [job(tmp_path, f"7_{place}") for place in range(len(states) + 1)]
    queue.lists(*(f"7_{place}|{state}" for place, state in enumerate(states)), "8|RUNNING")
    assert [each.done(force_check=True) for each in jobs] == [False] * len(running) + [True] * (len(ended) + 1)
    assert "--array" in queue.asked and "--states=all" in queue.asked and "%i|%T" in queue.asked


def test_nothing_is_concluded_while_squeue_fails(queue: Queue, tmp_path: Path) -> None:
    waited = job(tmp_path, "7_0")

    def ended() -> bool:
        waited.watcher.update()
        return waited.watcher.is_done(waited.job_id, mode="cache")

    queue.fails()
    assert not ended()
    queue.lists("7_0|RUNNING")
    assert not ended()
    queue.fails()
    assert not ended()
    queue.lists()
    assert ended()


class Gathered(Sweep):
    def gather(self) -> None:
        print("gathered")


def test_a_sweep_with_a_cancelled_job_ends_with_code_3_and_names_it(
    queue: Queue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = tmp_path / "sweep"
    (sweep / "0").mkdir(parents=True)
    (sweep / "sweep.json").write_text('{"command": "x", "jobs": 1}')
    about = {"number": 0, "overrides": [], "state": "started", "code": 3, "reason": "", "folder": None}
    (sweep / "0" / "job.json").write_text(json.dumps(about))
    (sweep / "0" / "config.yaml").write_text("seed: 0\n")
    queue.lists("9_0|RUNNING")

    def run(only: object) -> None:
        cancelled = job(sweep, "7_0")
        (sweep / "7_0_0_log.out").touch()
        cancelled.results()

    assert finish_sweep(run, Gathered(sweep, None, (), 1, SlurmJobs(sweep, sweep / "sweep.json"))) == 3
    said = capsys.readouterr()
    assert "failed job 0: cancelled or killed by Slurm" in said.err and said.out == "gathered\n"
    assert "sacct does not answer" in said.err and "squeue" in said.err
