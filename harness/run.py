"""The story of one run: sample, train, score, judge, write."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from threadpoolctl import threadpool_limits

from harness import records
from harness.evaluate.judge import judge
from harness.evaluate.scoring import score_all
from harness.fleet import Campaign, Failure, Progress, train_missing
from harness.plan import Plan
from harness.schema import Architecture, BadInput, Trace
from harness.store import TraceStore


@dataclass(frozen=True)
class Outcome:
    """Where a run's tables lie, and what went wrong; `code` is 0, or 3 where a training failed."""

    folder: Path
    failures: list[Failure]

    @property
    def code(self) -> int:
        return 3 if self.failures else 0


def run(plan: Plan, progress: Progress) -> Outcome:
    """Carry `plan` out and write its tables; what is already trained, or already judged, is not done again."""
    begin = time.time()
    recorded = plan.bench.recorded(plan.dataset.name, plan.signal, plan.data) if plan.signal else None
    images = recorded.images if recorded else plan.dataset.load(plan.data)
    fingerprint = recorded.fingerprint if recorded else images.fingerprint()
    updates = plan.architectures * plan.recipe.total_steps(len(images.train[1]))
    kernels = "torch" if recorded else plan.engine.kernels_for(plan.recipe, updates)
    device = plan.engine.device
    campaign = Campaign(plan.bench, images, fingerprint, plan.recipe, plan.measures, "run", device, kernels)
    truth = plan.bench.truth(images.name, fingerprint, plan.data)
    known = [name for name in truth.mean().dropna().index if recorded is None or name in recorded.traces]
    sample = [replace(a, index=truth.index.get(a.name)) for a in _drawn(plan, known)]
    plan.budgets(len(images.train[1]))  # refused before anything is trained
    store = TraceStore(plan.results / "traces")
    lessons = [replace(campaign, bench=bench) for bench in plan.fit_benches]
    campaigns = () if recorded else (campaign, *lessons)
    all_known = all(each.key(a, plan.seed) in store for each in campaigns for a in sample)
    failures = _train(campaigns, sample, plan, store, progress)
    truth = replace(truth, accuracy=truth.accuracy.loc[[a.name for a in sample]])
    folder, identity = records.place(plan, campaign), records.identity(plan, campaign, truth)
    if all_known and records.stands(folder, identity):  # else the measured seconds are new
        return Outcome(folder, failures)
    read = recorded.traces.get if recorded else _reader(campaign, plan.seed, store)
    clocks = {column: f"seconds_{name}" for column, name in plan.providers().items() if name}
    traces = _traces(campaign, sample, read, clocks)
    if len(traces) < 2:
        raise BadInput(f"architectures: two that can be trained are needed, got {len(traces)}; {failures[0].reason}")
    accuracies = truth.mean().loc[[t.architecture.name for t in traces]].to_numpy()
    budgets = plan.budgets(len(images.train[1]))
    folds, seed, workers = plan.evaluation.folds, plan.evaluation.seed, plan.engine.processes(len(plan.predictors))
    trained = [t.architecture for t in traces]
    fitting = [
        {t.architecture.name: t for t in _traces(each, trained, _reader(each, plan.seed, store), clocks)}
        for each in lessons
    ]
    scores, timings = score_all(plan.predictors, traces, accuracies, budgets, folds, seed, fitting, workers)
    families = {name: predictor.family for name, predictor in plan.predictors.items()}
    with threadpool_limits(1):  # thousands of small products: threads only wait for each other
        judgement = judge(scores, truth, families, plan.evaluation, plan.readers_of("capacitance"), plan.twins())
    seen = [trace for other in fitting for trace in other.values()] or traces
    size = len(images.train[1])
    tables = records.tables(plan, sample, traces, truth, seen, scores, timings, judgement, failures, size)
    status = records.status(plan, campaign, traces, truth, time.time() - begin, identity, recorded)
    records.write(folder, tables, plan, "none" if recorded else kernels, status)
    return Outcome(folder, failures)


def _train(
    campaigns: Sequence[Campaign], sample: Sequence[Architecture], plan: Plan, store: TraceStore, progress: Progress
) -> list[Failure]:
    """Train what is missing; who failed, or left no trace for another reason."""
    wanted = [(architecture, plan.seed) for architecture in sample]
    failures = [failure for each in campaigns for failure in train_missing(each, wanted, store, plan.engine, progress)]
    told = {failure.architecture for failure in failures}
    lost = [a.name for each in campaigns for a, seed in wanted if each.key(a, seed) not in store]
    return failures + [Failure(name, plan.seed, "no trace was stored") for name in lost if name not in told]


def _drawn(plan: Plan, known: Sequence[str]) -> list[Architecture]:
    """The plan's architectures out of the names `known`: a part of the draw that begins behind those left out.

    Samples are nested, so that this part has none of a run that draws `plan.skip` architectures or fewer. Raises
    BadInput where there are not that many.
    """
    try:
        return plan.bench.sample(plan.skip + plan.architectures, plan.seed, known)[plan.skip :]
    except BadInput as error:
        if not plan.skip:
            raise
        raise BadInput(f"skip: fewer than {plan.skip} beside {plan.architectures} are needed; {error}") from error


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
