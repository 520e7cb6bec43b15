"""The files by which each job of a sweep records its state.

Jobs may run in other processes or on other machines, and may be killed, so their state is kept in files alone:
`job.json` in the job's own folder holds "started" from the beginning, and how the job ended at the end. A job whose
file still holds "started" when it is read is unfinished. Hydra's own record (.hydra/, JobReturn) cannot replace it: its
files hold overrides and an unresolved configuration but no outcome, and JobReturn is lost with the launching process.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from harness.files.paths import way
from harness.schema import BadInput, demand
from harness.storage.files import write_json, write_text

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

    `folder` and `report` are None where there are none; `overrides` is None for a run outside a sweep.
    """

    number: int
    state: str
    code: int
    reason: str
    config: Mapping[str, Any]
    folder: Path | None
    report: Path | None
    overrides: tuple[str, ...] | None = None


def record_job(
    folder: Path, number: int, overrides: Sequence[str], config: str, task: Callable[[], JobResult]
) -> JobResult:
    """How `task` ended, written to `folder`/job.json; `config` (YAML) is stored next to it.

    BadInput ends a job with code 2 and is not raised: the sweep continues. Any other exception is recorded with code 1
    and raised again.
    """
    write_text(folder / "config.yaml", config)

    def write(state: str, result: JobResult) -> None:
        paths = {"folder": result.folder, "report": result.report}
        folders = {key: path and way(path, folder) for key, path in paths.items()}
        about = {"number": number, "overrides": list(overrides), "state": state}
        write_json(folder / "job.json", {**about, "code": result.code, "reason": result.reason, **folders})

    write("started", JobResult(UNFINISHED, reason="killed, or still running"))
    try:
        result = task()
    except BadInput as error:
        result = JobResult(2, reason=str(error))
    except BaseException as error:  # an interrupt too: recorded and passed on
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        write("failed", JobResult(1, reason=": ".join([type(error).__name__, *lines[:1]])))
        raise
    write({0: "complete", 3: "partial"}.get(result.code, "failed"), result)
    return result


def is_run(folder: Path) -> bool:
    """Whether the folder holds the tables of one run."""
    return (folder / "metrics.parquet").is_file() and (folder / "status.json").is_file()


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
    Raises BadInput where there is none, or where a file is damaged.
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
    """Runs below the folder, and jobs of sweeps below it except tabulations, which have no report."""
    swept = [_job(path) for sweep in sorted(folder.rglob("sweep.json")) for path in job_files_in(sweep.parent)]
    runs = [_job_of_run(0, path.parent) for path in sorted(folder.rglob("metrics.parquet")) if is_run(path.parent)]
    return distinct_jobs([*(job for job in swept if "reports" in job.config), *runs])


def distinct_jobs(jobs: Sequence[Job]) -> list[Job]:
    """Jobs of several folders, numbered anew: each folder of tables once, by its path, then the jobs without tables."""
    runs: dict[Path, Job] = {}
    for job in jobs:
        if job.folder is not None:
            runs.setdefault(job.folder.resolve(), job)
    ordered = [runs[path] for path in sorted(runs)] + [job for job in jobs if job.folder is None]
    return [replace(job, number=number, overrides=None) for number, job in enumerate(ordered)]


def _job(path: Path) -> Job:
    stored = _read(path, json.loads)
    for key, kind in (("number", int), ("overrides", list), ("state", str), ("code", int), ("reason", str)):
        demand(isinstance(stored.get(key), kind), str(path), f"the {key} of a job", stored.get(key))
    folder, report = (stored.get(key) and path.parent / stored[key] for key in ("folder", "report"))
    state, code, reason = str(stored["state"]), int(stored["code"]), str(stored["reason"])
    if state == "started":
        state = "unfinished"
    elif folder and not is_run(folder):
        state, code, reason, folder = "failed", max(code, 1), f"its tables are missing: {stored['folder']}", None
    config = _read(path.parent / "config.yaml", yaml.safe_load)
    return Job(int(stored["number"]), state, code, reason, config, folder, report, tuple(stored["overrides"]))


def _job_of_run(number: int, folder: Path) -> Job:
    """A run outside a sweep, as a job."""
    status = _read(folder / "status.json", json.loads)
    state = str(status.get("state", "complete"))
    asked, trained = int(status.get("architectures", 0)), int(status.get("trained", 0))
    reason = f"{asked - trained} of {asked} trainings failed" if state == "partial" else ""
    config = _read(folder / "config.yaml", yaml.safe_load)
    return Job(number, state, 3 if state == "partial" else 0, reason, config, folder, None)


def _read(path: Path, parse: Callable[[str], Any]) -> dict[str, Any]:
    demand(path.is_file(), "results", f"the file {path.name}", str(path))
    try:
        value = parse(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        value = " ".join(str(error).split())
    demand(isinstance(value, dict), str(path), "a mapping", value)
    return dict(value)
