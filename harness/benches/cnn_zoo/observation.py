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
from .form import CHANNELS, SMALLEST, Form
from .network import Network
from .pictures import pictures
from .space import SPACE
from .training import Checkpoint, Schedule


def train_group(jobs: Sequence[TrainingJob], model: str) -> list[Trace]:
    """The trace of each training, a row per checkpoint.

    `step` is the epoch times the updates of an epoch on all training images, also where only a fraction of them is
    used, so that one budget is one number of epochs for all. Losses and accuracies are those of the network at the
    checkpoint, without dropout, those of training on at most 1,000 images. A network with a number that is not finite
    has no row from there on.
    """
    first = jobs[0]
    _demand_trainable(first, model)
    networks = [SPACE.parse(job.architecture.name) for job in jobs]
    epochs, batch = first.recipe.epochs or 0, first.recipe.batch
    schedule = Schedule(epochs, batch, first.seed, first.stream, first.device, model, first.kernels)
    observed = [_Observed(job, model) for job in jobs]
    for checkpoint in training.train(networks, first.images, schedule):
        for place, each in enumerate(observed):
            each.look(checkpoint, place, last=checkpoint.epoch == schedule.epochs)
    return [each.trace() for each in observed]


def _demand_trainable(job: TrainingJob, model: str) -> None:
    recipe, size, least = job.recipe, job.images.size, SMALLEST[model]
    demand(recipe.epochs is not None, "train.epochs", "a count (and train.steps null)", recipe.epochs)
    demand(recipe.precision == "float32", "train.precision", "'float32'", recipe.precision)
    demand(size >= least, "dataset.size", f"at least {least} pixels for bench.model={model}", size)


class _Observed:
    """One network of a stack and what has been seen of it."""

    def __init__(self, job: TrainingJob, model: str) -> None:
        self.job = job
        self.rows: list[dict[str, object]] = []
        self.diverged: int | None = None
        values = SPACE.parse(job.architecture.name)
        form = Form(model, job.images.size, job.images.classes)
        self.model = Network(form, str(values["activation"]), float(values["dropout"])).to(job.device)
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
    shown = pictures((images.train[0][:count], images.train[1][:count]), device)
    return shown.images[:, None].contiguous(), shown.labels
