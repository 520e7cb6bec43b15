"""The story of many runs: the jobs of a sweep, or any stored runs, gathered in tables and in one report."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from harness import __version__
from harness.evaluate.average_ranks import Ranking, rank
from harness.evaluate.gathered import Run, gather, last_taus
from harness.jobs import Job, is_run, is_sweep, jobs_in
from harness.schema import SCHEMA_VERSION, BadInput, demand
from harness.store import write_json, write_table
from harness.varied import configured, labels, swept

__all__ = ["gathered_report", "is_run", "store"]


def gathered_report(folders: Sequence[Path], out: Path | None = None) -> Path:
    """Path of the index.html of one report on all runs in `folders`; their gathered ranked table is printed.

    A folder is that of a sweep, or of a run, or has runs somewhere below it. The tables go into the folder of the
    sweep, or, where it is not just one sweep, into `gathered` beside the page. `out` is reports/sweeps/<name of the
    folder> by default. Raises BadInput where a folder has neither a run nor a job.
    """
    from rich.console import Console

    from harness.report.sweep import write
    from harness.report.sweep_ranking import print_gathered
    from harness.report.sweep_tables import read

    out = out or Path("reports") / "sweeps" / "+".join(folder.resolve().name for folder in folders)[:100]
    place = folders[0] if len(folders) == 1 and is_sweep(folders[0]) else out / "gathered"
    store(folders, place)
    page = write(place, out)
    print_gathered(read(place), Console())
    return page


def store(folders: Sequence[Path], out: Path) -> None:
    """Gather the jobs and runs in `folders` and write the tables of a sweep (docs/results.md) into `out`.

    Of several runs of one setting and seed the first counts. Draws, level and seed of the intervals are those of the
    first run's own evaluation.
    """
    jobs = [job for folder in folders for job in jobs_in(folder)]
    if len(folders) > 1:
        jobs = [replace(job, number=number) for number, job in enumerate(jobs)]
    one_sweep = len(folders) == 1 and all(job.overrides is not None for job in jobs)
    varied = swept([job.overrides or () for job in jobs]) if one_sweep else configured([job.config for job in jobs])
    names = labels(varied, [f"dataset={_named(job, 'dataset')}" for job in jobs])
    rows = [_row(job, name, out) for job, name in zip(jobs, names, strict=True)]
    runs = _counted(jobs, rows)
    judged = next((job.config.get("evaluate") or {} for job in jobs if job.folder), {})
    level, bootstrap = float(judged.get("level", 0.95)), int(judged.get("bootstrap", 1000))
    gathered = gather(runs, bootstrap, level, int(judged.get("seed", 0)))
    ranking = rank(last_taus(runs), level)
    family = gathered.drop_duplicates("predictor").set_index("predictor")["family"]
    ranks = ranking.table.assign(family=ranking.table["predictor"].map(family))
    about: dict[str, Any] = {"level": level, "bootstrap": bootstrap, "seed": int(judged.get("seed", 0))}
    about |= {"varied": list(dict.fromkeys(key for values in varied for key in values))}
    (out / "status.json").unlink(missing_ok=True)  # it vouches for the tables: goes first, comes back last
    write_table(out / "jobs.parquet", pd.DataFrame(rows).astype({"n": "Int64", "step": "Int64", "seed": "Int64"}))
    write_table(out / "gathered.parquet", gathered)
    write_table(out / "ranks.parquet", ranks)
    write_json(out / "status.json", {"kind": "sweep", **about, **_tests(ranking), **_origin(folders, jobs)})


def _counted(jobs: Sequence[Job], rows: Sequence[dict[str, Any]]) -> list[Run]:
    """The runs that are gathered; the rows of their jobs are told what is in them, those of the others why not."""
    runs: dict[tuple[str, int], Run] = {}
    for job, row in zip(jobs, rows, strict=True):
        if job.folder is None:
            continue
        try:
            run = _run(job.folder, row["setting"], int(job.config.get("seed", 0)))
        except BadInput as error:  # the others are gathered all the same
            row |= {"state": "failed", "code": 2, "reason": str(error)}
            continue
        row |= {"n": int(run.truth.notna().sum()), "step": int(run.scores["step"].max())}
        if (run.setting, run.seed) in runs:
            row["reason"] = "setting and seed of a job above, so not counted again"
        runs.setdefault((run.setting, run.seed), run)
    return list(runs.values())


def _row(job: Job, setting: str, out: Path) -> dict[str, Any]:
    """The job's row of the table of jobs; paths are relative to `out`, where the table lies."""
    return {
        "job": job.number,
        "setting": setting,
        "seed": job.config.get("seed"),
        "overrides": " ".join(job.overrides or ()),
        "folder": os.path.relpath(job.folder, out) if job.folder else "",
        "report": os.path.relpath(job.report, out) if job.report else "",
        "bench": _named(job, "bench"),
        "dataset": _named(job, "dataset"),
        "state": job.state,
        "code": job.code,
        "reason": job.reason,
        "n": None,
        "step": None,
    }


def _named(job: Job, part: str) -> str:
    return str((job.config.get(part) or {}).get("name", ""))


def _run(folder: Path, setting: str, seed: int) -> Run:
    """What the run's tables say. Raises BadInput where a table or a column is missing."""
    wanted = {
        "scores": ["predictor", "step", "architecture", "score"],
        "architectures": ["architecture", "truth"],
        "metrics": ["predictor", "family", "baseline"],
    }
    found = {}
    for name, columns in wanted.items():
        path = folder / f"{name}.parquet"
        demand(path.is_file(), "results", f"the table {path.name}", str(path))
        frame = pd.read_parquet(path)
        missing = [column for column in columns if column not in frame]
        demand(not missing, str(path), f"the column {', '.join(missing)}", sorted(map(str, frame.columns)))
        found[name] = frame[columns]
    truth = found["architectures"].set_index("architecture")["truth"]
    return Run(setting, seed, found["scores"], truth, found["metrics"].drop_duplicates("predictor"))


def _tests(ranking: Ranking) -> dict[str, Any]:
    """What the ranking says beside its table; null for a number that does not exist."""
    numbers = [None if math.isnan(x) else x for x in (ranking.statistic, ranking.p, ranking.critical)]
    return {
        "blocks": int(ranking.table["blocks"].max()) if len(ranking.table) else 0,
        "friedman": {"statistic": numbers[0], "p": numbers[1]},
        "critical_difference": numbers[2],
        "groups_by": ranking.method,
        "note": ranking.note,
        "left_out": ranking.left_out,
        "dropped": ranking.dropped,
    }


def _origin(folders: Sequence[Path], jobs: Sequence[Job]) -> dict[str, Any]:
    """Where the tables come from: the command, how many jobs it asked for, versions and machine of the first run."""
    path = folders[0] / "sweep.json"
    said = json.loads(path.read_text(encoding="utf-8")) if len(folders) == 1 and path.is_file() else {}
    place = next((job.folder for job in jobs if job.folder), None)
    environment = json.loads((place / "environment.json").read_text(encoding="utf-8")) if place else {}
    recipe = json.loads((place / "status.json").read_text(encoding="utf-8")) if place else {}
    return {
        "command": said.get("command", ""),
        "asked": said.get("jobs") or len(jobs),
        "report": next((dict(job.config.get("report") or {}) for job in jobs), {}),
        "recipe": recipe.get("recipe", {}),
        "network": recipe.get("network", {}),
        "environment": environment,
        "harness": __version__,
        "schema_version": SCHEMA_VERSION,
    }
