"""What a run writes: where, which tables, and what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.environment import code_fingerprint, environment
from harness.evaluate.judge import Judgement
from harness.fleet import Campaign, Failure
from harness.plan import Plan
from harness.schema import FACT_COLUMNS, SCHEMA_VERSION, Architecture, Recorded, Trace, Truth, digest, settings
from harness.store import write_json, write_table, write_text


def place(plan: Plan, campaign: Campaign) -> Path:
    """The folder of this run's tables; its name is the same exactly for runs of the same settings on the same data."""
    parts: list[Any] = [plan.bench, plan.recipe, plan.evaluation, *plan.measures.values(), *plan.predictors.values()]
    parts += [*plan.fit_benches, *([plan.signal] if plan.signal else [])]
    names = [*plan.measures, *plan.predictors]
    hashed = digest([names, [settings(part) for part in parts], campaign.fingerprint])[:8]
    folder = f"{plan.bench.name}-{campaign.images.name}"
    return plan.results / folder / f"seed{plan.seed}-n{plan.architectures}-{hashed}"


def identity(plan: Plan, campaign: Campaign, truth: Truth) -> str:
    """SHA-256 (hex) of everything beside the traces that the tables depend on: settings, truth, code."""
    components = [plan.bench, plan.dataset, plan.evaluation, *plan.measures.values(), *plan.predictors.values()]
    accuracies = truth.accuracy.to_json(double_precision=15)
    return digest([str(place(plan, campaign)), accuracies, truth.source, code_fingerprint(components)])


def stands(folder: Path, identity: str) -> bool:
    """Whether the tables in `folder` are complete and were made from just this."""
    path = folder / "status.json"
    return path.is_file() and json.loads(path.read_text(encoding="utf-8")).get("identity") == identity


def write(folder: Path, tables: Mapping[str, pd.DataFrame], plan: Plan, status: Mapping[str, Any]) -> None:
    """Store everything in `folder`; status.json, which vouches for the rest, goes first and comes back last."""
    (folder / "status.json").unlink(missing_ok=True)
    for name, table in tables.items():
        write_table(folder / f"{name}.parquet", table)
    write_text(folder / "config.yaml", plan.settings)
    write_json(folder / "environment.json", environment(plan.engine.device))
    write_json(folder / "status.json", status)


def tables(
    plan: Plan,
    sample: Sequence[Architecture],
    traces: Sequence[Trace],
    truth: Truth,
    scores: pd.DataFrame,
    judgement: Judgement,
    failures: Sequence[Failure],
    train_images: int,
) -> dict[str, pd.DataFrame]:
    """The tables of docs/results.md, by name."""
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
        "metrics": judgement.metrics.merge(
            _costs(plan, traces, scores, train_images), on=["predictor", "step"], how="left"
        ),
        "differences": judgement.differences,
        "ablations": judgement.ablations,
        "ceiling": judgement.ceiling,
        "failures": _failures(traces, scores, failures),
        "trajectories": _trajectories(traces),
    }


def _costs(plan: Plan, traces: Sequence[Trace], scores: pd.DataFrame, train_images: int) -> pd.DataFrame:
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
            spent = [t.reindex(columns=sorted(clocks)).to_numpy().sum() for t in cut]  # nan: not recorded
            measured = float(np.mean(spent)) if clocks else 0.0
            free = set(predictor.columns) <= set(FACT_COLUMNS)
            rows.append((name, step, passes, round(passes * train_images), 0.0 if free else trained + measured))
    return pd.DataFrame(rows, columns=["predictor", "step", "epoch", "images", "seconds"])


def _failures(traces: Sequence[Trace], scores: pd.DataFrame, failures: Sequence[Failure]) -> pd.DataFrame:
    columns = ["stage", "architecture", "predictor", "step", "reason"]
    trained = [("train", f.architecture, "", 0, f.reason) for f in failures]
    diverged = [
        ("train", t.architecture.name, "", t.diverged, f"diverged at step {t.diverged}")
        for t in traces
        if t.diverged is not None
    ]
    measured = [
        ("measure", t.architecture.name, "", int(row["step"]), f"{column.removeprefix('failed_')}: {row[column]}")
        for t in traces
        for column in map(str, t.table)
        if column.startswith("failed_")
        for row in t.table[t.table[column].notna()].to_dict("records")
    ]
    missing = scores[scores["reason"] != ""].assign(stage="score")
    return pd.concat(
        [pd.DataFrame(trained + diverged + measured, columns=columns), missing[columns]], ignore_index=True
    )


def _trajectories(traces: Sequence[Trace]) -> pd.DataFrame:
    """The number columns of all traces, one row an observation."""
    frames = []
    for trace in traces:
        numbers = trace.table.select_dtypes("number")
        numbers.insert(0, "architecture", trace.architecture.name)
        frames.append(numbers)
    return pd.concat(frames, ignore_index=True)


def status(
    plan: Plan,
    campaign: Campaign,
    traces: Sequence[Trace],
    truth: Truth,
    seconds: float,
    identity: str,
    recorded: Recorded | None,
) -> dict[str, Any]:
    """What was run, on which data, against which truth."""
    return {
        "state": "complete" if len(traces) == plan.architectures else "partial",
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
        "signal": {
            "split": plan.signal.split if plan.signal else ", ".join(plan.recipe.watch),
            "train_images": len(campaign.images.train[1]),
            "recorded": recorded.label if recorded else None,
            "test_leak": recorded.leak if recorded else "test" in plan.recipe.watch,
        },
        "recipe": vars(plan.recipe),
        "network": campaign.bench.network(),
        "fit_on": [bench.network() for bench in plan.fit_benches],
        "schema_version": SCHEMA_VERSION,
        "identity": identity,
        "seconds": round(seconds, 1),
    }
