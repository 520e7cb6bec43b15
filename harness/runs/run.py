"""The run_job of one run: sample, train, score, judge, write."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from threadpoolctl import threadpool_limits

from harness.evaluate.judge import judge
from harness.evaluate.scoring import score_all
from harness.runs import records
from harness.runs.spec import RunSpec
from harness.runs.train_many import Campaign, Failure, Progress, train_missing
from harness.schema import Architecture, BadInput, Trace
from harness.storage.traces import TraceStore


@dataclass(frozen=True)
class Outcome:
    """Where a run's tables lie, and what went wrong; `code` is 0, or 3 where a training failed."""

    folder: Path
    failures: list[Failure]

    @property
    def code(self) -> int:
        return 3 if self.failures else 0


def run(spec: RunSpec, progress: Progress) -> Outcome:
    """Carry `spec` out and write its tables; what is already trained, or already judged, is not done again."""
    begin = time.time()
    recorded = spec.bench.recorded(spec.dataset.name, spec.signal, spec.data) if spec.signal else None
    images = recorded.images if recorded else spec.dataset.load(spec.data)
    fingerprint = recorded.fingerprint if recorded else images.fingerprint()
    updates = spec.architectures * spec.recipe.total_steps(len(images.train[1]))
    kernels = "torch" if recorded else spec.engine.kernels_for(spec.recipe, updates)
    device = spec.engine.device
    campaign = Campaign(spec.bench, images, fingerprint, spec.recipe, spec.measures, "run", device, kernels)
    truth = spec.bench.truth(images.name, fingerprint, spec.data)
    known = [name for name in truth.mean().dropna().index if recorded is None or name in recorded.traces]
    sample = [replace(a, index=truth.index.get(a.name)) for a in _drawn(spec, known)]
    spec.budgets(len(images.train[1]))  # refused before anything is trained
    store = TraceStore(spec.results / "traces")
    fit_examples = [replace(campaign, bench=bench) for bench in spec.fit_benches]
    campaigns = () if recorded else (campaign, *fit_examples)
    all_known = all(each.key(a, spec.seed) in store for each in campaigns for a in sample)
    failures = _train(campaigns, sample, spec, store, progress)
    truth = replace(truth, accuracy=truth.accuracy.loc[[a.name for a in sample]])
    folder, identity = records.place(spec, campaign), records.identity(spec, campaign, truth)
    if all_known and records.stands(folder, identity):  # else the measured seconds are new
        return Outcome(folder, failures)
    read = recorded.traces.get if recorded else _reader(campaign, spec.seed, store)
    clocks = {column: f"seconds_{name}" for column, name in spec.providers().items() if name}
    traces = _traces(campaign, sample, read, clocks)
    if len(traces) < 2:
        raise BadInput(f"architectures: two that can be trained are needed, got {len(traces)}; {failures[0].reason}")
    accuracies = truth.mean().loc[[t.architecture.name for t in traces]].to_numpy()
    budgets = spec.budgets(len(images.train[1]))
    folds, seed, workers = spec.evaluation.folds, spec.evaluation.seed, spec.engine.processes(len(spec.predictors))
    trained = [t.architecture for t in traces]
    fitting = [
        {t.architecture.name: t for t in _traces(each, trained, _reader(each, spec.seed, store), clocks)}
        for each in fit_examples
    ]
    scores, timings = score_all(spec.predictors, traces, accuracies, budgets, folds, seed, fitting, workers)
    families = {name: predictor.family for name, predictor in spec.predictors.items()}
    with threadpool_limits(1):  # thousands of small products: threads only wait for each other
        judgement = judge(scores, truth, families, spec.evaluation, spec.readers_of("capacitance"), spec.twins())
    seen = [trace for other in fitting for trace in other.values()] or traces
    size = len(images.train[1])
    tables = records.tables(spec, sample, traces, truth, seen, scores, timings, judgement, failures, size)
    status = records.status(spec, campaign, traces, truth, time.time() - begin, identity, recorded)
    records.write(folder, tables, spec, "none" if recorded else kernels, status)
    return Outcome(folder, failures)


def _train(
    campaigns: Sequence[Campaign], sample: Sequence[Architecture], spec: RunSpec, store: TraceStore, progress: Progress
) -> list[Failure]:
    """Train what is missing; who failed, or left no trace for another reason."""
    wanted = [(architecture, spec.seed) for architecture in sample]
    failures = [failure for each in campaigns for failure in train_missing(each, wanted, store, spec.engine, progress)]
    told = {failure.architecture for failure in failures}
    lost = [a.name for each in campaigns for a, seed in wanted if each.key(a, seed) not in store]
    return failures + [Failure(name, spec.seed, "no trace was stored") for name in lost if name not in told]


def _drawn(spec: RunSpec, known: Sequence[str]) -> list[Architecture]:
    """The spec's architectures out of the names `known`: a part of the draw that begins behind those left out.

    Samples are nested, so that this part has none of a run that draws `spec.skip` architectures or fewer. Raises
    BadInput where there are not that many.
    """
    try:
        return spec.bench.sample(spec.skip + spec.architectures, spec.seed, known)[spec.skip :]
    except BadInput as error:
        if not spec.skip:
            raise
        raise BadInput(f"skip: fewer than {spec.skip} beside {spec.architectures} are needed; {error}") from error


def _reader(campaign: Campaign, seed: int, store: TraceStore) -> Callable[[str], Trace | None]:
    """Gives the stored trace of an architecture by name, None where its training failed."""

    def read(name: str) -> Trace | None:
        key = campaign.key(Architecture(name, name), seed)
        return store.read(key) if key in store else None

    return read


def _traces(
    campaign: Campaign,
    sample: Sequence[Architecture],
    read: Callable[[str], Trace | None],
    clocks: Mapping[str, str],
) -> list[Trace]:
    """The traces there are, with the benchmark's facts as columns and the `clocks` of the others.

    A column that its measure never gave, since it failed at every reading, is nan all along.
    """
    traces = []
    for architecture in sample:
        if (trace := read(architecture.name)) is not None:
            facts = campaign.bench.facts(architecture, campaign.images)
            never = {c for m in campaign.measures.values() for c in m.columns} - set(trace.table)
            table = trace.table.assign(**facts, **dict.fromkeys(sorted(never), float("nan")))
            traces.append(replace(trace, architecture=architecture, table=table, clocks=clocks))
    return traces
