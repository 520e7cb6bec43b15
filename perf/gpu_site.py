"""Where the parts of perf.gpu run: the first GPU, or a CPU with stand-ins; networks without a benchmark's packages."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from harness.benches.nasbench201.space import Shape, every_cell, parse
from harness.benches.nasbench201.topology_network import Network
from harness.schema import Architecture, ImageSet, Measure, Trace
from harness.train.device_images import DeviceImages
from harness.train.gpu import prepare_gpu
from harness.train.job import TrainingJob
from harness.train.lane import Lane
from harness.train.loop import Training
from harness.train.recipe import Recipe
from harness.train.side_by_side import side_by_side

Note = Callable[[str, object], None]
"""Keeps a figure under a name."""


@dataclass(frozen=True)
class Cells:
    """Networks of NAS-Bench-201, C `channels` wide with N `cells` a stage; what a training asks of a benchmark."""

    kind: ClassVar[str] = "perf/cells"
    lowerable: ClassVar[bool] = True

    channels: int = 8
    cells: int = 1
    name: str = "cells"

    def sample(self, n: int, seed: int = 0) -> list[Architecture]:
        """Cells at random."""
        space = every_cell()
        rows = np.random.default_rng(seed).choice(len(space), n, replace=False)
        return [Architecture(str(space[row]), str(space[row])) for row in rows]

    def network(self) -> dict[str, Any]:
        """What a key says of the networks."""
        return {"channels": self.channels, "cells": self.cells}

    def build(self, architecture: Architecture, images: ImageSet) -> nn.Module:
        """One of them, with fresh weights."""
        shape = Shape(self.channels, self.cells, images.size, images.colours, images.classes)
        return Network(parse(architecture.name), shape)

    def job(
        self,
        architecture: Architecture,
        images: ImageSet,
        recipe: Recipe,
        device: torch.device,
        measures: Mapping[str, Measure] | None = None,
    ) -> TrainingJob:
        """Its training."""
        return TrainingJob(
            architecture,
            lambda: self.build(architecture, images),
            images,
            recipe,
            measures or {},
            0,
            device=str(device),
        )


class DryLane:
    """A lane of a CPU: what is recorded is done when it is replayed."""

    def __init__(self, device: torch.device, images: DeviceImages) -> None:
        self.device, self.images, self.eager = device, images, ""

    def active(self) -> Any:
        """Nothing to switch."""
        return nullcontext()

    def record(self, act: Callable[[], object]) -> Any:
        """The act itself."""
        return type("Recording", (), {"replay": staticmethod(act)})()

    def mark(self) -> Any:
        """Now."""
        return DryMark()


@dataclass
class DryMark:
    """A moment by the clock."""

    at: float = field(default_factory=time.perf_counter)

    def elapsed_time(self, later: DryMark) -> float:
        """Milliseconds."""
        return 1000 * (later.at - self.at)


class Site:
    """The first GPU, made ready; with `dry` a CPU, on which everything is small."""

    def __init__(self, dry: bool) -> None:
        self.dry = dry
        self.device = torch.device("cpu" if dry else "cuda:0")
        if not dry:
            prepare_gpu(self.device)
        torch.set_num_threads(1)

    def lanes(self, images: ImageSet, count: int) -> list[Lane]:
        """So many lanes with the same images."""
        shared = DeviceImages(images, self.device)
        kind: Any = DryLane if self.dry else Lane
        return [kind(self.device, shared) for _ in range(count)]

    def wait(self) -> None:
        """Until the device has nothing to do."""
        if not self.dry:
            torch.cuda.synchronize()

    def memory(self, reset: bool = False) -> dict[str, float]:
        """GiB of this process at most: used by tensors, and held; counted anew from here with `reset`."""
        if self.dry:
            return {"used_GiB": 0.0, "held_GiB": 0.0}
        if reset:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        held, used = torch.cuda.max_memory_reserved(), torch.cuda.max_memory_allocated()
        return {"used_GiB": round(used / 2**30, 2), "held_GiB": round(held / 2**30, 2)}


def trained(lanes: Sequence[Lane], jobs: Sequence[TrainingJob]) -> dict[str, Trace]:
    """The trace of each job by its architecture. Raises what a training failed with."""
    waiting = iter(jobs)
    found = {}
    for job, outcome in side_by_side(lambda wait: next(waiting, None), Training, lanes):
        if isinstance(outcome, Exception):
            raise outcome
        found[job.architecture.name] = outcome
    return found


def gaps(one: Trace, other: Trace, column: str) -> list[float]:
    """Relative differences of a column, observation by observation, in two digits."""
    pairs = zip(one.numbers(column), other.numbers(column), strict=True)
    return [float(f"{abs(a - b) / max(abs(b), 1e-12):.2g}") for a, b in pairs if np.isfinite(b)]


def differing(one: Trace, other: Trace) -> list[str]:
    """Columns that are not equal bit for bit, clocks aside."""
    names = [str(name) for name in one.table if "seconds" not in str(name)]
    return [name for name in names if not np.array_equal(_stacked(one, name), _stacked(other, name), equal_nan=True)]


def _stacked(trace: Trace, name: str) -> NDArray[Any]:
    return np.stack(trace.table[name].to_list())
