"""`python -m harness +bench=NAME`: the front door."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from harness.compose import build, components, fill, start
from harness.jobs import Ended

if TYPE_CHECKING:
    from harness.plan import Plan


@dataclass(frozen=True)
class Job:
    """The keys at the top of conf/config.yaml."""

    seed: int
    architectures: int
    data: str | None
    results: str
    reports: str
    skip: int = 0
    fit_on: list[dict[str, Any]] | None = None


def planned(config: DictConfig) -> Plan:
    """The run that `config` asks for, every part of it built and checked. Raises BadInput."""
    from harness.plan import Plan

    job = fill(Job, {field.name: config[field.name] for field in fields(Job)}, "")
    others = [OmegaConf.create({**config.bench, **other}) for other in job.fit_on or []]
    return Plan(
        bench=build(config.bench, "bench"),
        dataset=build(config.dataset, "dataset"),
        recipe=build(config.train, "train"),
        measures=components(config.get("measure"), "measure"),
        predictors=components(config.get("predictor"), "predictor"),
        evaluation=build(config.evaluate, "evaluate"),
        engine=build(config.engine, "engine"),
        seed=job.seed,
        architectures=job.architectures,
        data=job.data,
        results=Path(job.results),
        settings=OmegaConf.to_yaml(config, resolve=True),
        fit_benches=[build(other, f"fit_on.{i}") for i, other in enumerate(others)],
        automatic=bool(config.automatic),
        named=list(config.named),
        skip=job.skip,
        signal=None if config.get("signal") is None else build(config.signal, "signal"),
    )


def story(config: DictConfig) -> Ended:
    """Run what `config` asks for, write the report, print the ranked table; how it ended."""
    from rich.console import Console

    from harness.progress import live
    from harness.report.ranking import print_ranked
    from harness.report.tables import read
    from harness.report.write import stands, write
    from harness.run import run

    report, plan = build(config.report, "report"), planned(config)
    console = Console()
    if plan.left_out:
        columns = sorted({column for missing in plan.left_out.values() for column in missing})
        console.print(
            f"left out, as nobody measures {', '.join(columns)}: {', '.join(plan.left_out)}",
            soft_wrap=True,
            highlight=False,
        )
    with live("architectures trained") as progress:
        outcome = run(plan, progress)
    out = Path(config.reports) / outcome.folder.parent.name
    if HydraConfig.get().mode == RunMode.MULTIRUN:  # a sweep has a report a job, side by side
        out = out / outcome.folder.name
    page = out / "index.html" if stands(outcome.folder, out, report) else write(outcome.folder, out, report)
    print_ranked(read(outcome.folder), console)
    console.print(f"tables {outcome.folder}\nreport {page}", soft_wrap=True, highlight=False)
    for failure in outcome.failures:
        console.print(f"failed {failure.architecture}: {failure.reason}", soft_wrap=True, highlight=False)
    lost = outcome.failures
    many = f"{len(lost)} of {plan.architectures} trainings failed"
    told = f"{many}, the first: {lost[0].architecture}: {lost[0].reason}" if lost else ""
    return Ended(outcome.code, outcome.folder, page.parent, told)


if __name__ == "__main__":
    from harness.__main__ import story as importable  # by its own name, so that launchers can send it to a process

    sys.exit(start("config", importable))
