"""Trainings side by side: what is missing is trained, each trace stored as soon as it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.runs.campaign import Campaign
from harness.runs.engine import Engine
from harness.schema import Architecture, BadInput
from harness.storage.traces import TraceStore

Progress = Callable[[int, int], None]
"""Called with (done, total) whenever one more training is finished."""

Wanted = tuple[Architecture, int]
"""An architecture and the seed of its training."""

FAULTS = (RuntimeError, ValueError, ArithmeticError, KeyError)
"""What one training may fail with while the others go on."""


@dataclass(frozen=True)
class Failure:
    """A training that gave no trace, and why."""

    architecture: str
    seed: int
    reason: str


def train_missing(
    campaign: Campaign, wanted: Iterable[Wanted], store: TraceStore, engine: Engine, progress: Progress
) -> list[Failure]:
    """Train each (architecture, seed) that the store does not hold; returns those that failed.

    Which process trains what, and in which order, changes no number.
    """
    pairs = list(wanted)
    missing = missing_of(campaign, pairs, store)
    done = len(pairs) - len(missing)
    progress(done, len(pairs))
    if missing and campaign.device != "cpu":
        from harness.train.process import demand_device

        demand_device(campaign.device)
    failures = []
    for failure in _train_each(campaign, missing, store, engine):
        done += 1
        progress(done, len(pairs))
        if failure is not None:
            failures.append(failure)
    return failures


def missing_of(campaign: Campaign, wanted: Sequence[Wanted], store: TraceStore) -> list[Wanted]:
    """Those of `wanted` of which the store holds no trace."""
    return [(a, seed) for a, seed in wanted if campaign.key(a.name, seed) not in store]


def _train_each(
    campaign: Campaign, missing: Sequence[Wanted], store: TraceStore, engine: Engine
) -> Iterable[Failure | None]:
    from joblib import Parallel, delayed

    processes = engine.processes(len(missing))
    if processes == 1:
        return (_train_one(campaign, each, store, engine.threads) for each in missing)
    parallel = Parallel(n_jobs=processes, return_as="generator_unordered", batch_size=1)
    outcomes: Iterable[Failure | None] = parallel(
        delayed(_train_one)(campaign, each, store, engine.threads) for each in missing
    )
    return outcomes


def _train_one(campaign: Campaign, wanted: Wanted, store: TraceStore, threads: int) -> Failure | None:
    from harness.train.loop import train
    from harness.train.process import prepare

    prepare(threads)
    architecture, seed = wanted
    try:
        trace = train(campaign.job(architecture, seed))
    except BadInput:
        raise
    except FAULTS as error:
        return Failure(architecture.name, seed, f"{type(error).__name__}: {error}".splitlines()[0])
    store.write(campaign.key(architecture.name, seed), trace)
    return None
