"""A sweep whose jobs Slurm runs: one that is cancelled ends no other, one that is requeued is no failure."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.sweep.job_files import JobResult, read_jobs, record_job
from harness.sweep.launch import Sweep, finish_sweep
from harness.sweep.slurm_jobs import SlurmJobs, slurm_jobs, watch_without_sacct

errors = pytest.importorskip("submitit").core.utils
SlurmJob = pytest.importorskip("submitit").SlurmJob


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sweep.json").write_text('{"command": "x", "jobs": 3}')
    return tmp_path


def write(folder: Path, number: int, state: str, code: int) -> None:
    place = folder / str(number)
    place.mkdir(exist_ok=True)
    about = {"number": number, "overrides": [], "state": state, "code": code, "reason": "", "folder": None}
    (place / "job.json").write_text(json.dumps(about))
    (place / "config.yaml").write_text("seed: 0\n")


class Jobs(SlurmJobs):
    """Job 1 still runs when job 0 was cancelled, and job 2 has not begun: both end while they are waited for."""

    def wait(self) -> None:
        write(self.folder, 1, "complete", 0)
        write(self.folder, 2, "complete", 0)


class Gathered(Sweep):
    """Says which states it gathers."""

    def gather(self) -> None:
        print([job.state for job in read_jobs(self.folder)])


def stopped_by(folder: Path, error: BaseException) -> int:
    def run(only: object) -> None:
        write(folder, 0, "started", 3)
        write(folder, 1, "started", 3)
        raise error

    return finish_sweep(run, Gathered(folder, None, (), 3, Jobs(folder, folder / "sweep.json")))


@pytest.fixture(autouse=True)
def _accounts(monkeypatch) -> None:
    monkeypatch.setattr("harness.sweep.launch.watch_without_sacct", lambda: None)


def test_the_others_are_waited_for_before_gathering_and_the_cancelled_one_is_named_with_code_3(folder, capsys) -> None:
    assert stopped_by(folder, errors.UncompletedJobError("no output")) == 3
    said = capsys.readouterr()
    assert said.out == "['failed', 'complete', 'complete']\n"
    assert said.err == "failed job 0: cancelled or killed by Slurm\n"


def test_a_mistake_of_the_program_is_raised_when_the_others_have_ended(folder, capsys) -> None:
    with pytest.raises(errors.FailedJobError):
        stopped_by(folder, errors.FailedJobError("trace"))
    assert capsys.readouterr().out == "['failed', 'complete', 'complete']\n"


def test_an_interrupt_says_how_to_end_what_slurm_continues_with(folder, capsys) -> None:
    for name in ("7_0", "7_1", "9"):
        (folder / ".submitit" / name).mkdir(parents=True)
        (folder / ".submitit" / name / f"{name}_submitted.pkl").touch()
    with pytest.raises(KeyboardInterrupt):
        stopped_by(folder, KeyboardInterrupt())
    assert capsys.readouterr().err == "Slurm continues with the jobs; to end them: scancel 7 9\n"


def test_jobs_of_an_earlier_sweep_in_the_same_folder_are_not_waited_for(folder) -> None:
    for name, age in (("7_0", 100), ("8_0", -100)):
        path = folder / f"{name}_submitted.pkl"
        path.touch()
        begun = (folder / "sweep.json").stat().st_mtime
        os.utime(path, (begun - age, begun - age))
    assert SlurmJobs(folder, folder / "sweep.json").numbers() == ["8"]


def test_the_folder_in_the_name_of_no_job_goes_and_one_with_files_stays(folder) -> None:
    (folder / "%j").mkdir()
    SlurmJobs(folder, folder / "sweep.json").tidy()
    assert not (folder / "%j").exists()
    (folder / "%j").mkdir()
    (folder / "%j" / "x").touch()
    SlurmJobs(folder, folder / "sweep.json").tidy()
    assert (folder / "%j" / "x").exists()


def test_only_the_launcher_of_slurm_has_such_jobs(folder) -> None:
    target = "hydra_plugins.hydra_submitit_launcher.submitit_launcher"
    launcher = {"_target_": f"{target}.SlurmLauncher", "submitit_folder": f"{folder}/.submitit/%j"}
    assert slurm_jobs(launcher, folder) == SlurmJobs(folder / ".submitit", folder / "sweep.json")
    assert slurm_jobs(launcher | {"_target_": f"{target}.LocalLauncher"}, folder) is None


def test_a_job_that_is_requeued_is_not_a_failed_one(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")

    def preempted() -> JobResult:
        raise SystemExit(-1)  # submitit's handler of USR2, when it has asked Slurm to queue the job again

    with pytest.raises(SystemExit):
        record_job(tmp_path, 0, [], "seed: 0\n", preempted)
    assert json.loads((tmp_path / "job.json").read_text())["state"] == "started"
    assert record_job(tmp_path, 0, [], "seed: 0\n", lambda: JobResult(0)).code == 0
    assert json.loads((tmp_path / "job.json").read_text())["state"] == "complete"


def test_without_accounts_one_line_says_what_is_asked_instead(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(SlurmJob, "watcher", SlurmJob.watcher)
    monkeypatch.setenv("PATH", str(tmp_path))
    watch_without_sacct()
    (tmp_path / "sacct").write_text("#!/bin/sh\necho disabled >&2\nexit 1\n")
    (tmp_path / "sacct").chmod(0o755)
    watch_without_sacct()
    (tmp_path / "sacct").write_text("#!/bin/sh\nexit 0\n")
    watch_without_sacct()
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("sacct does not answer (") and "No such file" in first
    assert second == "sacct does not answer (disabled): states of jobs are read from squeue"
