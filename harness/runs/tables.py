"""The tables of one run, as harness/schema/columns.py declares them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness.evaluate.cost import CostInput, Reads, costs, front, time_to_tau
from harness.evaluate.judge import Judgement
from harness.evaluate.predictions import NOT_YET
from harness.runs.context import RunContext, Sample, Scores, Traces
from harness.runs.failures import Failure
from harness.runs.spec import RunSpec
from harness.schema import (
    Architecture,
    Benchmark,
    Drawable,
    KnownElsewhere,
    KnownOrigin,
    Trace,
    Truth,
    are_properties,
    at_initialization,
    columns,
)


def tables(
    context: RunContext, sample: Sample, traces: Traces, scores: Scores, failures: Sequence[Failure]
) -> dict[str, pd.DataFrame]:
    """The tables of docs/results.md, by name."""
    spec = context.spec
    paid = costs(CostInput(_reads(spec), traces.scored, traces.fitted_on, context.train_images), scores.timings)
    return {
        "architectures": _with_origin(
            architectures_table(sample.architectures, sample.truth), spec.bench, traces.scored
        ),
        "truth": truth_table(sample.truth),
        "scores": scores.scores,
        **judged_tables(scores.judgement, paid, spec.evaluation.targets),
        "edges": _edges(spec.bench, sample.architectures),
        "failures": _failures(traces.scored, scores.scores, failures),
        "trajectories": _trajectories(traces.scored),
        **({} if scores.targets is None else {"targets": scores.targets}),
        **_elsewhere(spec.bench, context.campaign.images.name, sample.architectures),
    }


def judged_tables(judgement: Judgement, paid: pd.DataFrame, targets: Sequence[float]) -> dict[str, pd.DataFrame]:
    """The tables that follow from a judgement and what each score costs, `paid` as `evaluate.cost.costs` gives it."""
    metrics = judgement.metrics.merge(paid, on=["predictor", "step"], how="left")
    return {
        "metrics": metrics.assign(front=front(metrics)),
        "differences": judgement.differences,
        "ablations": judgement.ablations,
        "ceiling": judgement.ceiling,
        "selection": judgement.selection,
        "pairs": judgement.pairs,
        "time_to_tau": time_to_tau(metrics, targets),
    }


def _reads(spec: RunSpec) -> dict[str, Reads]:
    """What each predictor pays for: the clocks of what it reads, and whether it needs training."""
    clock_of = spec.clock_of()
    return {
        name: Reads(
            frozenset(clock_of[column] for column in predictor.columns if clock_of[column]),
            are_properties(predictor.columns),
            at_initialization(predictor),
        )
        for name, predictor in spec.predictors.items()
    }


def architectures_table(architectures: Sequence[Architecture], truth: Truth) -> pd.DataFrame:
    """A row per architecture, with its mean accuracy."""
    table = pd.DataFrame([vars(a) for a in architectures]).rename(columns={"name": "architecture"})
    table["truth"] = table["architecture"].map(truth.mean())
    table["index"] = table["index"].astype("Int64")
    noted = ["note"] if table["note"].any() else []
    return table[[*columns.ARCHITECTURES.required, *noted]]


def _with_origin(table: pd.DataFrame, bench: Benchmark, traces: Sequence[Trace]) -> pd.DataFrame:
    """The table with size and origin, where the benchmark knows the latter."""
    if not isinstance(bench, KnownOrigin):
        return table
    names = table["architecture"]
    sizes = {trace.architecture.name: float(trace.numbers("params")[-1]) for trace in traces}
    return table.assign(params=names.map(sizes).astype(float), origin=[bench.origin(name) for name in names])


def truth_table(truth: Truth) -> pd.DataFrame:
    """A row per recorded seed; a seed that is missing has none."""
    long = truth.accuracy.rename_axis(index="architecture", columns="seed").stack()
    return pd.DataFrame({"accuracy": long}).reset_index().dropna()


def _elsewhere(bench: Benchmark, dataset: str, architectures: Sequence[Architecture]) -> dict[str, pd.DataFrame]:
    """The table `elsewhere`, where the benchmark knows these architectures on other data sets."""
    known = bench.elsewhere(dataset) if isinstance(bench, KnownElsewhere) else {}
    names = [architecture.name for architecture in architectures]
    tables = [
        pd.DataFrame({"accuracy": found.reindex(names).rename_axis(index="architecture", columns="seed").stack()})
        .reset_index().dropna().assign(dataset=other)
        for other, found in known.items()
    ]  # fmt: skip
    rows = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return {"elsewhere": rows[columns.ELSEWHERE.names]} if len(rows) else {}


def _edges(bench: Benchmark, architectures: Sequence[Architecture]) -> pd.DataFrame:
    """The graph of every architecture, no row where the benchmark draws none."""
    rows = [(a.name, *edge) for a in architectures for edge in bench.edges(a)] if isinstance(bench, Drawable) else []
    return pd.DataFrame(rows, columns=columns.EDGES.names, dtype="str")


def _failures(traces: Sequence[Trace], scores: pd.DataFrame, failures: Sequence[Failure]) -> pd.DataFrame:
    """What gave no number: trainings, readings of measures, scores."""
    trained = [("train", f.architecture, "", 0, f.reason) for f in failures]
    diverged = [
        ("train", trace.architecture.name, "", trace.diverged, f"diverged at step {trace.diverged}")
        for trace in traces
        if trace.diverged is not None
    ]
    measured = [
        ("measure", trace.architecture.name, "", step, f"{measure}: {reason}")
        for trace in traces
        for measure, step, reason in _failed_readings(trace)
    ]
    names = columns.FAILURES.names
    failed = (scores["reason"] != "") & ~scores["reason"].str.startswith(NOT_YET)
    missing = scores[failed].assign(stage="score")
    return pd.concat([pd.DataFrame(trained + diverged + measured, columns=names), missing[names]], ignore_index=True)


def _failed_readings(trace: Trace) -> list[tuple[str, int, str]]:
    """Measure, step and reason of every reading that failed, or that has no value of some columns."""
    failed = [str(name) for name in trace.table if str(name).startswith(("failed_", "missing_"))]
    return [
        (name.partition("_")[2], int(step), str(reason))
        for name in failed
        for step, reason in trace.table.loc[trace.table[name].notna(), ["step", name]].itertuples(index=False)
    ]


def _trajectories(traces: Sequence[Trace]) -> pd.DataFrame:
    """The number columns of all traces, one row per observation."""
    frames = [trace.table.select_dtypes("number") for trace in traces]
    table = pd.concat(frames, ignore_index=True)
    names = np.repeat([trace.architecture.name for trace in traces], [len(frame) for frame in frames])
    table.insert(0, "architecture", names)
    return table
