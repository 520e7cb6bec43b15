"""`harness +bench=NAME`: one run, its report and its ranked table in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig, OmegaConf

from harness.cli.checks import check_images
from harness.config.command import command_of
from harness.config.components import build, build_all, fill
from harness.files.paths import demand_folder, demand_name, page_folder
from harness.schema import BadInput, demand
from harness.schema.visible import visible
from harness.sweep.job_files import JobResult

if TYPE_CHECKING:
    from rich.console import Console

    from harness.evaluate.settings import Evaluation
    from harness.report.config import ReportConfig
    from harness.runs.engine import Engine
    from harness.runs.run import Outcome
    from harness.runs.spec import RunSpec
    from harness.schema import Benchmark, DataSet, StoredCurves
    from harness.schema.progress import Count
    from harness.train.recipe import Recipe


STAGES = ("all", "train")
"""After which stage a run ends: the last one, or training."""


@dataclass(frozen=True)
class TopLevel:
    """The keys at the top of conf/config.yaml."""

    seed: int
    architectures: int | None
    data: str | None
    results: str
    reports: str
    skip: int = 0
    sample: Any = None
    targets: list[str] | None = None
    fit_on: list[dict[str, Any]] | None = None
    automatic: bool = False
    named: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    stage: str = "all"

    def __post_init__(self) -> None:
        few = self.architectures is not None and self.architectures < 2
        demand(not few, "architectures", "at least 2 (or null: all)", self.architectures)
        demand(self.skip >= 0, "skip", "at least 0", self.skip)
        demand(self.stage in STAGES, "stage", " or ".join(map(repr, STAGES)), self.stage)
        demand(abs(self.seed) < 2**63, "seed", "an integer of at most 63 bits", self.seed)
        demand(self.results != "", "results", "a folder", self.results)
        demand(self.reports != "", "reports", "a folder", self.reports)
        demand(self.data != "", "data", "a folder (or null)", self.data)


@dataclass(frozen=True)
class Parts:
    """The parts of a run that are built without torch or anything else that takes long to import."""

    top: TopLevel
    report: ReportConfig
    bench: Benchmark
    dataset: DataSet
    recipe: Recipe
    evaluation: Evaluation
    engine: Engine
    fit_benches: list[Benchmark]
    signal: StoredCurves | None


def build_parts(config: DictConfig) -> Parts:
    """The parts of the run that `config` describes, every setting checked. Raises BadInput."""
    networks = config.fit_on or []
    if not isinstance(networks, list | ListConfig) or any(not isinstance(each, DictConfig) for each in networks):
        raise BadInput(f"fit_on: must be a list of networks, e.g. [{{channels: 4}}] (got {config.fit_on})")
    signal: DictConfig | None = config.get("signal")
    if not isinstance(signal, DictConfig | None):
        raise BadInput(f"signal: must be settings with a _target_, or null (got {signal})")
    top = fill(TopLevel, {each.name: config[each.name] for each in fields(TopLevel)}, "")
    demand_folder("reports", Path(top.reports))
    for place in (Path(top.results), *(Path(top.results) / part for part in ("traces", "scores"))):
        demand_folder("results", place)
    demand_name("dataset.name", config.dataset.name)
    demand_name("bench.name", config.bench.name)
    others = [OmegaConf.create({**config.bench, **other}) for other in top.fit_on or []]
    return Parts(
        top,
        report=build(config.report, "report"),
        bench=build(config.bench, "bench"),
        dataset=build(config.dataset, "dataset"),
        recipe=build(config.train, "train"),
        evaluation=build(config.evaluate, "evaluate"),
        engine=build(config.engine, "engine"),
        fit_benches=[build(other, f"fit_on.{i}") for i, other in enumerate(others)],
        signal=None if signal is None else build(signal, "signal"),
    )


def build_spec(config: DictConfig, parts: Parts | None = None, command: str = "") -> RunSpec:
    """The run that `config` describes and `command` starts, its plug-ins built and checked too. Raises BadInput."""
    from harness.runs.given_sample import given_sample
    from harness.runs.spec import RunSpec

    parts = parts or build_parts(config)
    return RunSpec(
        bench=parts.bench,
        dataset=parts.dataset,
        recipe=parts.recipe,
        measures=build_all(config.get("measure"), "measure"),
        predictors=build_all(config.get("predictor"), "predictor"),
        evaluation=parts.evaluation,
        engine=parts.engine,
        seed=parts.top.seed,
        architectures=parts.top.architectures,
        data=parts.top.data,
        results=Path(parts.top.results),
        settings=OmegaConf.to_yaml(config, resolve=True),
        fit_benches=parts.fit_benches,
        automatic=bool(config.automatic),
        named=list(config.named),
        unasked=list(config.unasked),
        skip=parts.top.skip,
        sample=given_sample(parts.top.sample),
        targets=parts.top.targets or [],
        signal=parts.signal,
        command=command,
    )


def check(config: DictConfig) -> None:
    """Raise BadInput for a setting out of its range and for images that cannot be had."""
    parts = build_parts(config)
    if parts.signal is None:
        check_images(parts.dataset, parts.top.data)
    build_spec(config, parts)


def run_and_report(config: DictConfig) -> JobResult:
    """Carry out the run that `config` describes, write its report, print the ranked table; how it ended."""
    from harness.cli.progress import live
    from harness.cli.terminal import console

    screen = console()
    with live("prepare") as progress:
        from harness.runs.run import only_train, run

        parts = build_parts(config)
        spec = build_spec(config, parts, _command())
        _print_skipped(screen, spec.skipped)
        if spec.sample:
            _print(screen, f"sample: {len(spec.sample)} given architectures; the key architectures is not read")
        if parts.top.stage == "train":
            return _trained(screen, only_train(spec, progress))
        outcome = run(spec, progress)
        page = _write_report(outcome.folder, Path(parts.top.reports), parts.report, partial(progress, "draw"))
    _print_outcome(screen, outcome, page, parts.report.rows)
    return JobResult(outcome.code, outcome.folder, page.parent, _reason(outcome))


def _command() -> str:
    """The command of the job that Hydra carries out; empty where the configuration was not composed for one."""
    if not HydraConfig.initialized():
        return ""
    given = HydraConfig.get().overrides
    return command_of([*given.hydra, *given.task])


def _trained(console: Console, outcome: Outcome) -> JobResult:
    """Print what a run that ends after training left; how it ended."""
    asked = outcome.architectures
    _print(console, f"trained {asked - len(outcome.failures)} of {asked} architectures\nengine {outcome.engine}")
    _print(console, f"traces {outcome.folder}\nthe same command without stage=train scores them")
    _print_failures(console, outcome, "named by the command that scores them")
    return JobResult(outcome.code, reason=_reason(outcome))


def _reason(outcome: Outcome) -> str:
    """How many of the trainings failed, with the first; empty where none did."""
    if not outcome.failures:
        return ""
    first, asked = outcome.failures[0], outcome.architectures
    return f"{len(outcome.failures)} of {asked} trainings failed, the first: {first.architecture}: {first.reason}"


def _print_skipped(console: Console, skipped: Mapping[str, Sequence[str]]) -> None:
    """One line for the predictors, by name, that lack the same columns."""
    by_columns: dict[tuple[str, ...], list[str]] = {}
    for name, columns in skipped.items():
        by_columns.setdefault(tuple(columns), []).append(name)
    for columns, names in by_columns.items():
        noun, verb = ("columns", "are") if len(columns) > 1 else ("column", "is")
        _print(console, f"skipping {', '.join(names)}: input {noun} {', '.join(columns)} {verb} not measured")


def _write_report(folder: Path, reports: Path, report: ReportConfig, progress: Count) -> Path:
    """The page of the run in `folder`, in a folder of the run's name, so that no run replaces the page of another.

    It is not drawn again where it was drawn from these tables with this configuration. The list of runs in `reports` is
    written anew.
    """
    from harness.processes.workers import idle_workers
    from harness.report.index import write_index
    from harness.report.write import is_current, page_lock, write

    out = page_folder(reports, folder.parent.name, folder.name)
    with page_lock(out):
        page = out / "index.html"
        if not is_current(folder, out, report):
            page = write(folder, out, report, progress, idle_workers())
    write_index(reports)
    return page


MOST_FAILURES = 10
"""Failed trainings that are printed one by one; tables/failures.csv has all."""


def _print_outcome(console: Console, outcome: Outcome, page: Path, rows: int | None) -> None:
    """Print what was computed and where, then the failures; the screen ends on the answer."""
    from harness.report.run_files import read
    from harness.report.screen import print_answer

    _print(console, f"engine {outcome.engine}\ntables {outcome.folder}")
    _print_failures(console, outcome, str(page.parent / "tables" / "failures.csv"))
    console.print()
    print_answer(read(outcome.folder), console, rows, visible(str(page)))


def _print_failures(console: Console, outcome: Outcome, others: str) -> None:
    """The warning of the outcome and its failures; `others` says where those are that are too many to print."""
    if outcome.warning:
        _print(console, f"warning {outcome.warning}")
    for failure in outcome.failures[:MOST_FAILURES]:
        _print(console, f"failed {failure.architecture}: {failure.reason}")
    more = len(outcome.failures) - MOST_FAILURES
    if more > 0:
        _print(console, f"failed {more} more: {others}")


def _print(console: Console, text: str) -> None:
    console.print(visible(text, lines=True), soft_wrap=True)
