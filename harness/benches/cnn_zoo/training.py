"""Train networks of the zoo side by side."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.benches.hyperparameters import Values
from harness.schema import ImageSet, seed_of

from .drawn import draw
from .form import Form
from .pictures import Pictures, pictures
from .space import checkpoints, together

MOST_WATCHED = 1000
"""Training images at most, of those that are trained on, whose loss and accuracy are watched."""


@dataclass(frozen=True)
class Schedule:
    """What all networks have in common: `epochs` at a constant rate in batches of `batch` images, the last one dropped.

    `seed` and `stream` are those of `schema.seed_of`; `model` is one of `form.MODELS`. `kernels` is "torch" (autograd)
    or "native" (compiled C, on the CPU).
    """

    epochs: int
    batch: int
    seed: int
    stream: str
    device: str = "cpu"
    model: str = "cnn"
    kernels: str = "torch"


class Stack(Protocol):
    """Networks that are trained side by side."""

    def update(self, pictures: Pictures, rows: Tensor) -> None:
        """One update on these images; the loss has l2 times the sum of squares of the kernels, too."""
        ...

    def watch(self, pictures: Pictures, rows: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Loss in nats and accuracy in percent of every network, (g,) each, without dropout."""
        ...

    def flat(self) -> NDArray[np.float32]:
        """Every parameter, (g, n), in the published order: of each layer bias, then kernel."""
        ...


@dataclass(frozen=True)
class Checkpoint:
    """A stack of g networks after `step` updates.

    `watched` has (loss, accuracy in percent), each (g,), by split; `weights` is `Stack.flat`; `seconds` is the time of
    training so far and `watching` that of what is watched now, each of the whole stack divided by g.
    """

    epoch: int
    step: int
    seconds: float
    watching: float
    watched: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
    weights: NDArray[np.float32]


def train(networks: Sequence[Values], images: ImageSet, schedule: Schedule) -> Iterator[Checkpoint]:
    """Train a stack of networks, `together` alike, and give it at every checkpoint.

    What becomes of a network does not depend on those beside it, but for the last bits of its numbers. As in the
    published zoo, where every training has the same seed, networks with one train fraction see the same images in the
    same order; initial weights and dropout are of each network alone.
    """
    fraction = together(networks[0])[0]
    shown = {split: pictures(part, schedule.device) for split, part in parts(images).items()}
    count = len(images.train[1])
    order = np.random.default_rng(seed_of(schedule.seed, schedule.stream, "order", fraction))
    used = order.permutation(count)[: max(1, int(float(str(fraction)) * count))]
    watched = {split: torch.arange(len(part.labels), device=schedule.device) for split, part in shown.items()}
    watched["train"] = torch.from_numpy(used[:MOST_WATCHED]).to(schedule.device)
    stack = _stack(networks, images, schedule)
    looked_at, spent, step = set(checkpoints(schedule.epochs)), 0.0, 0
    batches = len(used) // min(schedule.batch, len(used))
    for epoch in range(schedule.epochs + 1):
        if epoch:
            began = time.perf_counter()
            for rows in np.array_split(order.permutation(used)[: batches * schedule.batch], batches):
                stack.update(shown["train"], torch.from_numpy(rows).to(schedule.device))
            spent += time.perf_counter() - began
            step += batches
        if epoch in looked_at:
            began, g = time.perf_counter(), len(networks)
            found = {split: stack.watch(shown[split], rows) for split, rows in watched.items()}
            yield Checkpoint(epoch, step, spent / g, (time.perf_counter() - began) / g, found, stack.flat())


def _stack(networks: Sequence[Values], images: ImageSet, schedule: Schedule) -> Stack:
    form = Form(schedule.model, images.size, images.classes)
    drawn = draw(networks, form, schedule.seed, schedule.stream)
    if schedule.kernels == "native":
        from .compiled import CompiledStack

        return CompiledStack(drawn, form)
    from .autograd import AutogradStack

    return AutogradStack(drawn, form, schedule.device)


def parts(images: ImageSet) -> dict[str, tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """The parts of a data set by name."""
    return {"train": images.train, "valid": images.valid, "test": images.test}
