"""A stream of a GPU on which one training at a time computes, and the memory that its recorded graphs share."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import torch

from harness.schema import ImageSet
from harness.train.device_images import DeviceImages
from harness.train.gpu import in_force


class Graph(Protocol):
    """Work that was recorded on a device."""

    def replay(self) -> object:
        """Do it once more."""
        ...


class Mark(Protocol):
    """A moment in the work of a stream."""

    def elapsed_time(self, later: Mark) -> float:
        """Milliseconds from here until `later`, both past."""
        ...


MOST_FAILURES = 3
"""Recordings that may fail one after the other before a lane records no more."""


class Lane:
    """One stream; trainings follow each other on it, and several lanes compute side by side.

    Graphs recorded on a lane share one pool of memory, as only one of them runs at a time: the pool is as large as the
    largest needs. `images` are on the device once for all lanes. `eager` says why graphs are not recorded any more,
    empty while they are.
    """

    def __init__(self, device: torch.device, images: DeviceImages) -> None:
        self.device, self.images, self.eager, self.failures = device, images, "", 0
        with in_force(device):
            self.stream = torch.cuda.Stream(device)
        self._take_pool()

    def _take_pool(self) -> None:
        """A new pool, with an empty graph that stays: a pool is given up with its last graph."""
        self.pool = torch.cuda.graph_pool_handle()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is empty
            try:
                with self.active():
                    self.keeper = self._recorded(lambda: None)
            except RuntimeError as error:
                self.eager = str(error).splitlines()[0]

    @contextmanager
    def active(self) -> Iterator[None]:
        """In the block everything is computed on this lane."""
        with in_force(self.device), torch.cuda.stream(self.stream):
            yield

    def record(self, act: Callable[[], object]) -> Graph:
        """Record the act on this lane without doing it. Raises RuntimeError where it cannot be recorded.

        The next one is recorded in another pool then, as torch does not let go of that of a broken recording; after
        MOST_FAILURES in a row nothing is recorded any more.
        Not torch.cuda.graph: that waits for all streams and empties the cache of memory, which other lanes use.
        """
        try:
            graph = self._recorded(act)
        except RuntimeError as error:
            self.failures += 1
            if self.failures < MOST_FAILURES:
                self._take_pool()
            else:
                self.eager = str(error).splitlines()[0]
            raise
        self.failures = 0
        return graph

    def _recorded(self, act: Callable[[], object]) -> Graph:
        graph = torch.cuda.CUDAGraph()
        with _uncollected():
            graph.capture_begin(pool=self.pool, capture_error_mode="thread_local")
            try:
                act()
            except BaseException:
                with suppress(RuntimeError):  # that of the recording, which the act has broken
                    graph.capture_end()
                raise
            graph.capture_end()
        return graph

    def mark(self) -> Mark:
        """The moment at which what was launched so far is done."""
        event: Any = torch.cuda.Event(enable_timing=True)
        event.record(self.stream)
        moment: Mark = event
        return moment

    def wait(self) -> None:
        """Until everything that was launched on this lane is done."""
        self.stream.synchronize()


def lanes_on(device: str, image_set: ImageSet, count: int) -> list[Lane]:
    """So many lanes of a GPU, with the same images."""
    card = torch.device(device)
    images = DeviceImages(image_set, card)
    return [Lane(card, images) for _ in range(count)]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Python's collector does not run in the block: what it frees may call CUDA, which a recording does not bear."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
