"""A lane without a GPU: what is recorded on it is done when it is replayed, and not before, as on a device."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from harness.train.device_images import DeviceImages


@dataclass
class Moment:
    """A mark by the clock."""

    at: float = field(default_factory=time.perf_counter)

    def elapsed_time(self, later: Moment) -> float:
        return 1000 * (later.at - self.at)


@dataclass
class Recording:
    """An act, done at each replay."""

    act: Callable[[], object]
    replays: int = 0

    def replay(self) -> None:
        self.replays += 1
        self.act()


class StandIn:
    """A lane of the CPU. `fails` is what recording fails with, if it does."""

    def __init__(self, images, fails: str = "") -> None:
        self.device, self.images, self.eager, self.fails = torch.device("cpu"), images, "", fails
        self.recorded: list[Recording] = []
        self.entered = 0

    @classmethod
    def of(cls, images, **more) -> StandIn:
        return cls(DeviceImages(images, torch.device("cpu")), **more)

    @contextmanager
    def active(self) -> Iterator[None]:
        self.entered += 1
        yield

    def record(self, act):
        if self.fails:
            raise RuntimeError(self.fails)
        self.recorded.append(Recording(act))
        return self.recorded[-1]

    def mark(self) -> Moment:
        return Moment()
