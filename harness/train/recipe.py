"""How a network is trained; plain values without torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil, cos, inf, pi
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.schema import ADDED_LATER, ImageSet, demand

PRECISIONS = ("float32", "tf32", "bfloat16")
SCHEDULES = ("cosine", "constant")


@dataclass(frozen=True)
class Recipe:
    """NAS-Bench-201's recipe (SGD, Nesterov, cosine to 0, weight decay; Dong & Yang 2020, table 1), cut to a budget.

    The budget is `epochs` or `steps`, one of them. The learning rate is annealed within the budget, or within
    `schedule_epochs` or `schedule_steps` where that longer schedule is given: the first epochs of a 200-epoch run are
    not a run of few epochs. The rate changes with every update (the benchmark's own with every epoch); with `schedule`
    "constant" it does not change. The network is observed at step 0, after every `observe_every` steps (null: every
    pass) and at the end. No steps at all leave what is read off the network at its initialisation. `precision` is that
    of the updates and of the losses that are watched: weights stay float32, and so does what measures see. `clip_norm`
    bounds the L2 norm of the gradient of all weights. `train_images`, `valid_images` and `test_images`: at most so many
    images of each part are used.
    """

    kind: ClassVar[str] = "train/recipe"

    epochs: int | None = None
    steps: int | None = None
    schedule_epochs: int | None = None
    schedule_steps: int | None = None
    batch: int = 128
    observe_every: int | None = 8
    learning_rate: float = 0.1
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    watch: list[str] = field(default_factory=lambda: ["valid"])
    watch_images: int | None = None
    measure_images: int = 128
    precision: str = "float32"
    clip_norm: float | None = field(default=None, metadata=ADDED_LATER)
    train_images: int | None = field(default=None, metadata=ADDED_LATER)
    valid_images: int | None = field(default=None, metadata=ADDED_LATER)
    test_images: int | None = field(default=None, metadata=ADDED_LATER)
    schedule: str = field(default="cosine", metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        for key, least in (
            ("steps", 0),
            *((k, 1) for k in ("epochs", "schedule_epochs", "schedule_steps", "watch_images")),
            *((k, 2) for k in ("train_images", "valid_images", "test_images")),
        ):
            value = getattr(self, key)
            demand(value is None or value >= least, f"train.{key}", f"at least {least} (or null)", value)
        every = self.observe_every
        demand(every is None or every >= 1, "train.observe_every", "at least 1 (or null: once a pass)", every)
        for key in ("batch", "measure_images"):
            demand(getattr(self, key) >= 1, f"train.{key}", "at least 1", getattr(self, key))
        demand(self.learning_rate > 0, "train.learning_rate", "a number above 0", self.learning_rate)
        demand(0 <= self.momentum < 1, "train.momentum", "a number from 0 to below 1", self.momentum)
        demand(
            not self.nesterov or self.momentum > 0, "train.momentum", "a number above 0 with nesterov", self.momentum
        )
        clip = self.clip_norm
        demand(clip is None or 0 < clip < inf, "train.clip_norm", "a finite number above 0 (or null)", clip)
        demand(self.weight_decay >= 0, "train.weight_decay", "a number of at least 0", self.weight_decay)
        demand(self.precision in PRECISIONS, "train.precision", " or ".join(map(repr, PRECISIONS)), self.precision)
        demand(
            (self.epochs is None) != (self.steps is None),
            "train.epochs, train.steps",
            "exactly one of the two (the other null)",
            (self.epochs, self.steps),
        )
        demand(
            self.schedule_epochs is None or self.schedule_steps is None,
            "train.schedule_epochs, train.schedule_steps",
            "at most one of the two",
            (self.schedule_epochs, self.schedule_steps),
        )
        demand(self.schedule in SCHEDULES, "train.schedule", " or ".join(map(repr, SCHEDULES)), self.schedule)
        wrong = [split for split in self.watch if split not in ("valid", "test")]
        demand(not wrong, "train.watch", "a list of 'valid' and 'test'", self.watch)

    @property
    def trains(self) -> bool:
        """Whether any update is made."""
        return self.steps != 0

    def total_steps(self, train_images: int) -> int:
        """Number of updates the budget allows on a training set of this many images."""
        return self.steps if self.steps is not None else (self.epochs or 0) * self.steps_per_epoch(train_images)

    def annealing_steps(self, train_images: int) -> int:
        """Number of updates after which the learning rate would reach 0.

        Raises BadInput where that is shorter than the budget.
        """
        total = self.total_steps(train_images)
        if self.schedule_epochs is not None:
            horizon = self.schedule_epochs * self.steps_per_epoch(train_images)
        else:
            horizon = self.schedule_steps if self.schedule_steps is not None else total
        key = "train.schedule_epochs" if self.schedule_epochs is not None else "train.schedule_steps"
        demand(horizon >= total, key, f"a schedule of at least the budget's {total} steps", horizon)
        return horizon

    def rate(self, step: int, horizon: int) -> float:
        """Learning rate of update number `step`, from 0; a cosine reaches 0 after `horizon` updates."""
        return self.learning_rate * (1.0 if self.schedule == "constant" else (1 + cos(pi * step / horizon)) / 2)

    def steps_per_epoch(self, train_images: int) -> int:
        """Updates in one pass; the last batch may be smaller."""
        return ceil(train_images / self.batch)

    def observed_steps(self, train_images: int) -> list[int]:
        """Steps at which the network is looked at, 0 and the last included."""
        total = self.total_steps(train_images)
        return sorted({*range(0, total, self.observe_every or self.steps_per_epoch(train_images)), total})

    def limited(self, images: ImageSet) -> ImageSet:
        """The image set with at most `train_images`, `valid_images` and `test_images` of its parts.

        Which ones is drawn once and for all, regardless of class; they keep their order. Mean and deviation stay.
        """
        return replace(
            images,
            train=_at_most(images.train, self.train_images),
            valid=_at_most(images.valid, self.valid_images),
            test=_at_most(images.test, self.test_images),
        )


def _at_most(
    labelled: tuple[NDArray[np.uint8], NDArray[np.int64]], limit: int | None
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    images, labels = labelled
    if limit is None or limit >= len(labels):
        return labelled
    rows = np.sort(np.random.RandomState(0).permutation(len(labels))[:limit])
    return images[rows], labels[rows]
