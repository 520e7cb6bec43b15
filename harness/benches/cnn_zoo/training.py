"""Train networks of the zoo side by side."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.benches.hyperparameters import Values
from harness.schema import ImageSet, seed_of

from . import initialization, stack
from .space import CHANNELS, SPACE, checkpoints, sides, together
from .updates import Updates

MOST_WATCHED = 1000
"""Training images at most, of those that are trained on, whose loss and accuracy are watched."""

AT_ONCE = 50
"""Images at a time where no gradient is needed."""


@dataclass(frozen=True)
class Schedule:
    """What all networks have in common: `epochs` at a constant rate in batches of `batch` images, the last one dropped.

    `seed` and `stream` are those of `schema.seed_of`.
    """

    epochs: int
    batch: int
    seed: int
    stream: str
    device: str = "cpu"


@dataclass(frozen=True)
class Checkpoint:
    """A stack of g networks after `step` updates.

    `watched` has (loss, accuracy in percent), each (g,), by split; `weights` is `stack.flat`; `seconds` is the time of
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
    fraction, activation, optimizer = together(networks[0])
    maps = {split: pixels(part[0], schedule.device) for split, part in parts(images).items()}
    labels = {split: torch.from_numpy(part[1]).to(schedule.device) for split, part in parts(images).items()}
    order = np.random.default_rng(seed_of(schedule.seed, schedule.stream, "order", fraction))
    used = order.permutation(maps["train"].shape[-1])[: max(1, int(float(str(fraction)) * maps["train"].shape[-1]))]
    watched = {split: torch.arange(len(part)) for split, part in labels.items()}
    watched["train"] = torch.from_numpy(used[:MOST_WATCHED])
    model = _Stack(networks, images.classes, schedule, str(activation), str(optimizer))
    looked_at, spent, step = set(checkpoints(schedule.epochs)), 0.0, 0
    batches = len(used) // min(schedule.batch, len(used))
    for epoch in range(schedule.epochs + 1):
        if epoch:
            began = time.perf_counter()
            for chosen in np.array_split(order.permutation(used)[: batches * schedule.batch], batches):
                place = torch.from_numpy(chosen).to(schedule.device)
                model.update(maps["train"][..., place], labels["train"][place])
            spent += time.perf_counter() - began
            step += batches
        if epoch in looked_at:
            began = time.perf_counter()
            found = {
                split: model.watch(maps[split][..., places], labels[split][places]) for split, places in watched.items()
            }
            weights = stack.flat(model.parameters).detach().cpu().numpy()
            g = len(networks)
            yield Checkpoint(epoch, step, spent / g, (time.perf_counter() - began) / g, found, weights)


def parts(images: ImageSet) -> dict[str, tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """The parts of a data set by name."""
    return {"train": images.train, "valid": images.valid, "test": images.test}


class _Stack:
    """Parameters and random states of the networks of one stack."""

    def __init__(
        self, networks: Sequence[Values], classes: int, schedule: Schedule, activation: str, optimizer: str
    ) -> None:
        device, names = schedule.device, [SPACE.write(values) for values in networks]
        seeds = [seed_of(schedule.seed, schedule.stream, name) for name in names]
        sources = [np.random.default_rng(seed) for seed in seeds]
        drawn = [initialization.kernels(v, classes, s) for v, s in zip(networks, sources, strict=True)]
        kernels = [torch.stack(each).to(device) for each in zip(*drawn, strict=True)]
        self.parameters = [*kernels, *(torch.zeros(kernel.shape[:2], device=device) for kernel in kernels)]
        for parameter in self.parameters:
            parameter.requires_grad_()
        self.activation = activation
        self.penalties = _column(networks, "l2", device)
        self.updates = Updates(optimizer, self.parameters, _column(networks, "rate", device))
        self.dropout = _Dropout([float(values["dropout"]) for values in networks], seeds, device)

    def update(self, images: Tensor, labels: Tensor) -> None:
        """One update on images (s, s, b), labels (b,); the loss has l2 times the sum of squares of the kernels, too."""
        kept = self.dropout.draw(images.shape[0], images.shape[-1])
        logits = stack.forward(images, self.parameters, self.activation, kept)
        loss = stack.losses(logits, labels).sum()
        slopes = list(torch.autograd.grad(loss, self.parameters))
        with torch.no_grad():
            for kernel, slope in zip(self.parameters[: stack.KERNELS], slopes, strict=False):
                slope += 2 * self.penalties.view(-1, 1, 1) * kernel
        self.updates.update(self.parameters, slopes)

    def watch(self, images: Tensor, labels: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Loss in nats and accuracy in percent of every network, without dropout."""
        loss = torch.zeros(len(self.penalties), device=images.device)
        hits = torch.zeros_like(loss)
        with torch.no_grad():
            for some, right in zip(images.split(AT_ONCE, -1), labels.split(AT_ONCE), strict=True):
                logits = stack.forward(some, self.parameters, self.activation)
                loss += stack.losses(logits, right) * len(right)
                hits += (logits.argmax(2) == right).sum(1)
        return _numbers(loss / len(labels)), _numbers(100 * hits / len(labels))


class _Dropout:
    """Dropout of each network from random numbers of its own: sixteen bits per value.

    A value is kept with the probability m / 65536 next to 1 - rate, and then divided by it.
    """

    def __init__(self, rates: Sequence[float], seeds: Sequence[int], device: str) -> None:
        self.sources = [np.random.SFC64(seed_of(seed, "dropout")) for seed in seeds]
        levels = np.array([round(65536 * (1 - rate)) for rate in rates])
        self.below = torch.from_numpy((levels - 32768).astype(np.int32)).view(-1, 1, 1).to(device)
        self.scales = torch.from_numpy((65536 / levels).astype(np.float32)).view(-1, 1, 1).to(device)
        self.device = device

    def draw(self, size: int, count: int) -> list[Tensor]:
        """For each convolution the factors (g, 16, t t b) of its values: 0 or 1 / probability."""
        lengths = [CHANNELS * side**2 * count for side in sides(size)]
        words = [source.random_raw(-(-sum(lengths) // 4)) for source in self.sources]
        bits = torch.from_numpy(np.stack(words).view(np.int16)[:, : sum(lengths)]).to(self.device)
        return [
            (part.view(len(words), CHANNELS, -1) < self.below) * self.scales
            for part in bits.split(lengths, dim=1)
        ]  # fmt: skip


def pixels(images: NDArray[np.uint8], device: str) -> Tensor:
    """Images (n, s, s, colours) as (s, s, n), the mean over the colours, from -1 to 1."""
    grey = images.astype(np.float32).mean(axis=3) / 127.5 - 1
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(grey, 0, 2))).to(device)


def _column(networks: Sequence[Values], name: str, device: str) -> Tensor:
    return torch.tensor([float(values[name]) for values in networks], device=device)


def _numbers(values: Tensor) -> NDArray[np.float32]:
    found: NDArray[np.float32] = values.float().cpu().numpy()
    return found
