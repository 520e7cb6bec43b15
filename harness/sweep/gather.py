"""The run_job of many runs: the jobs of a sweep, or any stored runs, gathered in tables and in one report."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness import __version__
from harness.evaluate.average_ranks import Ranking, rank
from harness.evaluate.gathered import Run, gather, last_taus
from harness.files.paths import demand_folder, way
from harness.schema import SCHEMA_VERSION, BadInput, demand
from harness.storage.files import write_json, write_table
from harness.sweep.differing import configured, followed, labels, swept
from harness.sweep.job_files import Job, is_sweep, jobs_in, once


@dataclass(frozen=True)
class Read:
    """A run as its files tell: its tables, the block it belongs to (benchmark, data set, run seed), how it was made."""

    run: Run
    block: tuple[str, str, int]
    status: Mapping[str, Any]
    environment: Mapping[str, Any]


def gathered_report(folders: Sequence[Path], out: Path | None = None) -> Path:
    """Path of the index.html of one report on all runs in `folders`; their gathered ranked table is printed.

    A folder is that of a sweep, or of a run, or has runs somewhere below it. The tables go into the folder of the
    sweep, or, where it is not just one sweep, into `gathered` beside the page. `out` is reports/sweeps/<name of the
    folder> by default. Raises BadInput where a folder has neither a run nor a job.
    """
    from rich.console import Console

    from harness.report.sweep.ranked_table import print_gathered
    from harness.report.sweep.sweep_tables import read
    from harness.report.sweep.write import write

    out = out or Path("reports") / "sweeps" / "+".join(folder.resolve().name for folder in folders)[:100]
    demand_folder("out", out)
    place = folders[0] if len(folders) == 1 and is_sweep(folders[0]) else out / "gathered"
    store(folders, place)
    page = write(place, out)
    print_gathered(read(place), Console())
    return page


def store(folders: Sequence[Path], out: Path) -> None:
    """Gather the jobs and runs in `folders` and write the tables of a sweep (docs/results.md) into `out`.

    Of several runs of one setting and seed the first counts. Draws, level and seed of the intervals are those of the
    first run's own evaluation. Everything is read and computed before any file is replaced.
    """
    jobs = [job for folder in folders for job in jobs_in(folder)]
    if len(folders) > 1:
        jobs = once(jobs)
    configs = [job.config for job in jobs]
    one_sweep = len(folders) == 1 and all(job.overrides is not None for job in jobs)
    varied = swept([job.overrides or () for job in jobs], configs) if one_sweep else configured(configs)
    names = labels(varied, [f"dataset={_named(job, 'dataset')}" for job in jobs])
    rows = [_row(job, name, out) for job, name in zip(jobs, names, strict=True)]
    read = _counted(jobs, rows)
    runs = [each.run for each in read]
    judged = next((job.config.get("evaluate") or {} for job in jobs if job.folder), {})
    level, bootstrap = float(judged.get("level", 0.95)), int(judged.get("bootstrap", 1000))
    gathered = gather(runs, bootstrap, level, int(judged.get("seed", 0)))
    ranking = rank(last_taus(runs), level, [each.block for each in read])
    family = gathered.drop_duplicates("predictor").set_index("predictor")["family"]
    ranks = ranking.table.assign(family=ranking.table["predictor"].map(family))
    about: dict[str, Any] = {"level": level, "bootstrap": bootstrap, "seed": int(judged.get("seed", 0))}
    keys = list(dict.fromkeys(key for values in varied for key in values))
    about |= {"varied": keys, "followed": followed(configs, keys)}
    about |= {
        **_tests(ranking, [each for each in read if each.block in ranking.blocks]),
        **_origin(folders, jobs, read),
    }
    table = pd.DataFrame(rows).astype({"n": "Int64", "step": "Int64", "seed": "Int64"})
    (out / "status.json").unlink(missing_ok=True)  # it vouches for the tables: goes first, comes back last
    write_table(out / "jobs.parquet", table)
    write_table(out / "gathered.parquet", gathered)
    write_table(out / "ranks.parquet", ranks)
    write_json(out / "status.json", {"kind": "sweep", **about})


def _counted(jobs: Sequence[Job], rows: Sequence[dict[str, Any]]) -> list[Read]:
    """The runs that are gathered; the rows of their jobs are told what is in them, those of the others why not."""
    runs: dict[tuple[str, int], Read] = {}
    for job, row in zip(jobs, rows, strict=True):
        if job.folder is None:
            continue
        try:
            seed = int(job.config.get("seed", 0))
            read = Read(_run(job.folder, row["setting"], seed), (row["bench"], row["dataset"], seed),
                        _said(job.folder / "status.json"), _said(job.folder / "environment.json"))  # fmt: skip
        except BadInput as error:  # the others are gathered all the same
            row |= {"state": "failed", "code": 2, "reason": str(error)}
            continue
        run = read.run
        row |= {"n": int(run.truth.notna().sum()), "step": int(run.scores["step"].max())}
        if (run.setting, run.seed) in runs:
            row["reason"] = "setting and seed of a job above, so not counted again"
        runs.setdefault((run.setting, run.seed), read)
    return list(runs.values())


def _row(job: Job, setting: str, out: Path) -> dict[str, Any]:
    """The job's row of the table of jobs; paths are relative to `out`, where the table lies."""
    return {
        "job": job.number,
        "setting": setting,
        "seed": job.config.get("seed") if isinstance(job.config.get("seed"), int) else None,
        "overrides": " ".join(job.overrides or ()),
        "folder": way(job.folder, out) if job.folder else "",
        "report": way(job.report, out) if job.report else "",
        "bench": _named(job, "bench"),
        "dataset": _named(job, "dataset"),
        "state": job.state,
        "code": job.code,
        "reason": job.reason,
        "n": None,
        "step": None,
    }


def _named(job: Job, part: str) -> str:
    said = job.config.get(part)
    return str(said.get("name", "")) if isinstance(said, Mapping) else ""


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
        try:
            frame = pd.read_parquet(path)
        except (OSError, ValueError) as error:  # a damaged file
            raise BadInput(f"{path}: must be a whole table (got {' '.join(str(error).split())})") from error
        missing = [column for column in columns if column not in frame]
        demand(not missing, str(path), f"the column {', '.join(missing)}", sorted(map(str, frame.columns)))
        found[name] = frame[columns]
    truth = found["architectures"].set_index("architecture")["truth"]
    return Run(setting, seed, found["scores"], truth, found["metrics"].drop_duplicates("predictor"))


def _tests(ranking: Ranking, ranked: Sequence[Read]) -> dict[str, Any]:
    """What the ranking says beside its table; null for a number that does not exist."""
    numbers = [None if math.isnan(x) else x for x in (ranking.statistic, ranking.p, ranking.critical)]
    return {
        "blocks": len(ranking.blocks) if len(ranking.table) else 0,
        "ranked_runs": ranking.runs,
        "ranked_on": sorted({f"{each.block[0]} {each.block[1]}" for each in ranked}),
        "ranked_seeds": sorted({each.block[2] for each in ranked}),
        "friedman": {"statistic": numbers[0], "p": numbers[1]},
        "critical_difference": numbers[2],
        "groups_by": ranking.method,
        "note": ranking.note,
        "left_out": ranking.left_out,
        "dropped": ranking.dropped,
    }


def _said(path: Path) -> dict[str, Any]:
    """What a JSON file of a run says. Raises BadInput where it is not there or says nothing."""
    demand(path.is_file(), "results", f"the file {path.name}", str(path))
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        value = str(error)
    demand(isinstance(value, dict), str(path), "a mapping", value)
    return dict(value)


def _alike(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all say alike."""
    first = parts[0] if parts else {}
    return {key: value for key, value in first.items() if all(key in each and each[key] == value for each in parts)}


def _origin(folders: Sequence[Path], jobs: Sequence[Job], read: Sequence[Read]) -> dict[str, Any]:
    """Where the tables come from: the command and how many jobs it asked for, what of recipe and network all runs
    share, versions and machine of the first."""
    said = _said(folders[0] / "sweep.json") if len(folders) == 1 and is_sweep(folders[0]) else {}
    return {
        "command": said.get("command", ""),
        "asked": said.get("jobs") or len(jobs),
        "report": next((dict(job.config.get("report") or {}) for job in jobs), {}),
        "recipe": _alike([each.status.get("recipe") or {} for each in read]),
        "network": _alike([each.status.get("network") or {} for each in read]),
        "environment": dict(read[0].environment) if read else {},
        "harness": __version__,
        "schema_version": SCHEMA_VERSION,
    }
