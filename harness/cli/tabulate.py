"""`harness tabulate +bench=NAME`: make a table of ground truth for any data set.

Each architecture is trained to the end of the schedule with each seed, from random numbers that no run uses; the full
curves go into one Parquet file that `bench.source=FILE` reads. After an interrupt the same command resumes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from harness import __version__
from harness.cli.checks import check_images
from harness.config.components import build, fill
from harness.runs.campaign import Campaign
from harness.runs.engine import Engine
from harness.runs.train_many import train_missing
from harness.schema import SCHEMA_VERSION, BadInput, Benchmark, DataSet, Trace, demand
from harness.storage.files import write_atomically
from harness.storage.traces import TraceStore
from harness.sweep.job_files import JobResult

if TYPE_CHECKING:
    import pandas as pd

    from harness.train.recipe import Recipe

CURVES = ("train_loss", "valid_loss", "valid_accuracy", "test_loss", "test_accuracy")


@dataclass(frozen=True)
class TopLevel:
    """The keys at the top of conf/tabulate.yaml."""

    architectures: int
    seed: int
    seeds: list[int]
    data: str | None
    results: str
    out: str

    def __post_init__(self) -> None:
        demand(len(set(self.seeds)) == len(self.seeds) > 0, "seeds", "a list of distinct seeds", self.seeds)


def build_parts(config: DictConfig) -> tuple[TopLevel, Benchmark, DataSet, Recipe, Engine]:
    """The parts of what `config` describes, every setting checked. Raises BadInput."""
    top = fill(TopLevel, {field.name: config[field.name] for field in fields(TopLevel)}, "")
    bench, recipe = build(config.bench, "bench"), build(config.train, "train")
    engine, dataset = build(config.engine, "engine"), build(config.dataset, "dataset")
    demand(recipe.epochs is not None, "train.epochs", "a count (a table has one row per epoch)", recipe.epochs)
    all_images = "null (a table needs all images)"
    demand(recipe.watch_images is None, "train.watch_images", all_images, recipe.watch_images)
    demand(set(recipe.watch) == {"valid", "test"}, "train.watch", "[valid, test]", recipe.watch)
    return top, bench, dataset, recipe, engine


def check(config: DictConfig) -> None:
    """Raise BadInput for a setting out of its range and for images that cannot be had."""
    top, _, dataset, _, _ = build_parts(config)
    check_images(dataset, top.data)


def tabulate(config: DictConfig) -> JobResult:
    """Train what is missing, write the table, print its reliability; ends with code 3 if a training failed."""
    from rich.console import Console

    from harness.cli.progress import live

    top, bench, dataset, recipe, engine = build_parts(config)
    images = dataset.load(top.data)
    recipe = replace(recipe, observe_every=recipe.steps_per_epoch(len(images.train[1])))
    wanted = [(a, seed) for a in bench.sample(top.architectures, top.seed) for seed in top.seeds]
    kernels = engine.resolve_kernels(recipe, [bench], [])
    campaign = Campaign(bench, images, images.fingerprint(), recipe, {}, "truth", engine.device, kernels)
    store = TraceStore(Path(top.results) / "traces")
    with live("trainings") as progress:
        failures = train_missing(campaign, wanted, store, engine, progress)
    failed = {(f.architecture, f.seed) for f in failures}
    traces = [store.read(campaign.key(a.name, seed)) for a, seed in wanted if (a.name, seed) not in failed]
    if not traces:
        raise BadInput(f"architectures: must be at least 1 that can be trained (got 0); {failures[0].reason}")
    table = curves(traces, recipe.steps_per_epoch(len(images.train[1])))
    made = about(campaign, top.seed, traces)
    write(Path(top.out), table, made)
    lines = [summary(table, len(made["diverged"])), f"engine {kernels} kernels on {engine.device}", f"table {top.out}"]
    lines += [f"failed {failure.architecture}, seed {failure.seed}: {failure.reason}" for failure in failures]
    Console().print("\n".join(lines), highlight=False, soft_wrap=True)
    reason = f"{len(failures)} of {len(wanted)} trainings failed" if failures else ""
    return JobResult(3 if failures else 0, reason=reason)


def curves(traces: list[Trace], steps_per_epoch: int) -> pd.DataFrame:
    """One row per architecture, seed and finished epoch, the columns of CURVES in float32.

    The training loss of an epoch is the mean over its batches. A diverged training has no rows from there on.
    """
    import pandas as pd

    frames = []
    for trace in traces:
        ends = trace.table[(trace.table["step"] > 0) & (trace.table["step"] % steps_per_epoch == 0)]
        frame = ends[list(CURVES)].astype("float32")
        frame.insert(0, "epoch", (ends["step"] // steps_per_epoch).astype("int16"))
        frame.insert(0, "seed", trace.seed)
        frame.insert(0, "architecture", trace.architecture.name)
        frames.append(frame)
    table = pd.concat(frames, ignore_index=True)
    return table.sort_values(["architecture", "seed", "epoch"], ignore_index=True)


def about(campaign: Campaign, seed: int, traces: list[Trace]) -> dict[str, Any]:
    """How the table was made, enough to make it again, and which trainings diverged at which step."""
    diverged = [[t.architecture.name, t.seed, t.diverged] for t in traces if t.diverged is not None]
    return {
        "schema_version": SCHEMA_VERSION,
        "made_by": f"harness.cli.tabulate {__version__}",
        "dataset": campaign.images.name,
        "dataset_fingerprint": campaign.fingerprint,
        "network": campaign.bench.network(),
        "recipe": vars(campaign.recipe),
        "sample_seed": seed,
        "diverged": diverged,
    }


def write(path: Path, table: pd.DataFrame, about: dict[str, Any]) -> None:
    """Store the table with its recipe in the file's metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), b"tabulate": json.dumps(about).encode()})
    write_atomically(path, lambda file: pq.write_table(arrow, file, compression="zstd", compression_level=15))


def summary(table: pd.DataFrame, diverged: int) -> str:
    """Size of the table and how well its seeds agree, in words."""
    from harness.evaluate.ceiling import reliability

    last = table[table["epoch"] == table["epoch"].max()]
    final = last.pivot(index="architecture", columns="seed", values="test_accuracy")
    lines = [f"{len(final)} architectures x {final.shape[1]} seeds, {table['epoch'].max()} epochs"]
    if final.shape[1] > 1:
        found = reliability(final.to_numpy(dtype=float))
        lines.append(
            f"Kendall tau-b between two seeds {found.single:.3f}, of their mean {found.mean:.3f} (Spearman-Brown)"
        )
    return "; ".join([*lines, f"{diverged} diverged"] if diverged else lines)
