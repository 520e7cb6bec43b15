"""The story of one run: sample, train, score, evaluate, write."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.evaluate.judge import Evaluation, Judgement, judge
from harness.evaluate.scoring import score_all
from harness.fleet import Campaign, Engine, Failure, Progress, train_missing
from harness.records import environment, run_name
from harness.schema import (
    BASE_COLUMNS,
    FACT_COLUMNS,
    SCHEMA_VERSION,
    Architecture,
    BadInput,
    Benchmark,
    DataSet,
    Learned,
    Measure,
    Predictor,
    Trace,
    Truth,
    demand,
)
from harness.store import TraceStore, write_json, write_table, write_text
from harness.train.recipe import Recipe

CLOCK = ("step", "epoch", "seconds")


@dataclass(frozen=True)
class Plan:
    """One run, every part of it built and checked; `settings` is the configuration it came from, as YAML text."""

    bench: Benchmark
    dataset: DataSet
    recipe: Recipe
    measures: Mapping[str, Measure]
    predictors: Mapping[str, Predictor | Learned]
    evaluation: Evaluation
    engine: Engine
    seed: int
    architectures: int
    data: str | None
    results: Path
    settings: str

    def __post_init__(self) -> None:
        demand(self.architectures >= 2, "architectures", "a count of at least 2", self.architectures)
        demand(bool(self.predictors), "predictor", "at least one predictor", list(self.predictors))
        given = self.providers()
        for name, predictor in self.predictors.items():
            missing = sorted(set(predictor.columns) - set(given))
            demand(not missing, f"predictor.{name}", f"columns that are measured ({', '.join(sorted(given))})", missing)

    def providers(self) -> dict[str, str]:
        """Which clock a column's cost is on: a measure's or a watched split's name, or "" for what costs nothing."""
        columns = dict.fromkeys((*CLOCK, *FACT_COLUMNS, "train_loss", "train_accuracy"), "")
        watched = {c: c.partition("_")[0] for c in (*BASE_COLUMNS, "test_loss", "test_accuracy")}
        columns |= {column: split for column, split in watched.items() if split in self.recipe.watch}
        return columns | {c: name for name, measure in self.measures.items() for c in measure.columns}


@dataclass(frozen=True)
class Outcome:
    """Where a run's tables lie, and what went wrong; `code` is 0, or 3 where a training failed."""

    folder: Path
    failures: list[Failure]

    @property
    def code(self) -> int:
        return 3 if self.failures else 0


def run(plan: Plan, progress: Progress) -> Outcome:
    """Carry `plan` out and write its tables; what is already trained is read, not trained again."""
    begin = time.time()
    images = plan.dataset.load(plan.data)
    fingerprint = images.fingerprint()
    truth = plan.bench.truth(images.name, fingerprint, plan.data)
    known = truth.mean().dropna().index
    sample = plan.bench.sample(plan.architectures, plan.seed, list(known))
    campaign = Campaign(plan.bench, images, fingerprint, plan.recipe, plan.measures, "run")
    store = TraceStore(plan.results / "traces")
    failures = train_missing(campaign, [(a, plan.seed) for a in sample], store, plan.engine, progress)
    failed = {failure.architecture for failure in failures}
    traces = [
        _with_facts(store.read(campaign.key(a, plan.seed)), plan.bench.facts(a, images))
        for a in sample
        if a.name not in failed
    ]
    if len(traces) < 2:
        raise BadInput(f"architectures: two trained ones are needed, got {len(traces)}; {failures[0].reason}")
    own = replace(truth, accuracy=truth.accuracy.loc[[t.architecture.name for t in traces]])
    budgets = plan.evaluation.budgets or [s for s in plan.recipe.observed_steps(len(images.train[1])) if s]
    scores = score_all(
        plan.predictors, traces, own.mean().to_numpy(), budgets, plan.evaluation.folds, plan.evaluation.seed
    )
    families = {name: predictor.family for name, predictor in plan.predictors.items()}
    judgement = judge(scores, own, families, plan.evaluation)
    tables = _tables(plan, sample, traces, own, scores, judgement, failures)
    name = run_name(plan.seed, plan.architectures, campaign, plan.evaluation, plan.predictors)
    folder = plan.results / f"{plan.bench.name}-{images.name}" / name
    for name, table in tables.items():
        write_table(folder / f"{name}.parquet", table)
    write_text(folder / "config.yaml", plan.settings)
    write_json(folder / "environment.json", environment(plan.engine.device))
    write_json(folder / "status.json", _status(plan, campaign, traces, own, time.time() - begin))
    return Outcome(folder, failures)


def _with_facts(trace: Trace, facts: Mapping[str, float]) -> Trace:
    return replace(trace, table=trace.table.assign(**facts))


def _tables(
    plan: Plan,
    sample: Sequence[Architecture],
    traces: Sequence[Trace],
    truth: Truth,
    scores: pd.DataFrame,
    judgement: Judgement,
    failures: Sequence[Failure],
) -> dict[str, pd.DataFrame]:
    mean = truth.mean()
    architectures = pd.DataFrame([vars(a) for a in sample]).rename(columns={"name": "architecture"})
    architectures["truth"] = architectures["architecture"].map(mean)
    architectures["index"] = architectures["index"].astype("Int64")
    long = truth.accuracy.rename_axis(index="architecture", columns="seed").stack()
    seeds = pd.DataFrame({"accuracy": long}).reset_index()
    return {
        "architectures": architectures[["architecture", "group", "dead", "index", "truth"]],
        "truth": seeds.dropna(),
        "scores": scores,
        "metrics": judgement.metrics.merge(_costs(plan, traces, scores), on=["predictor", "step"], how="left"),
        "differences": judgement.differences,
        "ceiling": judgement.ceiling,
        "failures": _failures(traces, scores, failures),
        "trajectories": _trajectories(traces),
    }


def _costs(plan: Plan, traces: Sequence[Trace], scores: pd.DataFrame) -> pd.DataFrame:
    """Mean measured seconds of one architecture for each predictor and budget: training up to there and what it reads.

    A predictor that reads facts alone costs nothing; one that reads a zero-cost column still pays for its training.
    """
    providers = plan.providers()
    rows = []
    for step in sorted(scores["step"].unique()):
        cut = [t for t in (trace.until(step).table for trace in traces) if len(t)]
        trained = float(np.mean([t["seconds"].iloc[-1] for t in cut]))
        passes = float(np.max([t["epoch"].iloc[-1] for t in cut]))
        for name, predictor in plan.predictors.items():
            clocks = {f"seconds_{providers[c]}" for c in predictor.columns if providers[c]}
            measured = float(np.mean([t[sorted(clocks)].to_numpy().sum() for t in cut])) if clocks else 0.0
            free = set(predictor.columns) <= set(FACT_COLUMNS)
            rows.append((name, step, passes, step * plan.recipe.batch, 0.0 if free else trained + measured))
    return pd.DataFrame(rows, columns=["predictor", "step", "epoch", "images", "seconds"])


def _failures(traces: Sequence[Trace], scores: pd.DataFrame, failures: Sequence[Failure]) -> pd.DataFrame:
    columns = ["stage", "architecture", "predictor", "step", "reason"]
    trained = [("train", f.architecture, "", 0, f.reason) for f in failures]
    diverged = [
        ("train", t.architecture.name, "", t.diverged, f"diverged at step {t.diverged}")
        for t in traces
        if t.diverged is not None
    ]
    missing = scores[scores["reason"] != ""].assign(stage="score")
    return pd.concat([pd.DataFrame(trained + diverged, columns=columns), missing[columns]], ignore_index=True)


def _trajectories(traces: Sequence[Trace]) -> pd.DataFrame:
    """The number columns of all traces, one row an observation."""
    frames = []
    for trace in traces:
        numbers = trace.table.select_dtypes("number")
        numbers.insert(0, "architecture", trace.architecture.name)
        frames.append(numbers)
    return pd.concat(frames, ignore_index=True)


def _status(plan: Plan, campaign: Campaign, traces: Sequence[Trace], truth: Truth, seconds: float) -> dict[str, Any]:
    return {
        "state": "complete",
        "bench": plan.bench.name,
        "dataset": campaign.images.name,
        "dataset_fingerprint": campaign.fingerprint,
        "seed": plan.seed,
        "architectures": plan.architectures,
        "trained": len(traces),
        "diverged": sum(t.diverged is not None for t in traces),
        "truth": {
            "train_set": truth.train_set,
            "split": truth.split,
            "epochs": truth.epochs,
            "seeds": list(truth.accuracy.columns),
            "source": truth.source,
        },
        "recipe": vars(plan.recipe),
        "network": campaign.bench.network(),
        "schema_version": SCHEMA_VERSION,
        "seconds": round(seconds, 1),
    }
