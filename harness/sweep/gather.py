"""Many runs in one set of tables and one report: the jobs of a sweep, or any stored runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness import __version__
from harness.evaluate.average_ranks import Ranking, rank
from harness.evaluate.gathered import Run, gather, gather_targets, last_taus
from harness.files.paths import demand_folder, relative_path
from harness.schema import BadInput, demand
from harness.schema.columns import JOBS, RUN_TABLES
from harness.schema.documents import RUN_STATUS, demand_keys
from harness.storage.tables import STATUS, Results, is_stored, read_results, write_results
from harness.sweep.differing_settings import dependent_keys, differing_overrides, differing_values, setting_labels
from harness.sweep.job_files import Job, distinct_jobs, is_sweep, read_jobs, read_sweep

UNKNOWN = "unknown"
"""The setting of a job whose configuration cannot be read."""

GATHERED_OF = {
    "scores": ("predictor", "step", "architecture", "score"),
    "architectures": ("architecture", "truth"),
    "metrics": ("predictor", "family", "baseline"),
    "targets": ("target", "predictor", "step", "tau", "n"),
}
"""The columns that are gathered of a run's tables."""


@dataclass(frozen=True)
class StoredRun:
    """One run read from its files; `block` is (benchmark, data set, run seed)."""

    run: Run
    block: tuple[str, str, int]
    status: Mapping[str, Any]
    environment: Mapping[str, Any]


def write_gathered_report(folders: Sequence[Path], out: Path | None = None) -> Path:
    """Path of the index.html of one report on all runs in `folders`; the gathered ranked table is printed.

    Each folder is a sweep, a run, or has runs somewhere below it. The tables of one sweep go into its folder; any
    others into `gathered` next to the page. `out` is reports/sweeps/<name of the folder> by default. Raises BadInput
    where a folder has neither a run nor a job.
    """
    from rich.console import Console

    from harness.report.sweep.screen import print_gathered
    from harness.report.sweep.sweep_tables import read
    from harness.report.sweep.write import write

    out = out or Path("reports") / "sweeps" / "+".join(folder.resolve().name for folder in folders)[:100]
    demand_folder("out", out)
    tables = folders[0] if len(folders) == 1 and is_sweep(folders[0]) else out / "gathered"
    write_gathered_tables(folders, tables)
    page = write(tables, out)
    print_gathered(read(tables), Console(markup=False, emoji=False, highlight=False))
    return page


def write_gathered_tables(folders: Sequence[Path], out: Path) -> None:
    """Gather the jobs and runs in `folders` and write the tables of a sweep (docs/results.md) into `out`.

    Of several runs with the same setting and seed the first counts. The number of bootstrap draws, the level and the
    seed of the intervals are those of the first run. Everything is read and computed before any file is replaced.
    """
    jobs = [job for folder in folders for job in read_jobs(folder)]
    _demand_scored(folders, jobs)
    if len(folders) > 1:
        jobs = distinct_jobs(jobs)
    known = [job for job in jobs if not job.damaged]
    configs = [job.config for job in known]
    one_sweep = len(folders) == 1 and all(job.overrides is not None for job in known)
    varied = (
        differing_overrides([job.overrides or () for job in known], configs) if one_sweep else differing_values(configs)
    )
    names = iter(setting_labels(varied, [f"dataset={_named(job, 'dataset')}" for job in known]))
    rows = [_row(job, UNKNOWN if job.damaged else next(names), out) for job in jobs]
    stored = _gathered_runs(jobs, rows)
    runs = [each.run for each in stored]
    judged = next((job.config.get("evaluate") or {} for job in known if job.folder), {})
    level, bootstrap = float(judged.get("level", 0.95)), int(judged.get("bootstrap", 1000))
    gathered = gather(runs, bootstrap, level, int(judged.get("seed", 0)))
    ranking = rank(last_taus(runs), level, [each.block for each in stored])
    family = gathered.drop_duplicates("predictor").set_index("predictor")["family"]
    ranks = ranking.table.assign(family=ranking.table["predictor"].map(family))
    about: dict[str, Any] = {"level": level, "bootstrap": bootstrap, "seed": int(judged.get("seed", 0))}
    keys = list(dict.fromkeys(key for values in varied for key in values))
    about |= {"varied": keys, "followed": dependent_keys(configs, keys)}
    about |= {
        **_ranking_summary(ranking, [each for each in stored if each.block in ranking.blocks]),
        **_provenance(folders, jobs, stored),
    }
    tables = {"jobs": pd.DataFrame(rows).astype(JOBS.dtypes), "gathered": gathered, "ranks": ranks}
    tables["gathered_targets"] = gather_targets(runs)
    write_results(out, tables, {}, {"kind": "sweep", "state": "complete", **about})


def _demand_scored(folders: Sequence[Path], jobs: Sequence[Job]) -> None:
    """Raise BadInput where every job ends after training: there is nothing to gather."""
    if all(job.config.get("stage") == "train" for job in jobs):
        where = ", ".join(map(str, folders))
        raise BadInput(
            f"results: must be a folder with scored runs (got {where}, all of whose jobs end after training); re-run"
            " the command of the sweep without stage=train (of shards without skip, with all architectures): it scores"
            " the stored traces and trains only what is missing"
        )


def _gathered_runs(jobs: Sequence[Job], rows: Sequence[dict[str, Any]]) -> list[StoredRun]:
    """The runs that are gathered. The rows of their jobs get `n` and `step`; those of the others get the reason."""
    runs: dict[tuple[str, int], StoredRun] = {}
    for job, row in zip(jobs, rows, strict=True):
        if job.folder is None or job.damaged:
            continue
        try:
            seed = int(job.config.get("seed", 0))
            run, found = _run(job.folder, row["setting"], seed)
        except BadInput as error:  # the others are still gathered
            row |= {"state": "failed", "code": 2, "reason": str(error)}
            continue
        row |= {"n": int(run.truth.notna().sum()), "step": int(run.scores["step"].max())}
        if (run.setting, run.seed) in runs:
            row["reason"] = "same setting and seed as a job above, not counted again"
        runs.setdefault(
            (run.setting, run.seed),
            StoredRun(run, (row["bench"], row["dataset"], seed), found.status, found.environment),
        )
    return list(runs.values())


def _row(job: Job, setting: str, out: Path) -> dict[str, Any]:
    """The job's row of the table of jobs; paths are relative to `out`, where the table lies."""
    return {
        "job": job.number,
        "setting": setting,
        "seed": job.config.get("seed") if isinstance(job.config.get("seed"), int) else None,
        "overrides": " ".join(job.overrides or ()),
        "folder": relative_path(job.folder, out) if job.folder else "",
        "report": relative_path(job.report, out) if job.report else "",
        "bench": _named(job, "bench"),
        "dataset": _named(job, "dataset"),
        "state": job.state,
        "code": job.code,
        "reason": job.reason,
        "n": None,
        "step": None,
    }


def _named(job: Job, part: str) -> str:
    section = job.config.get(part)
    return str(section.get("name", "")) if isinstance(section, Mapping) else ""


def _run(folder: Path, setting: str, seed: int) -> tuple[Run, Results]:
    """What is gathered of a run's tables, and all that was read. Raises BadInput where a file is damaged."""
    there = {name: of for name, of in GATHERED_OF.items() if name in RUN_TABLES or is_stored(folder, name)}
    found = read_results(folder, there)
    demand_keys(str(folder / STATUS), found.status, RUN_STATUS)
    scores, architectures, roles = (found.tables[name] for name in ("scores", "architectures", "metrics"))
    roles = roles.drop_duplicates("predictor")
    where = str(folder / "scores.parquet")
    demand(len(scores) > 0, where, "a table of at least one row", 0)
    twice = scores.duplicated(["predictor", "step", "architecture"]).any()
    demand(not twice, where, "a table with one row per predictor, step and architecture", "several")
    demand(set(scores["predictor"]) <= set(roles["predictor"]), where, "a table of predictors with metrics", "others")
    twice = architectures.duplicated("architecture").any()
    demand(not twice, str(folder / "architectures.parquet"), "a table with one row per architecture", "several")
    return Run(
        setting, seed, scores, architectures.set_index("architecture")["truth"], roles, found.tables.get("targets")
    ), found


def _ranking_summary(ranking: Ranking, ranked: Sequence[StoredRun]) -> dict[str, Any]:
    """The tests of the ranking and what they are based on; null for a number that does not exist."""
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


def _shared(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The entries that all mappings have in common."""
    first = parts[0] if parts else {}
    return {key: value for key, value in first.items() if all(key in each and each[key] == value for each in parts)}


def _provenance(folders: Sequence[Path], jobs: Sequence[Job], stored: Sequence[StoredRun]) -> dict[str, Any]:
    """Where the tables come from: the command and its number of jobs, the recipe and network settings that all runs
    share, versions and machine of the first run."""
    launched = read_sweep(folders[0]) if len(folders) == 1 and is_sweep(folders[0]) else {}
    return {
        "command": launched.get("command", ""),
        "asked": launched.get("jobs") or len(jobs),
        "report": next((dict(job.config.get("report") or {}) for job in jobs if job.folder), {}),
        "recipe": _shared([each.status.get("recipe") or {} for each in stored]),
        "network": _shared([each.status.get("network") or {} for each in stored]),
        "environment": dict(stored[0].environment) if stored else {},
        "harness": __version__,
    }
