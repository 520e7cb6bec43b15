"""The card in force, the setting of equal bits and the probe of a card, with a stand-in for torch.cuda."""

from __future__ import annotations

import os
from contextlib import contextmanager

import pytest
import torch

from harness.train.gpu import in_force, layout_of, lost_reason, prepare_gpu
from harness.train.job import TrainingJob
from harness.train.lane import Lane
from harness.train.loop import train
from harness.train.recipe import Recipe
from tests.conftest import tiny_images


class Cards:
    """What of torch.cuda is used to choose a card, and which one is current."""

    def __init__(self) -> None:
        self.current = 0
        self.log: list[tuple[object, ...]] = []
        self.broken: RuntimeError | None = None

    @contextmanager
    def device(self, device):
        before, self.current = self.current, torch.device(device).index
        try:
            yield
        finally:
            self.current = before

    @contextmanager
    def stream(self, stream):
        self.log.append(("stream", self.current))
        yield

    def set_device(self, device) -> None:
        self.current = torch.device(device).index

    def synchronize(self, device=None) -> None:
        if self.broken:
            raise self.broken


class Recorder:
    """A CUDA graph: on which card it was recorded, in which mode, and how it ended."""

    cards: Cards
    ends_with: RuntimeError | None = None

    def capture_begin(self, pool, capture_error_mode) -> None:
        self.cards.log.append(("begin", self.cards.current, pool, capture_error_mode))

    def capture_end(self) -> None:
        self.cards.log.append(("end", self.cards.current))
        if self.ends_with:
            raise self.ends_with


@pytest.fixture
def cards(monkeypatch) -> Cards:
    stand_in = Cards()
    for name in ("device", "stream", "set_device", "synchronize"):
        monkeypatch.setattr(torch.cuda, name, getattr(stand_in, name))
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: ("stream of", device.index, stand_in.current))
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: (0, 1))
    monkeypatch.setattr(torch.cuda, "CUDAGraph", type("Graph", (Recorder,), {"cards": stand_in}))
    return stand_in


def test_what_is_made_without_naming_a_device_is_made_on_the_card_in_force(cards) -> None:
    lane = Lane(torch.device("cuda:1"), None)
    assert lane.stream == ("stream of", 1, 1) and cards.current == 0
    cards.log.clear()
    with lane.active():
        recorded = lane.record(lambda: cards.log.append(("act", cards.current)))
    begin, act, end = cards.log[1:]
    assert begin == ("begin", 1, (0, 1), "thread_local") and act == ("act", 1) and end == ("end", 1)
    assert isinstance(recorded, Recorder) and cards.current == 0


def test_all_recordings_of_a_lane_share_its_pool_which_an_empty_graph_keeps(cards) -> None:
    lane = Lane(torch.device("cuda:1"), None)
    for _ in range(2):
        with lane.active():
            lane.record(lambda: None)
    assert [entry[2] for entry in cards.log if entry[0] == "begin"] == [lane.pool] * 3
    assert lane.keeper is not None


def test_a_recording_that_fails_is_ended_and_its_own_error_is_raised(cards, monkeypatch) -> None:
    lane = Lane(torch.device("cuda:0"), None)
    monkeypatch.setattr(torch.cuda.CUDAGraph, "ends_with", RuntimeError("capture invalidated"))

    def act() -> None:
        raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.raises(RuntimeError, match="not permitted"):
        lane.record(act)
    assert cards.log[-1][0] == "end"


def test_behind_a_broken_recording_the_next_is_made_in_another_pool_but_not_for_ever(cards, monkeypatch) -> None:
    pools = iter(range(9))
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: next(pools))
    lane = Lane(torch.device("cuda:0"), None)

    def act() -> None:
        raise RuntimeError("not permitted\nmore")

    used = []
    for attempt in (act, lambda: None, act, act, act):
        used.append(lane.pool)
        if attempt is act:
            with pytest.raises(RuntimeError, match="not permitted"):
                lane.record(act)
        else:
            lane.record(attempt)
        assert not lane.eager or len(used) == 5
    assert used == [0, 1, 1, 2, 3] and lane.eager == "not permitted"


def test_python_s_collector_rests_while_something_is_recorded(cards) -> None:
    import gc

    seen = []
    Lane(torch.device("cuda:0"), None).record(lambda: seen.append(gc.isenabled()))
    assert seen == [False] and gc.isenabled()


def test_a_training_on_the_second_card_computes_there(cards, monkeypatch, bench) -> None:
    """It is the current card whenever the training goes on, and no longer when it pauses."""
    monkeypatch.setattr(torch.random, "fork_rng", lambda devices: in_force("cpu"))
    seen = []

    def build():
        seen.append(cards.current)
        raise ValueError("enough")

    architecture = bench.sample(1, 0)[0]
    job = TrainingJob(architecture, build, tiny_images(), Recipe(steps=1), {}, 0, device="cuda:1")
    with pytest.raises(ValueError, match="enough"):
        train(job)
    assert seen == [1] and cards.current == 0


def test_where_not_even_an_empty_graph_can_be_recorded_a_lane_is_eager(cards, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda.CUDAGraph, "ends_with", RuntimeError("no graphs here\nmore"))
    assert Lane(torch.device("cuda:0"), None).eager == "no graphs here"


def test_a_cpu_is_never_looked_for_on_a_card() -> None:
    with in_force(torch.device("cpu")):
        assert lost_reason(torch.device("cpu")) is None


def test_an_error_that_stays_is_found_by_trying_and_a_lack_of_memory_passes(cards, monkeypatch) -> None:
    monkeypatch.setattr(torch, "ones", lambda size, device: torch.zeros(size))
    card = torch.device("cuda:1")
    assert lost_reason(card) is None
    cards.broken = RuntimeError("CUDA error: device-side assert triggered\nCUDA kernel errors might be ...")
    assert lost_reason(card) == "CUDA error: device-side assert triggered"
    cards.broken = torch.cuda.OutOfMemoryError("CUDA out of memory")
    assert lost_reason(card) is None


@pytest.fixture
def switches(monkeypatch):
    """torch's switches, put back behind the test."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "put back behind the test")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before
    torch.utils.deterministic.fill_uninitialized_memory = True  # type: ignore[attr-defined]


@pytest.mark.parametrize("wanted", [True, False])
def test_equal_bits_are_asked_of_cudnn_cublas_and_torch(cards, switches, wanted: bool) -> None:
    torch.backends.cudnn.benchmark = True
    prepare_gpu(torch.device("cuda:1"), wanted)
    assert cards.current == 1
    assert torch.backends.cudnn.deterministic is wanted and not torch.backends.cudnn.benchmark
    assert torch.are_deterministic_algorithms_enabled() is wanted
    assert torch.is_deterministic_algorithms_warn_only_enabled() is wanted or not wanted
    assert os.environ.get("CUBLAS_WORKSPACE_CONFIG") == (":4096:8" if wanted else None)


def test_maps_are_contiguous_on_a_gpu_where_convolutions_are_in_groups() -> None:
    plain, depthwise = torch.nn.Conv2d(4, 4, 3), torch.nn.Sequential(torch.nn.Conv2d(4, 4, 3, groups=4))
    assert layout_of(plain, "cuda:1") == layout_of(plain, "cpu") == layout_of(depthwise, "cpu") == torch.channels_last
    assert layout_of(depthwise, "cuda:1") == torch.contiguous_format
