"""What each job of a sweep says of itself, in files.

Jobs may run in other processes or on other machines, and may be killed, so they speak through files alone: `job.json`
in the job's own folder says "started" from the beginning on, and how it ended at the end. One that still says "started"
when it is read is unfinished.
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
"""Exit code of a job that was killed: like a run with failed trainings, the sweep is not whole, and its tables tell."""


@dataclass(frozen=True)
class JobResult:
    """How a job ended: its exit code, the folders of its tables and of its report, and what is wrong with it."""

    code: int
    folder: Path | None = None
    report: Path | None = None
    reason: str = ""


@dataclass(frozen=True)
class Job:
    """One job as its files tell: `state` is complete, partial (some trainings failed), failed or unfinished.

    `folder` and `report` are None where there are none; `overrides` is None for a run that no sweep started.
    """

    number: int
    state: str
    code: int
    reason: str
    config: Mapping[str, Any]
    folder: Path | None
    report: Path | None
    overrides: tuple[str, ...] | None = None


def recorded(
    place: Path, number: int, overrides: Sequence[str], config: str, work: Callable[[], JobResult]
) -> JobResult:
    """How `work` ended, after `place`/job.json was told so; `config` (YAML) is stored beside it.

    Bad input ends a job with code 2 and is not raised: the sweep goes on. Anything else that is raised is recorded,
    with code 1, and raised again.
    """
    write_text(place / "config.yaml", config)

    def tell(state: str, ended: JobResult) -> None:
        folders = {key: path and way(path, place) for key, path in
                   (("folder", ended.folder), ("report", ended.report))}  # fmt: skip
        about = {"number": number, "overrides": list(overrides), "state": state}
        write_json(place / "job.json", {**about, "code": ended.code, "reason": ended.reason, **folders})

    tell("started", JobResult(UNFINISHED, reason="killed, or still at work"))
    try:
        ended = work()
    except BadInput as error:
        ended = JobResult(2, reason=str(error))
    except BaseException as error:  # an interrupt too: whatever ends a job is recorded, and goes on its way
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        tell("failed", JobResult(1, reason=": ".join([type(error).__name__, *lines[:1]])))
        raise
    tell({0: "complete", 3: "partial"}.get(ended.code, "failed"), ended)
    return ended


def is_run(folder: Path) -> bool:
    """Whether the folder holds the tables of one run."""
    return (folder / "metrics.parquet").is_file() and (folder / "status.json").is_file()


def is_sweep(folder: Path) -> bool:
    """Whether the folder is itself that of a sweep; one that only has sweeps below it is not."""
    return (folder / "sweep.json").is_file()


def spoken(sweep: Path) -> list[Path]:
    """The files job.json of the sweep in this very folder: those of its children that are named by a number."""
    found = [path for path in sweep.glob("*/job.json") if path.parent.name.isdecimal()]
    return sorted(found, key=lambda path: int(path.parent.name))


def jobs_in(folder: Path) -> list[Job]:
    """The jobs of a sweep by their numbers; of another folder the run that it holds, or all that is below it.

    That is every run by the name of its folder, once, however many sweeps asked for it; then the jobs of sweeps that
    left no tables. Raises BadInput where there is none, or where a file is damaged.
    """
    demand(folder.is_dir(), "results", "a folder of runs or of a sweep", str(folder))
    if is_run(folder):
        return [_lone(0, folder)]
    found = sorted(map(_job, spoken(folder)), key=lambda job: job.number) if is_sweep(folder) else _below(folder)
    demand(bool(found), "results", "a folder of runs or of a sweep", str(folder))
    return found


def _below(folder: Path) -> list[Job]:
    """Runs of the folder, and jobs of the sweeps in it but tabulations, which have no report."""
    told = [_job(path) for place in sorted(folder.rglob("sweep.json")) for path in spoken(place.parent)]
    runs = [_lone(0, path.parent) for path in sorted(folder.rglob("metrics.parquet")) if is_run(path.parent)]
    return once([*(job for job in told if "reports" in job.config), *runs])


def once(jobs: Sequence[Job]) -> list[Job]:
    """Jobs of several places as runs that no sweep started, numbered anew: each folder of tables once, by its path,
    then the jobs that have none."""
    runs: dict[Path, Job] = {}
    for job in jobs:
        if job.folder is not None:
            runs.setdefault(job.folder.resolve(), job)
    ordered = [runs[path] for path in sorted(runs)] + [job for job in jobs if job.folder is None]
    return [replace(job, number=number, overrides=None) for number, job in enumerate(ordered)]


def _job(path: Path) -> Job:
    said = _read(path, json.loads)
    for key, kind in (("number", int), ("overrides", list), ("state", str), ("code", int), ("reason", str)):
        demand(isinstance(said.get(key), kind), str(path), f"the {key} of a job", said.get(key))
    folder, report = (said.get(key) and path.parent / said[key] for key in ("folder", "report"))
    state, code, reason = str(said["state"]), int(said["code"]), str(said["reason"])
    if state == "started":
        state = "unfinished"
    elif folder and not is_run(folder):
        state, code, reason, folder = "failed", max(code, 1), f"its tables are gone: {said['folder']}", None
    config = _read(path.parent / "config.yaml", yaml.safe_load)
    return Job(int(said["number"]), state, code, reason, config, folder, report, tuple(said["overrides"]))


def _lone(number: int, folder: Path) -> Job:
    """A run that speaks for itself."""
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
