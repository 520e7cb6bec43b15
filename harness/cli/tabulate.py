"""`harness tabulate +bench=NAME`: make a table of ground truth for any data set.

Each architecture is trained to the end of the schedule with each seed, from random numbers that no run uses; the full
curves go into one Parquet file that `bench.source=FILE` reads. After an interrupt the same command resumes.
With `+measure=capacitance measure.capacitance.mode=head` networks are trained through that head instead of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from harness.cli.checks import check_images
from harness.config.components import build, build_all, fill
from harness.files.lock import exclusive_lock
from harness.files.paths import demand_folder, demand_name, demand_writable
from harness.runs.campaign import Campaign
from harness.runs.engine import Engine
from harness.runs.train_many import train_missing
from harness.schema import BadInput, Benchmark, DataSet, HeadMaker, ImageSet, Recording, demand, settings
from harness.storage.traces import TraceStore
from harness.sweep.job_files import JobResult

if TYPE_CHECKING:
    from harness.runs.failures import Failure
    from harness.schema import Measure
    from harness.train.recipe import Recipe


@dataclass(frozen=True)
class TopLevel:
    """The keys at the top of conf/tabulate.yaml."""

    architectures: int | None
    seed: int
    seeds: list[int]
    data: str | None
    results: str
    out: str

    def __post_init__(self) -> None:
        few = self.architectures is not None and self.architectures < 1
        demand(not few, "architectures", "at least 1 (or null: all)", self.architectures)
        demand(len(set(self.seeds)) == len(self.seeds) > 0, "seeds", "a list of distinct seeds", self.seeds)


def build_parts(config: DictConfig) -> tuple[TopLevel, Benchmark, DataSet, Recipe, Engine]:
    """The parts of what `config` describes, every setting checked. Raises BadInput."""
    top = fill(TopLevel, {field.name: config[field.name] for field in fields(TopLevel)}, "")
    demand_name("dataset.name", config.dataset.name)
    demand_name("bench.name", config.bench.name)
    bench, recipe = build(config.bench, "bench"), build(config.train, "train")
    engine, dataset = build(config.engine, "engine"), build(config.dataset, "dataset")
    demand(recipe.epochs is not None, "train.epochs", "a count (a table has one row per epoch)", recipe.epochs)
    all_images = "null (a table needs all images)"
    demand(recipe.watch_images is None, "train.watch_images", all_images, recipe.watch_images)
    demand(set(recipe.watch) == {"valid", "test"}, "train.watch", "[valid, test]", recipe.watch)
    _heads(config)
    demand_folder("results", Path(top.results) / "traces")
    demand_writable("out", Path(top.out))
    return top, bench, dataset, recipe, engine


def _heads(config: DictConfig) -> dict[str, Measure]:
    """The measures of the configuration, which replace the networks' heads: a table holds accuracies, no readings."""
    found: dict[str, Measure] = build_all(config.get("measure"), "measure")
    others = [name for name, m in found.items() if not (isinstance(m, HeadMaker) and m.replaces_head)]
    demand(not others, "measure", "measures that replace the network's head", others)
    return found


def check(config: DictConfig) -> None:
    """Raise BadInput for a setting out of its range and for images that cannot be had."""
    top, _, dataset, _, _ = build_parts(config)
    check_images(dataset, top.data)


def tabulate(config: DictConfig) -> JobResult:
    """Train what is missing, write the table, print its reliability; ends with code 3 if a training failed.

    Of two processes that make the same file the second waits.
    """
    out = Path(config.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(out.with_name(f".{out.name}.lock"), str(out), "making", keep=True):
        return _tabulate(config)


def _tabulate(config: DictConfig) -> JobResult:
    from harness.benches import tabulated
    from harness.cli.progress import live
    from harness.runs import tabulation

    top, bench, dataset, recipe, engine = build_parts(config)
    campaign = _campaign(bench, recipe.limited(dataset.load(top.data)), recipe, engine, _heads(config))
    wanted = [(a, seed) for a in bench.sample(top.architectures, top.seed) for seed in top.seeds]
    store = TraceStore(Path(top.results) / "traces")
    with live("train") as progress, engine.opened() as workers:
        failures = train_missing(campaign, wanted, store, workers, partial(progress, "train"), engine.cards)
    failed = {(f.architecture, f.seed) for f in failures}
    keys = {(a.name, seed): campaign.key(a.name, seed) for a, seed in wanted}
    traces = [store.read(key) for training, key in keys.items() if training not in failed]
    if not traces:
        raise BadInput(f"architectures: must be at least 1 that can be trained (got 0); {failures[0].reason}")
    columns = bench.recorded_columns if isinstance(bench, Recording) else ()
    per_epoch = campaign.recipe.steps_per_epoch(len(campaign.images.train[1]))
    table = tabulation.curves(traces, per_epoch, columns)
    made = tabulation.about(campaign, top.seed, traces) | {"dataset_settings": settings(dataset)}
    made |= {"made_with": store.made_with([*keys.values()])} | _about_heads(config)
    tabulated.write(Path(top.out), table, made)
    _say(tabulation.summary(table, len(made["diverged"])), campaign, top.out, made["made_with"], failures)
    reason = f"{len(failures)} of {len(wanted)} trainings failed" if failures else ""
    return JobResult(3 if failures else 0, reason=reason)


def _campaign(
    bench: Benchmark, images: ImageSet, recipe: Recipe, engine: Engine, heads: Mapping[str, Measure]
) -> Campaign:
    """The trainings of a table: one observation an epoch, of what the benchmark records besides accuracies."""
    recipe = replace(recipe, observe_every=recipe.steps_per_epoch(len(images.train[1])))
    measures = {**heads, **(bench.recorded_measures() if isinstance(bench, Recording) else {})}
    kernels = engine.resolve_kernels(recipe, [bench], list(measures.values()))
    place = engine.device, kernels, engine.threads, engine.gpu_type()
    return Campaign(bench, images, images.fingerprint(), recipe, measures, "truth", *place)


def _about_heads(config: DictConfig) -> dict[str, object]:
    """The settings of the head in place of the networks' own, where there is one."""
    heads = {name: settings(measure) for name, measure in _heads(config).items()}
    return {"head": heads} if heads else {}


def _say(
    summary: str, campaign: Campaign, out: str, machines: Sequence[Mapping[str, str]], failures: Sequence[Failure]
) -> None:
    """Print how reliable the table is, where it lies, what made it and what is missing in it."""
    from harness.cli.terminal import console
    from harness.schema.made_with import mixture

    lines = [summary, f"engine {campaign.kernels} kernels on {campaign.device}", f"table {out}"]
    lines += [line for line in (mixture(machines),) if line]
    lines += [f"failed {failure.architecture}, seed {failure.seed}: {failure.reason}" for failure in failures]
    console().print("\n".join(lines), soft_wrap=True)
