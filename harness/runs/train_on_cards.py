"""Trainings on GPUs: one process per card, several trainings on its streams, a new process where a card's was lost."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.processes.killed import Killed
from harness.runs.campaign import Campaign
from harness.runs.failures import Failure, Wanted, failed, reason_of
from harness.schema import BadInput, Trace
from harness.storage.traces import TraceStore
from harness.train.faults import FAULTS
from harness.train.group import GroupTrainer

if TYPE_CHECKING:
    from harness.processes.places import Inbox
    from harness.train.lane import Lane

Group = Sequence[Wanted]
Outcomes = Sequence[Failure | None]


@dataclass(frozen=True)
class Cards:
    """The processes that train on GPUs: the card of each, and how many trainings each has under way."""

    places: tuple[str, ...]
    streams: int = 1

    def described(self) -> str:
        """In one line, for people."""
        counts = {place: self.places.count(place) for place in self.places}
        listed = ", ".join(f"{n} process{'es' * (n > 1)} on {place}" for place, n in counts.items())
        side_by_side = f"{self.streams} trainings at a time each" if self.streams > 1 else "one training at a time each"
        why = (
            ""
            if max(counts.values()) > 1
            else ": one process per GPU, as each holds a context of some hundred MB there"
        )
        return f"engine.workers: {listed}, {side_by_side}{why}"


def train_on_cards(
    campaign: Campaign, store: TraceStore, groups: Sequence[Group], cards: Cards
) -> Iterator[Failure | None]:
    """The outcome of each training of the groups, as soon as it is there: a failure, or None.

    An error after which a card does not compute any more in its process ends that process; what it had under way is
    trained once more in a new one, one at a time, and a training that ends a process so a second time is a failure.
    """
    from harness.processes.places import on_places

    print(cards.described(), file=sys.stderr)
    for group, outcome in on_places(CardWork(campaign, store, cards.streams), groups, cards.places, cards.streams):
        yield from failed(group, outcome.reason) if isinstance(outcome, Killed) else outcome


@dataclass(frozen=True)
class CardWork:
    """What the process of a card does; it is sent there once."""

    campaign: Campaign
    store: TraceStore
    streams: int

    def __call__(self, place: str) -> CardTrainings:
        """Make the card ready. Raises Lost where it does not compute."""
        from harness.processes.places import Lost
        from harness.train.gpu import prepare_gpu
        from harness.train.lane import lanes_on
        from harness.train.process import prepare

        prepare(self.campaign.threads)
        try:
            prepare_gpu(place, self.campaign.deterministic)
            lanes = lanes_on(place, self.campaign.images, self.streams)
        except RuntimeError as error:
            raise Lost(reason_of(error)) from error
        return CardTrainings(replace(self.campaign, device=place), self.store, lanes)


@dataclass(frozen=True)
class CardTrainings:
    """Trains and stores what an inbox brings, on the card of the campaign."""

    campaign: Campaign
    store: TraceStore
    lanes: Sequence[Lane]

    def __call__(self, inbox: Inbox[Group]) -> Iterator[tuple[int, Outcomes]]:
        """Each group's outcomes with its number."""
        from harness.processes.places import Lost
        from harness.train.side_by_side import DeviceLost

        try:
            if isinstance(self.campaign.bench, GroupTrainer):
                yield from self._groups(self.campaign.bench, inbox)
            else:
                yield from self._singles(inbox)
        except DeviceLost as error:
            raise Lost(str(error)) from error

    def _singles(self, inbox: Inbox[Group]) -> Iterator[tuple[int, Outcomes]]:
        from harness.train.loop import Training
        from harness.train.side_by_side import side_by_side

        def begin(task: tuple[int, Group], lane: Lane) -> Training:
            ((architecture, seed),) = task[1]
            return Training(self.campaign.job(architecture, seed), lane)

        for (number, group), outcome in side_by_side(inbox.take, begin, self.lanes):
            if isinstance(outcome, Exception):
                yield number, failed(group, reason_of(outcome))
            else:
                yield number, self._store(group, [outcome])

    def _groups(self, bench: GroupTrainer, inbox: Inbox[Group]) -> Iterator[tuple[int, Outcomes]]:
        from harness.train.gpu import in_force, lost_reason
        from harness.train.side_by_side import DeviceLost

        while (task := inbox.take(True)) is not None:
            number, group = task
            try:
                with in_force(self.campaign.device):
                    outcome = bench.train_group([self.campaign.job(*each) for each in group])
            except BadInput:
                raise
            except FAULTS as error:
                reason = lost_reason(self.campaign.device)
                if reason is not None:
                    raise DeviceLost(reason) from error
                yield number, failed(group, reason_of(error))
            else:
                yield number, self._store(group, outcome)

    def _store(self, group: Group, traces: Sequence[Trace]) -> Outcomes:
        from harness.train.machine import machine_facts

        for (architecture, seed), trace in zip(group, traces, strict=True):
            key = self.campaign.key(architecture.name, seed)
            self.store.write(key, trace, machine_facts(self.campaign.device))
        return [None] * len(group)
