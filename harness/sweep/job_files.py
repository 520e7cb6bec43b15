"""The files by which each job of a sweep records its state.

Jobs may run in other processes or on other machines, and may be killed, so their state is kept in files alone:
`job.json` in the job's own folder holds "started" from the beginning, and how the job ended at the end. A job whose
file still holds "started" when it is read is unfinished. Hydra's own record (.hydra/, JobReturn) cannot replace it: its
files hold overrides and an unresolved configuration but no outcome, and JobReturn is lost with the launching process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.files.machine_errors import described, is_machine_error
from harness.files.paths import relative_path
from harness.processes.signals import WorkerKilled
from harness.schema import BadInput, demand
from harness.schema.documents import JOB, JOB_CONFIG, STATE, SWEEP, demand_keys
from harness.storage.documents import read_json, read_yaml
from harness.storage.files import write_json, write_text
from harness.storage.tables import CONFIG, STATUS

DAMAGED = 2
"""Exit code of a job with a damaged file."""

UNFINISHED = 3
"""Exit code of a job that was killed: as for a run with failed trainings, the sweep is incomplete but has tables."""


@dataclass(frozen=True)
class JobResult:
    """How a job ended: its exit code, the folders of its tables and of its report, and the reason of a failure."""

    code: int
    folder: Path | None = None
    report: Path | None = None
    reason: str = ""


@dataclass(frozen=True)
class Job:
    """One job read from its files: `state` is complete, partial (some trainings failed), failed or unfinished.

    `folder` and `report` are None where there are none; `overrides` is None for a run outside a sweep; a
    `damaged` one has a file that cannot be read, and no `config`.
    """

    number: int
    state: str
    code: int
    reason: str
    config: Mapping[str, Any]
    folder: Path | None
    report: Path | None
    overrides: tuple[str, ...] | None = None
    damaged: bool = False


def record_job(
    folder: Path, number: int, overrides: Sequence[str], config: str, task: Callable[[], JobResult]
) -> JobResult:
    """How `task` ended, written to `folder`/job.json; `config` (YAML) is stored next to it.

    BadInput ends a job with code 2, a full disk or a killed worker with 3. They are not raised: the sweep continues.
    Any other exception is recorded with code 1 and raised again.
    """
    write_text(folder / "config.yaml", config)

    def write(state: str, result: JobResult) -> None:
        paths = {"folder": result.folder, "report": result.report}
        folders = {key: path and relative_path(path, folder) for key, path in paths.items()}
        about = {"number": number, "overrides": list(overrides), "state": state}
        write_json(folder / "job.json", {**about, "code": result.code, "reason": result.reason, **folders})

    write("started", JobResult(UNFINISHED, reason="killed, or still running"))
    try:
        result = task()
    except BadInput as error:
        result = JobResult(2, reason=str(error))
    except BaseException as error:  # an interrupt too: recorded and passed on
        if isinstance(error, WorkerKilled) or is_machine_error(error):
            result = JobResult(UNFINISHED, reason=described(error) if isinstance(error, OSError) else str(error))
            write("failed", result)
            return result
        if isinstance(error, SystemExit) and "SUBMITIT_EXECUTOR" in os.environ:
            raise  # so submitit ends the process when Slurm is to queue the job again: it begins anew
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        write("failed", JobResult(1, reason=": ".join([type(error).__name__, *lines[:1]])))
        raise
    write({0: "complete", 3: "partial"}.get(result.code, "failed"), result)
    return result


def record_killed(folder: Path, reason: str) -> None:
    """Write into `folder`/job.json that the process of the job was killed."""
    about = read_json(folder / "job.json")
    write_json(folder / "job.json", {**about, "state": "failed", "code": UNFINISHED, "reason": reason})


def is_run(folder: Path) -> bool:
    """Whether the folder holds the tables of one run."""
    try:
        return (folder / "metrics.parquet").is_file() and (folder / STATUS).is_file()
    except OSError:  # a name that no file can have
        return False


def is_sweep(folder: Path) -> bool:
    """Whether the folder is that of one sweep; a folder with sweeps below it is not."""
    return (folder / "sweep.json").is_file()


def job_files_in(sweep: Path) -> list[Path]:
    """The job.json files of the sweep in this folder: those of its subfolders named by a number, in that order."""
    found = [path for path in sweep.glob("*/job.json") if path.parent.name.isdecimal()]
    return sorted(found, key=lambda path: int(path.parent.name))


def read_jobs(folder: Path) -> list[Job]:
    """The jobs of a sweep by their numbers; of any other folder the run in it, or all runs and sweep jobs below it.

    Each run counts once, however many sweeps started it, in the order of folder names; jobs without tables come last.
    A job with a damaged file is a failed one. Raises BadInput where there is none.
    """
    demand(folder.is_dir(), "results", "a folder of runs or of a sweep", str(folder))
    if is_run(folder):
        return [_job_of_run(0, folder)]
    found = (
        sorted(map(_job, job_files_in(folder)), key=lambda job: job.number) if is_sweep(folder) else _jobs_below(folder)
    )
    demand(bool(found), "results", "a folder of runs or of a sweep", str(folder))
    return found


def _jobs_below(folder: Path) -> list[Job]:
    """Runs below the folder, and jobs of sweeps below it that are to have tables."""
    swept = [_job(path) for sweep in sorted(folder.rglob("sweep.json")) for path in job_files_in(sweep.parent)]
    runs = [_job_of_run(0, path.parent) for path in sorted(folder.rglob("metrics.parquet")) if is_run(path.parent)]
    return distinct_jobs([*(job for job in swept if job.damaged or _has_tables(job.config)), *runs])


def _has_tables(config: Mapping[str, Any]) -> bool:
    """Whether a job with this configuration is to have tables: no tabulation, and none that ends after training."""
    return "reports" in config and config.get("stage", "all") == "all"


def distinct_jobs(jobs: Sequence[Job]) -> list[Job]:
    """Jobs of several folders, numbered anew: each folder of tables once, by its path, then the jobs without tables."""
    runs: dict[Path, Job] = {}
    for job in jobs:
        if job.folder is not None:
            runs.setdefault(job.folder.resolve(), job)
    ordered = [runs[path] for path in sorted(runs)] + [job for job in jobs if job.folder is None]
    return [replace(job, number=number, overrides=None) for number, job in enumerate(ordered)]


def read_sweep(folder: Path) -> dict[str, Any]:
    """The `command` of a sweep and its number of `jobs` (None: not known). Raises BadInput for a damaged sweep.json."""
    found = read_json(folder / "sweep.json")
    demand_keys(str(folder / "sweep.json"), found, SWEEP)
    return found


def _job(path: Path) -> Job:
    """The job whose job.json is at `path`; a failed one, with the reason, where one of its files is damaged."""
    number = int(path.parent.name)
    try:
        found = read_json(path)
        demand_keys(str(path), found, JOB)
    except BadInput as error:
        return Job(number, "failed", DAMAGED, str(error), {}, None, None, (), damaged=True)
    folder, report = (path.parent / found[key] if found.get(key) else None for key in ("folder", "report"))
    state, code, reason = found["state"], found["code"], found["reason"]
    if state == "started":
        state = "unfinished"
    elif folder and not is_run(folder):
        state, code, reason, folder = "failed", max(code, 1), f"its tables are missing: {found['folder']}", None
    job = Job(number, state, code, reason, {}, folder, report, tuple(found["overrides"]))
    return _configured(job, path.parent)


def _job_of_run(number: int, folder: Path) -> Job:
    """A run outside a sweep, as a job."""
    job = Job(number, "complete", 0, "", {}, folder, None)
    try:
        status = read_json(folder / STATUS)
        demand_keys(str(folder / STATUS), status, STATE)
    except BadInput as error:
        return _damaged(job, error)
    if status["state"] == "partial":
        asked, trained = status.get("architectures", 0), status.get("trained", 0)
        job = replace(job, state="partial", code=3, reason=f"{asked - trained} of {asked} trainings failed")
    return _configured(job, folder)


def _configured(job: Job, place: Path) -> Job:
    """The job with the configuration that lies in `place`; a failed one, with the reason, where that is damaged."""
    try:
        config = read_yaml(place / CONFIG)
        demand_keys(str(place / CONFIG), config, JOB_CONFIG if job.folder else ())
    except BadInput as error:
        return _damaged(job, error)
    return replace(job, config=config)


def _damaged(job: Job, error: BadInput) -> Job:
    """The job as a failed one; what made it fail before is the better reason."""
    reason = job.reason if job.state == "failed" else str(error)
    return replace(job, state="failed", code=max(job.code, DAMAGED), reason=reason, damaged=True)
