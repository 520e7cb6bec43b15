"""A sweep: its folder, what each job records in it, and what is printed and gathered when the last job has ended."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import prod
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from harness.config.composition import tries_all
from harness.files.paths import demand_folder
from harness.processes.signals import Terminated, WorkerKilled
from harness.processes.watch import end_with_parent
from harness.schema import demand
from harness.storage.files import write_json
from harness.sweep.job_files import UNFINISHED, JobResult, is_sweep, job_files_in, read_jobs, record_job, record_killed
from harness.sweep.slurm_jobs import SlurmJobs, is_lost, slurm_jobs, watch_without_sacct

SUBDIR = "${hydra.job.num}"
"""A job's folder in that of its sweep is its number."""


@dataclass(frozen=True)
class Sweep:
    """The folder of a sweep's jobs, that of its report (None: it has none), and the keys that are swept.

    `jobs` is their number, None where the sweeper decides it; `slurm` are those that Slurm runs.
    """

    folder: Path
    report: Path | None
    keys: tuple[str, ...]
    jobs: int | None = None
    slurm: SlurmJobs | None = None

    def gather(self) -> None:
        """Write and print the tables and the page of all jobs so far."""
        if self.report is not None:
            from harness.report.index import write_index
            from harness.sweep.gather import write_gathered_report

            page = write_gathered_report([self.folder], self.report)
            write_index(self.report.parents[1])
            print(f"tables {self.folder}\nreport {page}")


def prepare_sweep(config: DictConfig, values: Mapping[str, int], given: bool, command: Sequence[str]) -> Sweep:
    """The sweep that `config` (Hydra's own part included) describes; its folder is made, with sweep.json in it.

    `values` is the number of values of each swept key; `given`: the user named the folder. Raises BadInput where
    hydra.sweep.subdir is not the job's number, by which job folders are found, or where `make_sweep_folder` does.
    """
    subdir = str(OmegaConf.to_container(config.hydra.sweep, resolve=False)["subdir"])  # type: ignore[call-overload,index]
    demand(subdir == SUBDIR, "hydra.sweep.subdir", SUBDIR, subdir)
    folder = make_sweep_folder(Path(config.hydra.sweep.dir), given)
    jobs = prod(values.values()) if tries_all(config) else None  # another sweeper decides that itself
    write_json(folder / "sweep.json", {"command": f"python -m harness {shlex.join(command)}", "jobs": jobs})
    drawn = "reports" in config and config.get("stage", "all") == "all"
    report = Path(config.reports) / "sweeps" / folder.resolve().name if drawn else None
    return Sweep(folder, report, tuple(values), jobs, slurm_jobs(dict(config.hydra.launcher), folder))


def make_sweep_folder(wanted: Path, given: bool) -> Path:
    """The folder of a sweep, made.

    If the user has `given` the folder it is `wanted` itself, and job files of an earlier sweep in it are deleted.
    Otherwise it is a folder of its own: a sweep that began in the same second has the name with "-2". Raises BadInput
    where `wanted` cannot be a folder, or holds numbered job files without being the folder of a sweep.
    """
    demand_folder("hydra.sweep.dir", wanted)
    if given:
        others = [str(file) for file in job_files_in(wanted) if not is_sweep(wanted)]
        demand(not others, "hydra.sweep.dir", "a folder without the jobs of another program", ", ".join(others[:1]))
        wanted.mkdir(parents=True, exist_ok=True)
        for file in job_files_in(wanted):
            file.unlink()
        return wanted
    for number in count(1):
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        break
    return folder


@dataclass(frozen=True)
class SweepJob:
    """What Hydra calls with the composed configuration of each job; a launcher may carry it to another process.

    `only` are the numbers of the jobs that are carried out (None: all), `launcher` is the process that started it all.
    """

    task: Callable[[DictConfig], JobResult]
    keys: Collection[str]
    only: frozenset[int] | None = None
    launcher: int = field(default_factory=os.getpid)

    def __call__(self, config: DictConfig) -> JobResult:
        """How the task ended; recorded in the job's folder."""
        if os.getppid() == self.launcher:
            end_with_parent(self.launcher)
        if self.only is not None and int(HydraConfig.get().job.num) not in self.only:
            return JobResult(0)
        return run_sweep_job(config, self.task, self.keys)


def run_sweep_job(config: DictConfig, task: Callable[[DictConfig], JobResult], keys: Collection[str]) -> JobResult:
    """How `task` ended on the composed `config` of one job; recorded in the job's folder.

    The first line printed names the job by its number and by the values of the swept `keys`.
    """
    hydra = HydraConfig.get()
    folder, overrides = Path(hydra.runtime.output_dir), list(hydra.overrides.task)
    own = [text for text in overrides if text.lstrip("+~").partition("=")[0] in keys]
    print(f"job {hydra.job.num}: {' '.join(own)}", flush=True)
    text = OmegaConf.to_yaml(config, resolve=True)
    return record_job(folder, int(hydra.job.num), overrides, text, lambda: task(config))


Run = Callable[[frozenset[int] | None], object]
"""Runs the jobs of a sweep of these numbers, None: all."""


def finish_sweep(run: Run, sweep: Sweep) -> int:
    """Run all jobs by `run`; the exit code is the highest of the jobs' codes, read from their files.

    A job that was killed or never started counts as 3. If `run` raises an exception, the sweep is gathered if any job
    has a file, and each job that is not complete gets one line on stderr; the exception is then passed on. An interrupt
    or a signal ends the sweep at once: `harness report FOLDER` gathers it.
    """
    code, interrupted = 0, False
    try:
        _run_jobs(run, sweep)
    except (KeyboardInterrupt, Terminated):
        interrupted = True
        raise
    finally:
        if not interrupted and job_files_in(sweep.folder):
            sweep.gather()
            code = _print_incomplete(sweep.folder)
    return code


def _run_jobs(run: Run, sweep: Sweep) -> None:
    """Run all jobs; where the process of one is killed, the others still.

    joblib then kills every process of the launcher's pool. The jobs that had begun are run again one at a time, which
    shows whose process is killed, and the remaining ones after that.
    """
    if sweep.slurm is not None:
        _run_by_slurm(run, sweep, sweep.slurm)
        return
    killed = _killed(run, None)
    while killed:
        if sweep.jobs is None:
            raise WorkerKilled(killed)
        print(f"{killed}; repeating the jobs that were interrupted, one at a time", file=sys.stderr)
        for number in _numbers(sweep, "unfinished"):
            reason = _killed(run, frozenset({number}))
            if reason:
                record_killed(sweep.folder / str(number), reason)
        waiting = set(range(sweep.jobs)) - _numbers(sweep)
        killed = _killed(run, frozenset(waiting)) if waiting else None
        if killed and not _numbers(sweep) & waiting:  # no job can begin
            raise WorkerKilled(killed)


def _run_by_slurm(run: Run, sweep: Sweep, jobs: SlurmJobs) -> None:
    """Run all jobs; where one is cancelled or fails, wait for the others, which Slurm still runs."""
    watch_without_sacct()
    try:
        run(None)
    except RuntimeError as error:
        jobs.wait()
        for number in _numbers(sweep, "unfinished"):
            record_killed(sweep.folder / str(number), "cancelled or killed by Slurm")
        if not is_lost(error):
            raise
    except (KeyboardInterrupt, Terminated):
        print(f"Slurm continues with the jobs; to end them: scancel {' '.join(jobs.numbers())}", file=sys.stderr)
        raise
    finally:
        jobs.tidy()


def _numbers(sweep: Sweep, state: str | None = None) -> set[int]:
    """Numbers of the jobs that have begun, or of those in a state."""
    files = job_files_in(sweep.folder)
    return {job.number for job in (read_jobs(sweep.folder) if files else ()) if state in (None, job.state)}


def _killed(run: Run, only: frozenset[int] | None) -> str | None:
    """Run these jobs; why a process of the launcher's pool was killed, None where none was."""
    try:
        run(only)
    except RuntimeError as error:
        if "joblib" not in sys.modules:
            raise
        from harness.processes.pool import killed_reason

        reason = killed_reason(error)
        if reason is None:
            raise
        return reason
    return None


def _print_incomplete(folder: Path) -> int:
    """Print a line for each job that is not complete; the highest exit code."""
    jobs = read_jobs(folder)
    for each in jobs:
        if each.state != "complete":
            print(f"{each.state} job {each.number}: {each.reason}", file=sys.stderr)
    asked = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))["jobs"] or 0
    missing = asked - len(jobs)
    if missing > 0:
        print(f"never started: {missing} of {asked} jobs", file=sys.stderr)
    return max([each.code for each in jobs] + [UNFINISHED] * (missing > 0))
