"""Trainings side by side: what is missing is trained, each trace stored as soon as it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from harness.processes.killed import Killed
from harness.processes.workers import Workers
from harness.runs.campaign import Campaign
from harness.runs.failures import Failure, Wanted, failed, reason_of
from harness.runs.train_on_cards import Cards, train_on_cards
from harness.schema import Architecture, BadInput, Trace, demand
from harness.schema.progress import Count
from harness.storage import legacy
from harness.storage.traces import TraceStore
from harness.train.faults import FAULTS
from harness.train.group import GroupTrainer
from harness.train.job import finish


@dataclass(frozen=True)
class Trained:
    """A finished trace, and the versions and the machine that it was made with."""

    trace: Trace
    machine: Mapping[str, str]


def train_missing(
    campaign: Campaign,
    wanted: Iterable[Wanted],
    store: TraceStore,
    workers: Workers,
    progress: Count,
    cards: Callable[[], Cards | None] = lambda: None,
) -> list[Failure]:
    """Train each (architecture, seed) that the store does not hold; returns those that failed.

    Which process trains what, and in which order, changes no number. A training of which a worker is killed, as by the
    system when memory is short, is a failure; the others continue. Where `cards`, which is called if something is
    missing, gives processes for GPUs, these train instead of the workers.
    """
    pairs = list(wanted)
    missing = missing_of(campaign, pairs, store)
    done = len(pairs) - len(missing)
    progress(done, len(pairs))
    used = None
    if missing and campaign.device != "cpu":
        _demand_gpu(campaign)
        used = cards()
    failures = []
    for failure in _train_each(campaign, missing, store, workers, used):
        done += 1
        progress(done, len(pairs))
        if failure is not None:
            failures.append(failure)
    return failures


def _demand_gpu(campaign: Campaign) -> None:
    """Raise BadInput where this machine lacks the device, or has another type of GPU than the keys name."""
    from harness.train.machine import gpu_type
    from harness.train.process import demand_device

    demand_device(campaign.device)
    here = gpu_type(campaign.device, campaign.deterministic)
    demand(campaign.gpu in ("", here), "engine.gpu", f"null or {here!r} where trainings are missing", campaign.gpu)


def missing_of(campaign: Campaign, wanted: Sequence[Wanted], store: TraceStore) -> list[Wanted]:
    """Those of `wanted` that have to be trained: the store holds no undamaged trace of them, of today or of version 2.

    Damaged traces are put aside, those of version 2 are stored under today's keys.
    """
    keys = [campaign.key(architecture.name, seed) for architecture, seed in wanted]
    gone = {key.name() for key in store.missing(keys)}
    missing = [pair for pair, key in zip(wanted, keys, strict=True) if key.name() in gone]
    return [(architecture, seed) for architecture, seed in missing if not _adopt(campaign, architecture, seed, store)]


def _adopt(campaign: Campaign, architecture: Architecture, seed: int, store: TraceStore) -> bool:
    """Whether version 2 stored this training; its trace then gets what it lacks and is stored under today's key."""
    key = campaign.key(architecture.name, seed)
    old = legacy.read(store, key)
    if old is not None:
        store.write(key, finish(campaign.job(architecture, seed), old.table, old.diverged))
    return old is not None


def _train_each(
    campaign: Campaign, missing: Sequence[Wanted], store: TraceStore, workers: Workers, cards: Cards | None
) -> Iterable[Failure | None]:
    """The outcome of each training, as soon as it is there: a failure, or None.

    Workers with the files of this process store traces themselves, so that one is kept whatever becomes of the others;
    those of a cluster send them, and this process stores them.
    """
    groups = _groups(campaign, missing)
    if cards is not None and groups:
        yield from train_on_cards(campaign, store, groups, cards)
        return
    if workers.same_files:
        for group, outcome in workers.as_completed(partial(_train_and_store, campaign, store), groups):
            yield from failed(group, outcome.reason) if isinstance(outcome, Killed) else outcome
        return
    for group, made in workers.as_completed(partial(_train_group, campaign), groups):
        if isinstance(made, Killed):
            yield from failed(group, made.reason)
        else:
            yield from (_stored(campaign, store, pair, each) for pair, each in zip(group, made, strict=True))


def _groups(campaign: Campaign, missing: Sequence[Wanted]) -> list[list[Wanted]]:
    """What is trained at a time: one network, or several of one seed where the benchmark can."""
    bench = campaign.bench
    if not isinstance(bench, GroupTrainer):
        return [[each] for each in missing]
    by_seed: dict[int, list[Architecture]] = {}
    for architecture, seed in missing:
        by_seed.setdefault(seed, []).append(architecture)
    return [[(a, seed) for a in group] for seed, each in by_seed.items() for group in bench.groups(each)]


def _train_and_store(campaign: Campaign, store: TraceStore, wanted: Sequence[Wanted]) -> list[Failure | None]:
    """Train and store what is missing of a group."""
    # others were trained before another worker of the pool was killed, or by another command
    left = [(a, seed) for a, seed in wanted if campaign.key(a.name, seed) not in store]
    made = _train_group(campaign, left) if left else []
    stored = [_stored(campaign, store, pair, each) for pair, each in zip(left, made, strict=True)]
    return [*stored, *[None] * (len(wanted) - len(left))]


def _train_group(campaign: Campaign, wanted: Sequence[Wanted]) -> list[Trained | Failure]:
    """Train a group; a fault is one of them all."""
    from harness.train.machine import machine_facts
    from harness.train.process import prepare, release_memory

    prepare(campaign.threads)
    if campaign.device != "cpu":
        from harness.train.gpu import prepare_gpu

        prepare_gpu(campaign.device, campaign.deterministic)
    try:
        traces = _traces(campaign, wanted)
    except BadInput:
        raise
    except FAULTS as error:
        return list(failed(wanted, reason_of(error)))
    finally:
        release_memory()
    facts = machine_facts(campaign.device)
    return [Trained(trace, facts) for trace in traces]


def _stored(campaign: Campaign, store: TraceStore, pair: Wanted, made: Trained | Failure) -> Failure | None:
    """Store a trace; a failure is passed on."""
    if isinstance(made, Failure):
        return made
    architecture, seed = pair
    store.write(campaign.key(architecture.name, seed), made.trace, made.machine)
    return None


def _traces(campaign: Campaign, wanted: Sequence[Wanted]) -> list[Trace]:
    from harness.train.loop import train

    jobs = [campaign.job(architecture, seed) for architecture, seed in wanted]
    if isinstance(campaign.bench, GroupTrainer):
        return campaign.bench.train_group(jobs)
    return [train(job) for job in jobs]
