"""A sweep seen from the command line: where its jobs speak, and what is done when the last of them is silent."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import prod
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from harness.files.paths import demand_folder
from harness.schema import demand
from harness.storage.files import write_json
from harness.sweep.job_files import UNFINISHED, JobResult, is_sweep, jobs_in, recorded, spoken

SUBDIR = "${hydra.job.num}"
"""A job's folder in that of its sweep is its number."""


@dataclass(frozen=True)
class Sweep:
    """The folder of a sweep's jobs, that of its report (None: it has none), and the keys that are swept."""

    folder: Path
    report: Path | None
    keys: tuple[str, ...]

    def override(self) -> str:
        """What tells Hydra the folder, whatever letters are in its name."""
        text = str(self.folder).replace("\\", "\\\\").replace("'", "\\'")
        return f"hydra.sweep.dir='{text}'"

    def gather(self) -> None:
        """Write and print what all jobs have so far."""
        if self.report is not None:
            from harness.sweep.gather import gathered_report

            page = gathered_report([self.folder], self.report)
            print(f"tables {self.folder}\nreport {page}")


def begun(config: DictConfig, values: Mapping[str, int], given: bool, command: Sequence[str]) -> Sweep:
    """The sweep that `config`, with Hydra's own part, describes; its folder is made, with sweep.json in it.

    `values` is the number of values of each key that is swept; `given` says that the user named the folder. Raises
    BadInput where jobs are not to have folders named by their numbers, by which they are found, or where `made` does.
    """
    subdir = str(OmegaConf.to_container(config.hydra.sweep, resolve=False)["subdir"])  # type: ignore[call-overload,index]
    demand(subdir == SUBDIR, "hydra.sweep.subdir", SUBDIR, subdir)
    basic = config.hydra.sweeper.get("_target_", "").endswith("BasicSweeper")
    folder = made(Path(config.hydra.sweep.dir), given)
    jobs = prod(values.values()) if basic else None  # another sweeper decides that itself
    write_json(folder / "sweep.json", {"command": f"python -m harness {shlex.join(command)}", "jobs": jobs})
    report = Path(config.reports) / "sweeps" / folder.resolve().name if "reports" in config else None
    return Sweep(folder, report, tuple(values))


def made(wanted: Path, given: bool) -> Path:
    """The folder of a sweep, made.

    It is `wanted` itself if the user has `given` it: what jobs of an earlier sweep in just this folder said is taken
    away. Else no other sweep has it: one that began in the same second is passed by. Raises BadInput where `wanted` is
    no folder, or where jobs that are of no sweep stand where its own are to stand.
    """
    demand_folder("hydra.sweep.dir", wanted)
    if given:
        others = [str(said) for said in spoken(wanted) if not is_sweep(wanted)]
        demand(not others, "hydra.sweep.dir", "a folder without jobs of others", ", ".join(others[:1]))
        wanted.mkdir(parents=True, exist_ok=True)
        for said in spoken(wanted):
            said.unlink()
        return wanted
    for number in count(1):
        place = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            place.mkdir(parents=True)
        except FileExistsError:
            continue
        break
    return place


def job(config: DictConfig, task: Callable[[DictConfig], JobResult], keys: Collection[str]) -> JobResult:
    """How `task` ended on the composed `config`.

    In a sweep it is recorded in the job's own folder, and begins with a line that names the job by its number and by
    the values of the `keys` that are swept.
    """
    hydra = HydraConfig.get()
    if hydra.mode != RunMode.MULTIRUN:
        return task(config)
    place, overrides = Path(hydra.runtime.output_dir), list(hydra.overrides.task)
    own = [text for text in overrides if text.lstrip("+~").partition("=")[0] in keys]
    print(f"job {hydra.job.num}: {' '.join(own)}", flush=True)
    text = OmegaConf.to_yaml(config, resolve=True)
    return recorded(place, int(hydra.job.num), overrides, text, lambda: task(config))


def swept(run: Callable[[], object], sweep: Sweep) -> int:
    """The exit code of the sweep that `run` carries out: the highest of its jobs' codes, by their files.

    A job that was killed or never started counts as 3. Whatever ends the sweep, an interrupt too, it is gathered if any
    job spoke, and each job that is not complete is told in one line.
    """
    code = 0
    try:
        run()
    except SystemExit as end:  # Hydra's way to pass on an error of a job, after the other jobs have run
        code = end.code if isinstance(end.code, int) else 1
    finally:
        if spoken(sweep.folder):
            sweep.gather()
            code = _told(sweep.folder)
    return code


def _told(place: Path) -> int:
    """Print a line for each job that is not complete; the highest exit code."""
    jobs = jobs_in(place)
    for each in jobs:
        if each.state != "complete":
            print(f"{each.state} job {each.number}: {each.reason}", file=sys.stderr)
    asked = json.loads((place / "sweep.json").read_text(encoding="utf-8"))["jobs"] or 0
    missing = asked - len(jobs)
    if missing > 0:
        print(f"never started: {missing} of {asked} jobs", file=sys.stderr)
    return max([each.code for each in jobs] + [UNFINISHED] * (missing > 0))
