"""Train one network briefly, watched, and return its trace."""

from __future__ import annotations

import time
from collections.abc import Mapping
from math import isfinite

import pandas as pd
import torch
from torch import Tensor, nn

from harness.schema import HeadMaker, Measure, Scene, Trace, demand, seed_of
from harness.train.batches import TrainingImages, held_out
from harness.train.job import TrainingJob, finish
from harness.train.observatory import Observatory, Values
from harness.train.updates import Updates, mean_loss


def train(job: TrainingJob) -> Trace:
    """The trace of one training, finished: with the architecture's facts and every declared column.

    Every random number follows from (seed, stream, architecture): weights, order of the images, augmentation. Runs and
    the tabulation of ground truth use different streams, so that a trace is never the beginning of a training that
    the truth was read from. A loss that is not finite ends the training; the trace says at which step. A column that
    its measure never gave, because it failed at every reading, is nan all along.
    """
    device = torch.device(job.device)
    own_seed = seed_of(job.seed, job.stream, job.architecture.name)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(own_seed)
        model = job.build()
        scene = Scene(seed_of(job.seed, "probe"), job.images.classes, _head_width(model))
        head = _head(job.measures, scene)
        if head is not None:
            model.head = head
        model.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in its stubs
        observatory = Observatory(job.measures, model, scene)
        rows, diverged = _observations(job, model, observatory, own_seed)
    return finish(job, pd.DataFrame(rows), diverged)


def _observations(
    job: TrainingJob, model: nn.Module, observatory: Observatory, own_seed: int
) -> tuple[list[Values], int | None]:
    """Train; the row of each observed step, and the step at which the loss stopped being finite, if it did."""
    device, recipe = torch.device(job.device), job.recipe
    data = TrainingImages(job.images, device)
    watched = {split: held_out(job.images, split, recipe.watch_images, device) for split in recipe.watch}
    measured = held_out(job.images, "train", recipe.measure_images, device)
    total = recipe.total_steps(len(data))
    observed = set(recipe.observed_steps(len(data)))
    updates = Updates(model, data, recipe, torch.Generator().manual_seed(own_seed), job.kernels)
    tally = Tally()
    rows: list[Values] = []
    seconds = 0.0
    for step in range(total + 1):
        if step in observed:
            begin = time.perf_counter()
            diverged, tallied = tally.read(step)
            seconds += time.perf_counter() - begin  # the device may have lagged behind
            diverged = step if diverged is None and not _finite(model) else diverged
            if diverged is not None:
                return rows, diverged
            rows.append(
                {"step": step, "epoch": step / recipe.steps_per_epoch(len(data)), "seconds": seconds}
                | tallied
                | {k: v for split, held in watched.items() for k, v in _timed(updates, split, held).items()}
                | observatory.observe(measured, step, step == total)
            )
        if step < total:
            begin = time.perf_counter()
            tally.add(*updates.make(step))
            seconds += time.perf_counter() - begin
    return rows, None


class Tally:
    """Training loss and accuracy of the batches since they were last read; until then the device need not be waited
    for."""

    def __init__(self) -> None:
        self.losses: list[Tensor] = []
        self.right: list[Tensor] = []
        self.images: list[int] = []

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count one batch."""
        self.losses.append(loss)
        self.right.append((vote(logits) == labels).sum())
        self.images.append(len(labels))

    def read(self, step: int) -> tuple[int | None, Values]:
        """After `step` updates: the first of those counted, as a number of updates, whose loss is not finite, if any;
        and the means over all, nan without any."""
        losses: list[float] = torch.stack(self.losses).tolist() if self.losses else []
        right = float(torch.stack(self.right).sum()) if self.right else 0.0
        count = sum(self.images) or float("nan")
        total = sum(loss * images for loss, images in zip(losses, self.images, strict=True))
        values: Values = {"train_loss": total / count, "train_accuracy": 100 * right / count}
        bad = next((place for place, loss in enumerate(losses) if not isfinite(loss)), None)
        self.losses, self.right, self.images = [], [], []
        return None if bad is None else step - len(losses) + bad + 1, values


@torch.no_grad()
def evaluate(updates: Updates, split: str, images: Tensor, labels: Tensor) -> Values:
    """Mean loss (nats) and accuracy (percent) on a held-out split, with the running statistics of BatchNorm."""
    logits = updates.scores(images)
    loss = mean_loss(logits, labels)
    right = (vote(logits) == labels).float().mean()
    return {f"{split}_loss": float(loss), f"{split}_accuracy": 100 * float(right)}


def _finite(model: nn.Module) -> bool:
    """Whether every weight and running statistic is a finite number; one sum over each shows it."""
    return isfinite(float(torch.stack([tensor.sum().double() for tensor in model.state_dict().values()]).sum()))


def _timed(updates: Updates, split: str, held: tuple[Tensor, Tensor]) -> Values:
    begin = time.perf_counter()
    values = evaluate(updates, split, *held)
    return values | {f"seconds_{split}": time.perf_counter() - begin}


def vote(logits: Tensor) -> Tensor:
    """The predicted class (B,), by the mean of the logits where there are several heads."""
    return (logits.mean(0) if logits.dim() == 3 else logits).argmax(-1)


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
