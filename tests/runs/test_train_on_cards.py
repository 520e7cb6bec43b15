"""Trainings on GPUs, with stand-ins for their streams and for an error that stays in a process."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch

from harness.benches.nasbench201.bench import NasBench201
from harness.processes.workers import OneMachine
from harness.runs import train_on_cards
from harness.runs.campaign import Campaign
from harness.runs.engine import Engine
from harness.runs.failures import Failure
from harness.runs.train_many import train_missing
from harness.runs.train_on_cards import Cards, CardTrainings, CardWork
from harness.schema import BadInput
from harness.storage.traces import TraceStore
from harness.train import side_by_side
from harness.train.machine import machine_facts
from harness.train.recipe import Recipe
from tests.conftest import tiny_images
from tests.train.stand_ins import StandIn

LOST = "CUDA error: device-side assert triggered"


class Broken(NasBench201):
    """Networks of which one ends the card's context, one fails, and one cannot be recorded."""

    def build(self, architecture, images):
        kind = self.kinds.get(architecture.name, "")
        if kind == "lost":
            raise RuntimeError(f"{LOST}\nCompile with TORCH_USE_CUDA_DSA")
        if kind == "fails":
            raise ValueError("an odd side")
        return super().build(architecture, images)

    @property
    def kinds(self) -> dict[str, str]:
        names = [a.name for a in NasBench201.sample(self, 6, 0)]
        return {names[1]: "lost", names[4]: "fails"}


@dataclass(frozen=True)
class StandInWork(CardWork):
    """The work of a card whose lanes are of the CPU; one error stays, as it does on a card."""

    def __call__(self, place: str) -> CardTrainings:
        torch.set_num_threads(1)
        failed: list[str] = []
        setattr(side_by_side, "lost_reason", lambda device: LOST if failed else None)  # noqa: B010  for this process
        lanes = [Noting.of(self.campaign.images, failed=failed) for _ in range(self.streams)]
        return CardTrainings(self.campaign, self.store, lanes)  # type: ignore[arg-type]


class Noting(StandIn):
    """A lane on which an error of the card is noted."""

    def __init__(self, images, failed: list[str]) -> None:
        super().__init__(images)
        self.failed = failed

    def active(self):
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind, error, trace) -> None:
        if error is not None and LOST in str(error):
            self.failed.append(LOST)


def campaign(bench) -> Campaign:
    return Campaign(bench, tiny_images(), "f", Recipe(steps=4, batch=16, observe_every=2), {}, "run", "cpu", "torch")


@pytest.fixture
def there(monkeypatch) -> None:
    """A GPU: its device is there, its processes are stand-ins."""
    monkeypatch.setattr("harness.runs.train_many._demand_gpu", lambda campaign: None)
    monkeypatch.setattr(train_on_cards, "CardWork", StandInWork)


@pytest.mark.slow
def test_what_a_card_loses_is_trained_again_and_only_what_loses_it_twice_fails(there, tmp_path, capsys) -> None:
    bench = Broken(channels=2, cells=1)
    made = campaign(bench)
    drawn = bench.sample(6, 0)
    cards = Cards(("cuda:0",), 3)
    store = TraceStore(tmp_path)
    failures = list(train_on_cards.train_on_cards(made, store, [[(a, 0)] for a in drawn], cards))
    lost, odd = drawn[1].name, drawn[4].name
    assert sorted(f.architecture for f in failures if f) == sorted([lost, odd])
    reasons = {f.architecture: f.reason for f in failures if f}
    assert reasons == {lost: f"worker process of cuda:0 ended itself ({LOST})", odd: "ValueError: an odd side"}
    assert [made.key(a.name, 0) in store for a in drawn] == [True, False, True, True, False, True]
    assert capsys.readouterr().err == (
        "engine.workers: 1 process on cuda:0, 3 trainings at a time each: one process per GPU, as each holds a context"
        " of some hundred MB there\n"
        f"worker process of cuda:0 ended itself ({LOST}); repeating what was interrupted, one at a time\n"
    )


class Inbox:
    """Tasks that are all there."""

    def __init__(self, tasks) -> None:
        self.waiting = iter(enumerate(tasks))

    def take(self, wait):
        return next(self.waiting, None)


def test_traces_of_a_card_are_those_of_the_workers(tmp_path) -> None:
    made = campaign(NasBench201(channels=2, cells=1))
    wanted = [(a, 0) for a in made.bench.sample(3, 0)]
    one, other = TraceStore(tmp_path / "one"), TraceStore(tmp_path / "other")
    assert train_missing(made, wanted, one, OneMachine(), lambda done, total: None) == []
    work = CardTrainings(made, other, [StandIn.of(made.images) for _ in range(2)])  # type: ignore[misc]
    assert dict(work(Inbox([[each] for each in wanted]))) == {0: [None], 1: [None], 2: [None]}  # type: ignore[arg-type]
    for architecture, seed in wanted:
        a, b = (store.read(made.key(architecture.name, seed)).table for store in (one, other))
        assert list(a) == list(b) and a["train_loss"].iloc[-1] == pytest.approx(b["train_loss"].iloc[-1], rel=1e-5)
    assert other.made_with([made.key(wanted[0][0].name, 0)]) == [machine_facts("cpu")]


class Grouped(NasBench201):
    """Networks that are trained two at a time, of which a group fails."""

    def groups(self, architectures):
        return [architectures[i : i + 2] for i in range(0, len(architectures), 2)]

    def train_group(self, jobs):
        from harness.train.loop import train

        if len(jobs) == 1:
            raise ValueError("a group of one")
        return [train(job) for job in jobs]


def test_groups_are_trained_on_a_card_one_after_the_other(tmp_path) -> None:
    made = campaign(Grouped(channels=2, cells=1))
    pairs = [(a, 0) for a in made.bench.sample(3, 0)]
    store = TraceStore(tmp_path)
    work = CardTrainings(made, store, [])
    assert dict(work(Inbox([pairs[:2], pairs[2:]]))) == {
        0: [None, None],
        1: [Failure(pairs[2][0].name, 0, "ValueError: a group of one")],
    }
    assert [made.key(a.name, 0) in store for a, _ in pairs] == [True, True, False]


@pytest.fixture
def three_cards(monkeypatch):
    names = ["H100", "L4", "H100"]
    machine_facts.cache_clear()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: names[torch.device(device).index or 0])
    yield
    machine_facts.cache_clear()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"device": "cuda"}, Cards(("cuda:0", "cuda:2"), 4)),
        ({"device": "cuda:1"}, Cards(("cuda:1",), 4)),
        ({"device": "cuda:1", "streams": 8}, Cards(("cuda:1",), 8)),
        ({"device": "cuda", "workers": 1}, Cards(("cuda:0",), 4)),
        ({"device": "cuda", "workers": 3}, Cards(("cuda:0", "cuda:2", "cuda:0"), 1)),
        ({"device": "cpu"}, None),
    ],
)
def test_there_is_one_process_per_card_unless_more_are_asked_for(three_cards, settings, expected) -> None:
    assert Engine(**settings).cards() == expected


def test_cards_say_in_one_line_what_trains_where() -> None:
    assert Cards(("cuda:0", "cuda:2", "cuda:0"), 1).described() == (
        "engine.workers: 2 processes on cuda:0, 1 process on cuda:2, one training at a time each"
    )
    with pytest.raises(BadInput, match=r"^engine\.streams: must be at least 1 \(or null\) \(got 0\)"):
        Engine(streams=0)


def test_traces_that_need_not_have_equal_bits_have_other_keys(three_cards, bench) -> None:
    keys = []
    for deterministic in (True, False):
        engine = Engine(device="cuda", deterministic=deterministic)
        made = replace(campaign(bench), device="cuda", gpu=engine.gpu_type())
        assert made.deterministic is deterministic
        keys.append(made.key("a", 0))
    assert keys[0] != keys[1] and campaign(bench).deterministic
