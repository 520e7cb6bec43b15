"""What a run writes: where, which tables, and what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.evaluate.cost import front, time_to_tau
from harness.evaluate.judge import Judgement
from harness.runs.environment import code_fingerprint, environment
from harness.runs.spec import RunSpec
from harness.runs.train_many import Campaign, Failure
from harness.schema import (
    FACT_COLUMNS,
    SCHEMA_VERSION,
    Architecture,
    Drawable,
    Recorded,
    Trace,
    Truth,
    digest,
    settings,
)
from harness.storage.files import write_json, write_table, write_text


def place(spec: RunSpec, campaign: Campaign) -> Path:
    """The folder of this run's tables; its name is the same exactly for runs of the same settings on the same data."""
    parts: list[Any] = [spec.bench, spec.recipe, spec.evaluation, *spec.measures.values(), *spec.predictors.values()]
    parts += [*spec.fit_benches, *([spec.signal] if spec.signal else [])]
    names = [*spec.measures, *spec.predictors]
    hashed = digest([names, [settings(part) for part in parts], campaign.fingerprint])[:8]
    folder = f"{spec.bench.name}-{campaign.images.name}"
    part = f"n{spec.architectures}-skip{spec.skip}" if spec.skip else f"n{spec.architectures}"
    return spec.results / folder / f"seed{spec.seed}-{part}-{hashed}"


def identity(spec: RunSpec, campaign: Campaign, truth: Truth) -> str:
    """SHA-256 (hex) of everything beside the traces that the tables depend on: settings, truth, code."""
    components = [spec.bench, spec.dataset, spec.evaluation, *spec.measures.values(), *spec.predictors.values()]
    return digest([str(place(spec, campaign)), _fingerprint(truth), truth.source, code_fingerprint(components)])


def _fingerprint(truth: Truth) -> str:
    """SHA-256 (hex) of the accuracies, with their architectures and seeds."""
    return digest(truth.accuracy.to_json(double_precision=15))


def stands(folder: Path, identity: str) -> bool:
    """Whether the tables in `folder` are complete and were made from just this."""
    path = folder / "status.json"
    return path.is_file() and json.loads(path.read_text(encoding="utf-8")).get("identity") == identity


def write(
    folder: Path, tables: Mapping[str, pd.DataFrame], spec: RunSpec, kernels: str, status: Mapping[str, Any]
) -> None:
    """Store everything in `folder`; status.json, which vouches for the rest, goes first and comes back last."""
    (folder / "status.json").unlink(missing_ok=True)
    for name, table in tables.items():
        write_table(folder / f"{name}.parquet", table)
    write_text(folder / "config.yaml", spec.settings)
    write_json(folder / "environment.json", environment(spec.engine.device, kernels))
    write_json(folder / "status.json", status)


def tables(
    spec: RunSpec,
    sample: Sequence[Architecture],
    traces: Sequence[Trace],
    truth: Truth,
    fit_examples: Sequence[Trace],
    scores: pd.DataFrame,
    timings: pd.DataFrame,
    judgement: Judgement,
    failures: Sequence[Failure],
    train_images: int,
) -> dict[str, pd.DataFrame]:
    """The tables of docs/results.md, by name; `fit_examples` are the traces that learned predictors were fitted on."""
    mean = truth.mean()
    architectures = pd.DataFrame([vars(a) for a in sample]).rename(columns={"name": "architecture"})
    architectures["truth"] = architectures["architecture"].map(mean)
    architectures["index"] = architectures["index"].astype("Int64")
    long = truth.accuracy.rename_axis(index="architecture", columns="seed").stack()
    seeds = pd.DataFrame({"accuracy": long}).reset_index()
    costs = _costs(spec, traces, fit_examples, timings, train_images)
    metrics = judgement.metrics.merge(costs, on=["predictor", "step"], how="left")
    return {
        "architectures": architectures[["architecture", "group", "dead", "index", "truth"]],
        "truth": seeds.dropna(),
        "scores": scores,
        "metrics": metrics.assign(front=front(metrics)),
        "differences": judgement.differences,
        "ablations": judgement.ablations,
        "ceiling": judgement.ceiling,
        "selection": judgement.selection,
        "pairs": judgement.pairs,
        "time_to_tau": time_to_tau(metrics, spec.evaluation.targets),
        "edges": _edges(spec, sample),
        "failures": _failures(traces, scores, failures),
        "trajectories": _trajectories(traces),
    }


def _costs(
    spec: RunSpec,
    traces: Sequence[Trace],
    fit_examples: Sequence[Trace],
    timings: pd.DataFrame,
    train_images: int,
) -> pd.DataFrame:
    """Measured seconds of each predictor and budget, apart: what one more architecture costs, and what went before.

    `seconds` is the mean over `traces` of training up to there and of what the predictor reads, and its own time for
    one score; predictors of facts alone cost nothing, one that reads a zero-cost column still pays for its training.
    `initial_seconds` is what a learned predictor saw first: `fitted_on` trainings like those of `fit_examples`, with
    the measures it reads, and one fit. nan where the clock of anything in it was not recorded.
    """
    providers = spec.providers()
    read = {name: predictor.columns for name, predictor in spec.predictors.items()}
    clocks = {name: {f"seconds_{providers[c]}" for c in columns if providers[c]} for name, columns in read.items()}
    every = sorted(set().union(*clocks.values()))
    own = _Clocks.of(traces, every)
    taught_on = own if fit_examples is traces else _Clocks.of(fit_examples, every)
    rows = []
    for step in sorted(timings["step"].unique().tolist()):
        passes, spent = own.until(step)
        seen = spent if taught_on is own else taught_on.until(step)[1]
        for name, _, fitted_on, fit, score in timings[timings["step"] == step].itertuples(index=False):
            free = set(read[name]) <= set(FACT_COLUMNS)
            once, taught = (
                0.0 if free else float(np.mean(sum((told[clock] for clock in clocks[name]), told["seconds"])))
                for told in (spent, seen)
            )
            initial = fitted_on * taught + fit if fitted_on else 0.0
            query = 0.0 if free else once + score
            rows.append((name, step, passes, round(passes * train_images), query, fitted_on, initial))
    names = ["predictor", "step", "epoch", "images", "seconds", "fitted_on", "initial_seconds"]
    return pd.DataFrame(rows, columns=names)


@dataclass(frozen=True)
class _Clocks:
    """What traces say of time, one after the other, (observations,) each; `starts` is the place of each one's first."""

    columns: Mapping[str, NDArray[np.float64]]
    starts: NDArray[np.intp]

    @classmethod
    def of(cls, traces: Sequence[Trace], clocks: Sequence[str]) -> _Clocks:
        """Those of the traces that have any observation; nan for clocks that were not recorded."""
        tables = [trace.table for trace in traces if len(trace.table)]
        columns = {
            name: np.concatenate(
                [t[name].to_numpy(dtype=float) if name in t else np.full(len(t), np.nan) for t in tables]
            )
            for name in ("step", "epoch", "seconds", *clocks)
        }
        return cls(columns, np.cumsum([0, *map(len, tables)])[:-1])

    def until(self, step: int) -> tuple[float, dict[str, NDArray[np.float64]]]:
        """Passes over the images by then, and by clock the seconds of each training that was observed by then.

        "seconds" are those of the training so far; the others are added up over its observations.
        """
        within = self.columns["step"] <= step
        seen = np.add.reduceat(within, self.starts, dtype=np.intp)
        begun = seen > 0
        last = (self.starts + seen - 1)[begun]
        spent = {
            name: np.add.reduceat(np.where(within, values, 0.0), self.starts)[begun]
            for name, values in self.columns.items()
        }
        return float(self.columns["epoch"][last].max()), spent | {"seconds": self.columns["seconds"][last]}


def _edges(spec: RunSpec, sample: Sequence[Architecture]) -> pd.DataFrame:
    """The graph of every architecture of the sample, no row where the benchmark tells none."""
    drawn = spec.bench.edges if isinstance(spec.bench, Drawable) else lambda _: []
    rows = [(a.name, *edge) for a in sample for edge in drawn(a)]
    return pd.DataFrame(rows, columns=["architecture", "source", "target", "operation"], dtype="str")


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
        frames.append(trace.table.select_dtypes("number"))
    table = pd.concat(frames, ignore_index=True)
    table.insert(0, "architecture", np.repeat([t.architecture.name for t in traces], [len(frame) for frame in frames]))
    return table


def status(
    spec: RunSpec,
    campaign: Campaign,
    traces: Sequence[Trace],
    truth: Truth,
    seconds: float,
    identity: str,
    recorded: Recorded | None,
) -> dict[str, Any]:
    """What was run, on which data, against which truth."""
    return {
        "state": "complete" if len(traces) == spec.architectures else "partial",
        "bench": spec.bench.name,
        "dataset": campaign.images.name,
        "dataset_fingerprint": campaign.fingerprint,
        "seed": spec.seed,
        "architectures": spec.architectures,
        "skip": spec.skip,
        "trained": len(traces),
        "diverged": sum(t.diverged is not None for t in traces),
        "truth": {
            "train_set": truth.train_set,
            "split": truth.split,
            "epochs": truth.epochs,
            "seeds": list(truth.accuracy.columns),
            "source": truth.source,
            "fingerprint": _fingerprint(truth),
        },
        "evaluation": vars(spec.evaluation),
        "signal": {
            "split": spec.signal.split if spec.signal else ", ".join(spec.recipe.watch),
            "train_images": len(campaign.images.train[1]),
            "recorded": recorded.label if recorded else None,
            "test_leak": recorded.leak if recorded else "test" in spec.recipe.watch,
        },
        "recipe": vars(spec.recipe),
        "network": campaign.bench.network(),
        "fit_on": [bench.network() for bench in spec.fit_benches],
        "schema_version": SCHEMA_VERSION,
        "identity": identity,
        "seconds": round(seconds, 1),
    }
