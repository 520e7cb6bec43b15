"""The story of one run: sample, train, score, judge, write."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
    images = plan.dataset.load(plan.data)
    campaign = Campaign(plan.bench, images, images.fingerprint(), plan.recipe, plan.measures, "run", plan.engine.device)
    truth = plan.bench.truth(images.name, campaign.fingerprint, plan.data)
    known = list(truth.mean().dropna().index)
    sample = [
        replace(a, index=truth.index.get(a.name)) for a in plan.bench.sample(plan.architectures, plan.seed, known)
    ]
    plan.budgets(len(images.train[1]))  # refused before anything is trained
    store = TraceStore(plan.results / "traces")
    lessons = [replace(campaign, bench=bench) for bench in plan.fit_benches]
    all_known = all(each.key(a, plan.seed) in store for each in (campaign, *lessons) for a in sample)
    failures = [
        failure
        for each in (campaign, *lessons)
        for failure in train_missing(each, [(a, plan.seed) for a in sample], store, plan.engine, progress)
    ]
    truth = replace(truth, accuracy=truth.accuracy.loc[[a.name for a in sample]])
    folder, identity = records.place(plan, campaign), records.identity(plan, campaign, truth)
    if all_known and records.stands(folder, identity):  # else the measured seconds are new
        return Outcome(folder, failures)
    traces = _traces(campaign, sample, plan.seed, store)
    if len(traces) < 2:
        raise BadInput(f"architectures: two that can be trained are needed, got {len(traces)}; {failures[0].reason}")
    accuracies = truth.mean().loc[[t.architecture.name for t in traces]].to_numpy()
    budgets = plan.budgets(len(images.train[1]))
    folds, seed = plan.evaluation.folds, plan.evaluation.seed
    trained = [t.architecture for t in traces]
    fitting = [{t.architecture.name: t for t in _traces(each, trained, plan.seed, store)} for each in lessons]
    scores = score_all(plan.predictors, traces, accuracies, budgets, folds, seed, fitting)
    families = {name: predictor.family for name, predictor in plan.predictors.items()}
    judgement = judge(scores, truth, families, plan.evaluation)
    tables = records.tables(plan, sample, traces, truth, scores, judgement, failures, len(images.train[1]))
    records.write(folder, tables, plan, records.status(plan, campaign, traces, truth, time.time() - begin, identity))
    return Outcome(folder, failures)


def _traces(campaign: Campaign, sample: Sequence[Architecture], seed: int, store: TraceStore) -> list[Trace]:
    """The stored traces, with the benchmark's facts as columns; none of an architecture whose training failed."""
    traces = []
    for architecture in sample:
        key = campaign.key(architecture, seed)
        if key in store:
            trace, facts = store.read(key), campaign.bench.facts(architecture, campaign.images)
            traces.append(replace(trace, architecture=architecture, table=trace.table.assign(**facts)))
    return traces
