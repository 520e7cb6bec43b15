"""`python -m harness +bench=NAME`: the front door."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from harness.cli.checks import check_images
from harness.config.components import build, build_all, fill
from harness.files.paths import demand_folder
from harness.sweep.job_files import JobResult

if TYPE_CHECKING:
    from harness.evaluate.judge import Evaluation
    from harness.report.config import ReportConfig
    from harness.runs.engine import Engine
    from harness.runs.spec import RunSpec
    from harness.schema import Benchmark, DataSet, StoredCurves
    from harness.train.recipe import Recipe


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


@dataclass(frozen=True)
class Parts:
    """What of a run is built without torch, or anything else that takes long to import."""

    job: Job
    report: ReportConfig
    bench: Benchmark
    dataset: DataSet
    recipe: Recipe
    evaluation: Evaluation
    engine: Engine
    fit_benches: list[Benchmark]
    signal: StoredCurves | None


def parts(config: DictConfig) -> Parts:
    """The parts that `config` asks for, every setting of them checked. Raises BadInput."""
    job = fill(Job, {field.name: config[field.name] for field in fields(Job)}, "")
    demand_folder("reports", Path(job.reports))
    demand_folder("results", Path(job.results))
    others = [OmegaConf.create({**config.bench, **other}) for other in job.fit_on or []]
    return Parts(
        job,
        report=build(config.report, "report"),
        bench=build(config.bench, "bench"),
        dataset=build(config.dataset, "dataset"),
        recipe=build(config.train, "train"),
        evaluation=build(config.evaluate, "evaluate"),
        engine=build(config.engine, "engine"),
        fit_benches=[build(other, f"fit_on.{i}") for i, other in enumerate(others)],
        signal=None if config.get("signal") is None else build(config.signal, "signal"),
    )


def spec_of(config: DictConfig) -> RunSpec:
    """The run that `config` asks for, every part of it built and checked. Raises BadInput."""
    return _plan(config, parts(config))


def _plan(config: DictConfig, given: Parts) -> RunSpec:
    from harness.runs.spec import RunSpec

    return RunSpec(
        bench=given.bench,
        dataset=given.dataset,
        recipe=given.recipe,
        measures=build_all(config.get("measure"), "measure"),
        predictors=build_all(config.get("predictor"), "predictor"),
        evaluation=given.evaluation,
        engine=given.engine,
        seed=given.job.seed,
        architectures=given.job.architectures,
        data=given.job.data,
        results=Path(given.job.results),
        settings=OmegaConf.to_yaml(config, resolve=True),
        fit_benches=given.fit_benches,
        automatic=bool(config.automatic),
        named=list(config.named),
        skip=given.job.skip,
        signal=given.signal,
    )


def check(config: DictConfig) -> None:
    """Raise BadInput for settings that cannot be, and for images that cannot be had."""
    given = parts(config)
    if given.signal is None:
        check_images(given.dataset, given.job.data)


def run_and_report(config: DictConfig) -> JobResult:
    """Run what `config` asks for, write the report, print the ranked table; how it ended."""
    from rich.console import Console

    from harness.cli.progress import live
    from harness.report.ranked_table import print_ranked
    from harness.report.run_tables import read
    from harness.report.write import stands, write
    from harness.runs.run import run

    given = parts(config)
    report, spec = given.report, _plan(config, given)
    console = Console()
    for name, columns in spec.skipped.items():
        inputs = "input column" if len(columns) == 1 else "input columns"
        verb = "is" if len(columns) == 1 else "are"
        line = f"skipping {name}: {inputs} {', '.join(columns)} {verb} not measured"
        console.print(line, soft_wrap=True, highlight=False)
    with live("architectures trained") as progress:
        outcome = run(spec, progress)
    out = Path(config.reports) / outcome.folder.parent.name
    if HydraConfig.get().mode == RunMode.MULTIRUN:  # a sweep has a report a job, side by side
        out = out / outcome.folder.name
    page = out / "index.html" if stands(outcome.folder, out, report) else write(outcome.folder, out, report)
    print_ranked(read(outcome.folder), console)
    console.print(f"tables {outcome.folder}\nreport {page}", soft_wrap=True, highlight=False)
    for failure in outcome.failures:
        console.print(f"failed {failure.architecture}: {failure.reason}", soft_wrap=True, highlight=False)
    lost = outcome.failures
    many = f"{len(lost)} of {spec.architectures} trainings failed"
    told = f"{many}, the first: {lost[0].architecture}: {lost[0].reason}" if lost else ""
    return JobResult(outcome.code, outcome.folder, page.parent, told)
