"""One run in five stages: truth and sample, train, load, score and judge, write."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from threadpoolctl import threadpool_limits

from harness.evaluate.groups import with_groups
from harness.evaluate.judge import judge
from harness.evaluate.scoring import score_all
from harness.evaluate.scoring_table import ScoringInput
from harness.evaluate.targets import by_target
from harness.files.lock import exclusive_lock
from harness.processes.workers import Workers
from harness.runs import identity, tables
from harness.runs.campaign import Campaign
from harness.runs.context import RunContext, Sample, Scores, Traces, Training, draw, prepare
from harness.runs.failures import Failure, Wanted
from harness.runs.files_of_scores import with_files_read
from harness.runs.further_truths import further_truths
from harness.runs.score_cache import StoredScores
from harness.runs.spec import RunSpec
from harness.runs.train_many import missing_of, train_missing
from harness.schema import Architecture, BadInput, Trace, demand
from harness.schema.made_with import mixture
from harness.schema.progress import Progress, silent
from harness.storage.compaction import compact_many
from harness.storage.files import remove_temporary
from harness.storage.tables import is_current
from harness.train.job import clocks

MANY = 2000
"""Traces above which workers that scored them end before the scores are judged; below, the next run uses them again."""


@dataclass(frozen=True)
class Outcome:
    """Where a run's tables lie, which trainings failed of how many, what computed.

    `code` is 0, or 3 where a training failed. `warning` says that traces were made with several sets of versions or
    machines; empty where they were not.
    """

    folder: Path
    failures: Sequence[Failure]
    engine: str
    architectures: int
    warning: str = ""

    @property
    def code(self) -> int:
        return 3 if self.failures else 0


def run(spec: RunSpec, progress: Progress) -> Outcome:
    """Carry out `spec` and write its tables; what is already trained or already judged is not done again.

    `progress` hears of the stages train, score and judge.

    Of two processes with the same run the second waits, with one line that says so.
    """
    context = prepare(spec)
    sample = truth_and_sample(context)
    folder = identity.folder(context)
    with _only_one(folder), spec.engine.opened() as workers:
        return _carry_out(context, sample, folder, workers, progress)


def only_train(spec: RunSpec, progress: Progress) -> Outcome:
    """Carry out the first two stages of `spec`: afterwards every trace that can be made is stored; no table is written.

    The folder of the outcome is that of the traces.
    """
    context = prepare(spec)
    demand(context.recorded is None, "stage", "all where recorded curves are read", "train")
    sample = truth_and_sample(context)
    with _only_one(identity.folder(context)), spec.engine.opened() as workers:
        training = train(context, sample, workers, progress)
    made = mixture(made_with(context, sample))
    return Outcome(context.store.folder, training.failures, engine_of(context), len(sample.architectures), made)


def _only_one(folder: Path) -> AbstractContextManager[None]:
    """The lock of the run in this folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    return exclusive_lock(folder.with_name(f".{folder.name}.lock"), str(folder), "working on", keep=True)


def _carry_out(context: RunContext, sample: Sample, folder: Path, workers: Workers, progress: Progress) -> Outcome:
    for place in (folder, context.store.folder):
        remove_temporary(place)
    demand_one_machine(context, sample, before=True)
    training = train(context, sample, workers, progress)
    demand_one_machine(context, sample)
    known_as = identity.identity(context, sample)
    if not (training.cached and is_current(folder, known_as)):  # newly trained: the measured seconds are new
        traces = load(context, sample)
        if len(traces.scored) < 2:
            reason = training.failures[0].reason
            raise BadInput(
                f"architectures: must be at least 2 that can be trained (got {len(traces.scored)}); {reason}"
            )
        scores = score_and_judge(context, sample, traces, workers, progress)
        write(context, sample, traces, scores, training)
    compact_many(context.store)
    return Outcome(
        folder, training.failures, engine_of(context), len(sample.architectures), mixture(made_with(context, sample))
    )


def truth_and_sample(context: RunContext) -> Sample:
    """Stage 1: the architectures that are drawn, out of those with a known accuracy, and their ground truth."""
    spec, campaign, recorded = context.spec, context.campaign, context.recorded
    truth = spec.bench.truth(campaign.images.name, campaign.fingerprint, spec.data)
    known = [name for name in truth.mean().dropna().index if recorded is None or name in recorded.traces]
    architectures = [replace(a, index=truth.index.get(a.name)) for a in draw(spec, known, truth.index)]
    predictors = with_files_read(spec.predictors, spec.bench, architectures)
    accuracy = truth.accuracy.loc[[a.name for a in architectures]]
    targets = further_truths(spec.bench, spec.targets, list(accuracy.index), spec.data)
    return Sample(architectures, replace(truth, accuracy=accuracy), predictors, targets)


def train(context: RunContext, sample: Sample, workers: Workers, progress: Progress) -> Training:
    """Stage 2: train what the store does not hold; a training that left no trace for any reason is a failure."""
    wanted: list[Wanted] = [(architecture, context.spec.seed) for architecture in sample.architectures]
    store = context.store
    cached = not any(missing_of(campaign, wanted, store) for campaign in context.campaigns)
    failures: list[Failure] = []
    for campaign in context.campaigns:
        failures += train_missing(
            campaign, wanted, store, workers, partial(progress, "train"), context.spec.engine.cards
        )
        known = {failure.architecture for failure in failures}
        lost = [a.name for a, _ in missing_of(campaign, wanted, store) if a.name not in known]
        failures += [Failure(name, context.spec.seed, "no trace was stored") for name in lost]
    return Training(failures, cached)


def load(context: RunContext, sample: Sample) -> Traces:
    """Stage 3: the traces that there are."""
    scored = _traces(context, context.campaign, sample.architectures)
    trained = [trace.architecture for trace in scored]
    fitting = [_traces(context, campaign, trained) for campaign in context.fit_campaigns]
    return Traces(scored, [{trace.architecture.name: trace for trace in each} for each in fitting])


def score_and_judge(
    context: RunContext, sample: Sample, traces: Traces, workers: Workers, progress: Progress = silent
) -> Scores:
    """Stage 4: a score of every architecture by every predictor at every budget, and how well they rank."""
    spec, truth = context.spec, sample.truth
    accuracies = truth.mean().loc[[trace.architecture.name for trace in traces.scored]].to_numpy()
    given = ScoringInput(
        traces.scored,
        accuracies,
        spec.budgets(context.train_images),
        spec.evaluation.folds,
        spec.evaluation.seed,
        traces.fitting,
        spec.evaluation.learned_every,
    )
    families = {name: predictor.family for name, predictor in spec.predictors.items()}
    groups = {architecture.name: architecture.group for architecture in sample.architectures}
    with threadpool_limits(1):  # thousands of small products: threads only wait for each other
        cache = StoredScores(spec.results / "scores")
        scores, timings = score_all(sample.predictors, given, workers, partial(progress, "score"), cache)
        if len(traces.scored) > MANY:
            workers.release()
        judgement = judge(
            scores,
            truth,
            families,
            spec.evaluation,
            spec.not_baselines(),
            spec.twins(),
            partial(progress, "judge"),
        )
        judgement = with_groups(judgement, scores, truth, groups, spec.evaluation)
        targets = by_target(scores, sample.targets, families, spec.evaluation) if sample.targets else None
    return Scores(scores, timings, judgement, targets)


def write(context: RunContext, sample: Sample, traces: Traces, scores: Scores, training: Training) -> None:
    """Stage 5: everything that is known of the run goes into its folder."""
    made = tables.tables(context, sample, traces, scores, training.failures)
    status = identity.status(context, sample, traces.scored) | {"made_with": made_with(context, sample)}
    identity.write(context, made, status)


def made_with(context: RunContext, sample: Sample) -> list[dict[str, str]]:
    """The distinct sets of versions and machines that the run's traces were made with."""
    keys = [c.key(a.name, context.spec.seed) for c in context.campaigns for a in sample.architectures]
    return context.store.made_with(keys)


def demand_one_machine(context: RunContext, sample: Sample, before: bool = False) -> None:
    """Raise BadInput where `engine.strict` is set and traces were made with several sets of versions and machines.

    `before` the training, this machine counts where something is to be trained here.
    """
    engine = context.spec.engine
    if not engine.strict or context.recorded:
        return
    sets = made_with(context, sample)
    wanted = [(architecture, context.spec.seed) for architecture in sample.architectures]
    if before and any(missing_of(campaign, wanted, context.store) for campaign in context.campaigns):
        from harness.train.machine import machine_facts

        sets = [*sets, machine_facts(engine.device)]
    mixed = mixture(sets)
    demand(not mixed, "engine.strict", f"false, or results another folder: {mixed}", engine.strict)


def engine_of(context: RunContext) -> str:
    """What computes, in a few words."""
    if context.recorded:
        return "recorded curves, nothing trained"
    engine = context.spec.engine
    return f"{context.kernels} kernels on {engine.device}"


def _traces(context: RunContext, campaign: Campaign, architectures: Sequence[Architecture]) -> list[Trace]:
    """The traces of those architectures whose training did not fail, in their order, with their facts."""
    recorded, names = context.recorded, [architecture.name for architecture in architectures]
    if recorded is None:
        found = context.store.gather([campaign.key(name, context.spec.seed) for name in names])
    else:
        clock_of = clocks({}, campaign.recipe)
        there = (recorded.traces.get(name) for name in names)
        found = [None if trace is None else replace(trace, clocks=clock_of) for trace in there]
    return [campaign.with_facts(trace) for trace in found if trace is not None]
