"""Traces of networks that are trained side by side: at each checkpoint every one is shown to the measures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from harness.schema import ImageSet, Scene, Trace, demand, seed_of
from harness.train.job import TrainingJob, finish
from harness.train.observatory import Observatory

from . import training
from .network import Network
from .space import CHANNELS, SMALLEST, SPACE
from .training import Checkpoint, Schedule


def train_group(jobs: Sequence[TrainingJob]) -> list[Trace]:
    """The trace of each training, a row per checkpoint.

    `step` is the epoch times the updates of an epoch on all training images, also where only a fraction of them is
    used, so that one budget is one number of epochs for all. Losses and accuracies are those of the network at the
    checkpoint, without dropout, those of training on at most 1,000 images. A network with a number that is not finite
    has no row from there on.
    """
    first = jobs[0]
    _demand_trainable(first)
    networks = [SPACE.parse(job.architecture.name) for job in jobs]
    schedule = Schedule(first.recipe.epochs or 0, first.recipe.batch, first.seed, first.stream, first.device)
    observed = [_Observed(job) for job in jobs]
    for checkpoint in training.train(networks, first.images, schedule):
        for place, each in enumerate(observed):
            each.look(checkpoint, place, last=checkpoint.epoch == schedule.epochs)
    return [each.trace() for each in observed]


def _demand_trainable(job: TrainingJob) -> None:
    recipe, size = job.recipe, job.images.size
    demand(recipe.epochs is not None, "train.epochs", "a count (and train.steps null)", recipe.epochs)
    demand(recipe.precision == "float32", "train.precision", "'float32'", recipe.precision)
    demand(size >= SMALLEST, "dataset.size", f"at least {SMALLEST} pixels (three convolutions of stride 2)", size)


class _Observed:
    """One network of a stack and what has been seen of it."""

    def __init__(self, job: TrainingJob) -> None:
        self.job = job
        self.rows: list[dict[str, object]] = []
        self.diverged: int | None = None
        values = SPACE.parse(job.architecture.name)
        self.model = Network(str(values["activation"]), float(values["dropout"]), job.images.classes).to(job.device)
        scene = Scene(seed_of(job.seed, "probe"), job.images.classes, CHANNELS)
        self.observatory = Observatory(job.measures, self.model, scene) if job.measures else None
        self.batch = _batch(job.images, job.recipe.measure_images, job.device)

    def look(self, checkpoint: Checkpoint, place: int, last: bool) -> None:
        """Add the row of a checkpoint; nothing once the network has diverged."""
        step = checkpoint.epoch * self.job.recipe.steps_per_epoch(len(self.job.images.train[1]))
        values: dict[str, object] = {"step": step, "epoch": float(checkpoint.epoch), "seconds": checkpoint.seconds}
        for split in ("train", *self.job.recipe.watch):
            loss, accuracy = checkpoint.watched[split]
            values |= {f"{split}_loss": float(loss[place]), f"{split}_accuracy": float(accuracy[place])}
        finite = np.isfinite(checkpoint.weights[place]).all() and np.isfinite(checkpoint.watched["train"][0][place])
        if self.diverged is not None or not finite:
            self.diverged = step if self.diverged is None else self.diverged
            return
        values |= {
            f"seconds_{split}": checkpoint.watching / len(self.job.recipe.watch) for split in self.job.recipe.watch
        }
        if self.observatory:
            self.model.load_flat(torch.from_numpy(checkpoint.weights[place]).to(self.job.device))
            values |= self.observatory.observe(self.batch, step, last)
        self.rows.append(values)

    def trace(self) -> Trace:
        """The finished trace."""
        return finish(self.job, pd.DataFrame(self.rows), self.diverged)


def _batch(images: ImageSet, count: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The first training images as a network reads them (b, 1, s, s), with their labels: what measures see."""
    pictures, labels = images.train
    pixels = training.pixels(pictures[:count], device).permute(2, 0, 1)[:, None].contiguous()
    return pixels, torch.from_numpy(np.array(labels[:count])).to(device)
