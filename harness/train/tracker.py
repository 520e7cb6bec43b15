"""Observations of any network in any training loop, as a trace."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import pandas as pd
import torch
from torch import Tensor, nn

from harness.schema import Architecture, HeadMaker, Measure, Scene, Trace, demand, seed_of
from harness.train.adapter import HeadedNetwork, adapt, size_of, width_of
from harness.train.job import clocks_of, with_columns
from harness.train.observatory import Observatory, Values, untouched_randomness

Batch = tuple[Tensor, Tensor]


UNKNOWN = float("nan")


class NetworkTracker:
    """Observes a network that somebody else trains, and never touches it.

    Measures see a private copy (`adapt`), into which the network's weights are copied at every observation, and always
    the batch that was observed first, images (B, ...) and labels (B,): call `observe` once before the first update and
    once after each. The network is observed at the first call, from then on after every `every` updates, and by
    `trace`; every measure is read each time. `head` names the layer before which features are read, None finds it.
    `seed` decides what measures draw; `steps_per_epoch` are the updates in a pass (None: no epochs are known). The copy
    is made at the first call, on the device where the network is by then. Raises BadInput.
    """

    def __init__(
        self,
        network: nn.Module,
        measures: Mapping[str, Measure],
        head: str | None = None,
        seed: int = 0,
        every: int = 10,
        steps_per_epoch: int | None = None,
    ) -> None:
        replacing = [name for name, m in measures.items() if isinstance(m, HeadMaker) and m.replaces_head]
        demand(not replacing, "measures", "measures that do not replace the network's head", replacing)
        demand(every >= 1, "every", "at least 1", every)
        demand(steps_per_epoch is None or steps_per_epoch >= 1, "steps_per_epoch", "at least 1", steps_per_epoch)
        self.network, self.measures, self.head, self.seed = network, measures, head, seed
        self.every, self.steps_per_epoch = every, steps_per_epoch
        self.rows: list[Values] = []
        self.diverged: int | None = None
        self.seen: Seen | None = None
        self.step, self.told = -1, Told()
        self.seconds, self.begin = 0.0, time.perf_counter()

    def observe(
        self,
        batch: Batch,
        step: int,
        train_loss: float | Tensor | None = None,
        train_accuracy: float | Tensor | None = None,
        valid_loss: float | Tensor | None = None,
        valid_accuracy: float | Tensor | None = None,
    ) -> None:
        """Tell what the training was like up to `step` updates, and read the measures where they are due.

        `train_loss` (nats) and `train_accuracy` (percent) are those of the last update; the trace holds their means
        since the observation before. Those on validation images are told where they are known. A training loss that is
        not finite ends the trace: the training diverged at this step.
        """
        demand(step > self.step, "step", f"above that of the call before, {self.step}", step)
        self.step = step
        trained = _numbers(train_loss=train_loss, train_accuracy=train_accuracy)
        self.told.add(trained, _numbers(valid_loss=valid_loss, valid_accuracy=valid_accuracy))
        if self.diverged is None and not isfinite(trained.get("train_loss", 0.0)):
            self.diverged = step
        if self.seen is None:
            self.seen = self._begin(batch)
            self._read()
        elif step - int(str(self.rows[-1]["step"])) >= self.every:
            self._read()

    def trace(self) -> Trace:
        """What was observed so far; the network is observed once more where updates were made since.

        Raises BadInput before any call of `observe`.
        """
        demand(bool(self.rows), "trace", "asked for after observe was called", "no call")
        if self.step > int(str(self.rows[-1]["step"])):
            self._read()
        name = type(self.network).__name__
        table = with_columns(pd.DataFrame(self.rows), self.measures)
        return Trace(Architecture(name, name), self.seed, table, self.diverged, clocks_of(self.measures))

    def _begin(self, batch: Batch) -> Seen:
        with untouched_randomness():
            torch.manual_seed(seed_of(self.seed, "observe"))
            return Seen.of(self.network, self.measures, batch, self.head, self.seed)

    def _read(self) -> None:
        """Add a row for the network as it is, unless the training has diverged."""
        if self.diverged is not None or self.seen is None:
            return
        self.seconds += time.perf_counter() - self.begin
        epoch = self.step / self.steps_per_epoch if self.steps_per_epoch else UNKNOWN
        clock: Values = {"step": self.step, "epoch": epoch, "seconds": self.seconds if self.rows else 0.0}
        with untouched_randomness():
            torch.manual_seed(seed_of(self.seed, "observe", self.step))
            read = self.seen.read(self.network, self.step)
        self.rows.append(clock | self.told.take() | read)
        self.begin = time.perf_counter()


class Told:
    """What a training loop says of itself between two observations."""

    def __init__(self) -> None:
        self.trained: dict[str, list[float]] = {}
        self.held: dict[str, float] = {}

    def add(self, trained: Mapping[str, float], held: Mapping[str, float]) -> None:
        """Add what is known after one more update."""
        for name, value in trained.items():
            self.trained.setdefault(name, []).append(value)
        self.held |= held

    def take(self) -> Values:
        """Means of the training, nan where not known, and the last of what is held out; forgotten from here on."""
        means = {name: sum(values) / len(values) for name, values in self.trained.items()}
        found = {"train_loss": UNKNOWN, "train_accuracy": UNKNOWN} | means | self.held
        self.trained, self.held = {}, {}
        return {**found}


@dataclass(frozen=True)
class Seen:
    """A private copy of a network, its measures and the batch that they read."""

    network: HeadedNetwork
    observatory: Observatory
    batch: Batch
    size: Mapping[str, float]

    @classmethod
    def of(cls, network: nn.Module, measures: Mapping[str, Measure], batch: Batch, head: str | None, seed: int) -> Seen:
        """The copy of a network that is on a device and can classify the batch. Raises BadInput."""
        images, labels = on_device(batch, network)
        private = adapt(network, images, head)
        with torch.no_grad():
            classes = int(private(images[:2]).shape[1])
        fits = (
            labels.dim() == 1 and len(labels) == len(images) and 0 <= int(labels.min()) <= int(labels.max()) < classes
        )
        demand(fits, "labels", f"whole numbers from 0 to {classes - 1}, one per image", _said(labels))
        scene = Scene(seed_of(seed, "probe"), classes, width_of(private, images))
        size = size_of(private, images)
        return cls(private, Observatory(measures, private, scene), (images, labels), size)

    def read(self, network: nn.Module, step: int) -> Values:
        """Every measure of the network with its present weights and buffers, and its size."""
        self.network.network.load_state_dict(network.state_dict())
        read = self.observatory.observe(self.batch, step, last=True)  # last: every measure is due
        return dict(self.size) | read


def on_device(batch: Batch, network: nn.Module) -> Batch:
    """Images as float32 and labels as int64, on the device of the network's weights. Raises BadInput."""
    device = next((weight.device for weight in network.parameters()), torch.device("cpu"))
    pair = isinstance(batch, tuple | list) and len(batch) == 2
    demand(pair, "batch", "a pair of images and labels", type(batch).__name__)
    images, labels = (torch.as_tensor(each).detach().to(device) for each in batch)
    demand(images.dim() >= 2 and len(images) >= 2, "images", "at least 2, as (images, ...)", tuple(images.shape))
    whole = not labels.is_floating_point() and labels.dim() == 1 and len(labels) == len(images)
    demand(whole, "labels", "whole numbers, one per image", _said(labels))
    return images.float(), labels.long()


def _numbers(**values: float | Tensor | None) -> dict[str, float]:
    """Those that are given, as numbers."""
    given = {name: value for name, value in values.items() if value is not None}
    return {name: float(v.detach() if isinstance(v, Tensor) else v) for name, v in given.items()}


def _said(labels: Tensor) -> str:
    low, high = (labels.min().item(), labels.max().item()) if labels.numel() else ("none", "none")
    return f"{tuple(labels.shape)} of {labels.dtype}, from {low} to {high}"
