"""A sweep seen from the command line: where its jobs speak, and what is done when the last of them is silent."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Collection, Sequence
from itertools import count
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from harness.jobs import UNFINISHED, Ended, jobs_in, recorded
from harness.store import write_json


def begun(wanted: Path, given: bool, command: Sequence[str], jobs: int | None) -> Path:
    """The folder of a sweep that begins, made, with sweep.json in it.

    It is `wanted` itself if the user has `given` it: what jobs of an earlier sweep said there is taken away. Else no
    other sweep has it: one that began in the same second is passed by. `jobs` is how many the command asks for, None
    where the sweeper decides.
    """
    if given:
        wanted.mkdir(parents=True, exist_ok=True)
        for said in wanted.rglob("job.json"):
            said.unlink()
        return _introduced(wanted, command, jobs)
    for number in count(1):
        place = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            place.mkdir(parents=True)
        except FileExistsError:
            continue
        break
    return _introduced(place, command, jobs)


def job(config: DictConfig, task: Callable[[DictConfig], Ended], keys: Collection[str]) -> Ended:
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


def swept(run: Callable[[], object], place: Path, gather: Callable[[], None]) -> int:
    """The exit code of the sweep that `run` carries out in `place`: the highest of its jobs' codes, by their files.

    A job that was killed or never started counts as 3. Whatever ends the sweep, an interrupt too, `gather` is called
    if any job spoke, and each job that is not complete is told in one line.
    """
    code = 0
    try:
        run()
    except SystemExit as end:  # Hydra's way to pass on an error of a job, after the other jobs have run
        code = end.code if isinstance(end.code, int) else 1
    finally:
        spoke = any(place.rglob("job.json"))
        if spoke:
            gather()
            code = _told(place)
    return code


def _introduced(place: Path, command: Sequence[str], jobs: int | None) -> Path:
    write_json(place / "sweep.json", {"command": f"python -m harness {shlex.join(command)}", "jobs": jobs})
    return place


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
