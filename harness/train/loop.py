"""Train one network briefly, watched, and return its trace."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from math import isfinite

import pandas as pd
import torch
from torch import Tensor, nn

from harness.schema import HeadMaker, Measure, Scene, Trace, demand, seed_of
from harness.train.device_images import DeviceImages
from harness.train.device_updates import DeviceUpdates
from harness.train.gpu import layout_of
from harness.train.job import TrainingJob, finish
from harness.train.lane import Lane
from harness.train.observatory import Observatory, Values
from harness.train.tally import vote
from harness.train.updates import Updates, mean_loss


def train(job: TrainingJob) -> Trace:
    """The trace of one training, finished: with the architecture's facts and every declared column.

    Every random number follows from (seed, stream, architecture): weights, order of the images, augmentation. Runs and
    the tabulation of ground truth use different streams, so that a trace is never the beginning of a training that
    the truth was read from. A loss that is not finite ends the training; the trace says at which step. A column that
    its measure never gave, because it failed at every reading, is nan all along.
    """
    device = torch.device(job.device)
    lane = Lane(device, DeviceImages(job.images, device)) if device.type == "cuda" else None
    training = Training(job, lane)
    while (trace := training.advance()) is None:
        pass
    return trace


class Training:
    """One training, carried on from observation to observation; others may go on in between.

    On a GPU its updates are launched on a `lane`, and the device makes them while other trainings are observed.
    """

    def __init__(self, job: TrainingJob, lane: Lane | None = None) -> None:
        self.device, self.lane = torch.device(job.device), lane
        self.seed = seed_of(job.seed, job.stream, job.architecture.name)
        self.states: list[Tensor] | None = None
        self.stretches = _stretches(job, self.seed, lane)

    def advance(self) -> Trace | None:
        """Observe the network and launch the updates until the next observation; the trace where it was the last."""
        with self.lane.active() if self.lane else nullcontext(), self._randomness():
            try:
                next(self.stretches)
            except StopIteration as end:
                trace: Trace = end.value
                return trace
        return None

    @contextmanager
    def _randomness(self) -> Iterator[None]:
        """This training's own global random states; those outside are put back behind it."""
        on_gpu = self.device.type == "cuda"
        with torch.random.fork_rng([self.device] if on_gpu else []):
            if self.states is None:
                torch.manual_seed(self.seed)
            else:
                torch.set_rng_state(self.states[0])
                for state in self.states[1:]:
                    torch.cuda.set_rng_state(state, self.device)
            yield
            own = [torch.cuda.get_rng_state(self.device)] if on_gpu else []
            self.states = [torch.get_rng_state(), *own]


def _stretches(job: TrainingJob, own_seed: int, lane: Lane | None) -> Generator[None, None, Trace]:
    """Build the network and train it; pauses whenever updates were launched."""
    model = job.build()
    scene = Scene(seed_of(job.seed, "probe"), job.images.classes, _head_width(model))
    head = _head(job.measures, scene)
    if head is not None:
        model.head = head
    model.to(job.device).to(memory_format=layout_of(model, job.device))  # type: ignore[call-overload]  # not in its stubs
    images = lane.images if lane else DeviceImages(job.images, torch.device(job.device))
    updates = _updates(job, model, own_seed, images, lane)
    observatory = Observatory(job.measures, model, scene, updates.passes() if isinstance(updates, Updates) else None)
    rows, diverged = yield from _observations(job, updates, observatory, images)
    eager = updates.eager if isinstance(updates, DeviceUpdates) else ""
    notes = {"updates": f"without CUDA graphs: {eager}"} if eager else {}
    return replace(finish(job, pd.DataFrame(rows), diverged), notes=notes)


def _updates(
    job: TrainingJob, model: nn.Module, own_seed: int, images: DeviceImages, lane: Lane | None
) -> Updates | DeviceUpdates:
    generator = torch.Generator().manual_seed(own_seed)
    if lane is not None:
        return DeviceUpdates(model, job.recipe, generator, lane)
    return Updates(model, images.training(), job.recipe, generator, job.kernels)


def _observations(
    job: TrainingJob, updates: Updates | DeviceUpdates, observatory: Observatory, images: DeviceImages
) -> Generator[None, None, tuple[list[Values], int | None]]:
    """Train; the row of each observed step, and the step at which the loss stopped being finite, if it did."""
    recipe, count = job.recipe, len(updates.data)
    watched = {split: images.part(split, recipe.watch_images, updates.layout) for split in recipe.watch}
    measured = images.part("train", recipe.measure_images, updates.layout)
    observed = recipe.observed_steps(count)
    rows: list[Values] = []
    seconds = 0.0
    for step, until in zip(observed, [*observed[1:], observed[-1]], strict=True):
        diverged, tallied, spent = updates.outcome(step)
        seconds += spent
        diverged = step if diverged is None and not _finite(updates.model) else diverged
        if diverged is not None:
            return rows, diverged
        rows.append(
            {"step": step, "epoch": step / recipe.steps_per_epoch(count), "seconds": seconds}
            | tallied
            | {k: v for split, held in watched.items() for k, v in _timed(updates, split, held).items()}
            | observatory.observe(measured, step, until == step)
        )
        if until > step:
            updates.advance(range(step, until))
            yield
    return rows, None


@torch.no_grad()
def evaluate(updates: Updates | DeviceUpdates, split: str, images: Tensor, labels: Tensor) -> Values:
    """Mean loss (nats) and accuracy (percent) on a held-out split, with the running statistics of BatchNorm."""
    logits = updates.scores(images)
    loss = mean_loss(logits, labels)
    right = (vote(logits) == labels).float().mean()
    return {f"{split}_loss": float(loss), f"{split}_accuracy": 100 * float(right)}


def _finite(model: nn.Module) -> bool:
    """Whether every weight and running statistic is a finite number; one sum over each shows it."""
    return isfinite(float(torch.stack([tensor.sum().double() for tensor in model.state_dict().values()]).sum()))


def _timed(updates: Updates | DeviceUpdates, split: str, held: tuple[Tensor, Tensor]) -> Values:
    begin = time.perf_counter()
    values = evaluate(updates, split, *held)
    return values | {f"seconds_{split}": time.perf_counter() - begin}


def _head_width(model: nn.Module) -> int:
    head = model.head
    assert isinstance(head, nn.Linear)
    return head.in_features


def _head(measures: Mapping[str, Measure], scene: Scene) -> nn.Module | None:
    """The one head that the measures ask for, if any. Raises BadInput where two measures want to be the head."""
    heads = {name: m.head(scene) for name, m in measures.items() if isinstance(m, HeadMaker)}
    wanted = {name: head for name, head in heads.items() if head is not None}
    demand(len(wanted) <= 1, "measure", "at most one measure that replaces the head", list(wanted))
    return next(iter(wanted.values()), None)
