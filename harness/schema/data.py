"""What the rooms pass on: architectures, image sets, traces, recorded curves, ground truth."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from .base import NoScore, demand

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Architecture:
    """One architecture of a search space.

    `name` is its identity. Architectures with one `group` compute one function: a split between fitting and scoring
    must not separate them. `index` is the place in the benchmark's official order where the truth source gives it.
    """

    name: str
    group: str
    dead: bool = False
    index: int | None = None


@dataclass(frozen=True)
class ImageSet:
    """Images and labels of one data set, split, as the benchmark's recipe wants them.

    Images are uint8 arrays (n, height, width, colours); labels are int64 arrays (n,). `mean` and `std` are per colour
    in units of 0..1. `flip` and `crop` (pixels of padding) are the augmentation of the training images.
    """

    name: str
    train: tuple[NDArray[np.uint8], NDArray[np.int64]]
    valid: tuple[NDArray[np.uint8], NDArray[np.int64]]
    test: tuple[NDArray[np.uint8], NDArray[np.int64]]
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip: bool
    crop: int

    @property
    def size(self) -> int:
        """Side of the square images in pixels."""
        return int(self.train[0].shape[1])

    @property
    def colours(self) -> int:
        """Number of colour channels."""
        return int(self.train[0].shape[3])

    def fingerprint(self) -> str:
        """SHA-256 (hex) of everything a training could see of this data set."""
        sha = hashlib.sha256(repr((self.name, self.classes, self.mean, self.std, self.flip, self.crop)).encode())
        for images, labels in (self.train, self.valid, self.test):
            sha.update(repr(images.shape).encode())
            sha.update(np.ascontiguousarray(images).data)
            sha.update(np.ascontiguousarray(labels).data)
        return sha.hexdigest()


@dataclass(frozen=True)
class Trace:
    """What one brief training left behind.

    `table` has one row an observation, sorted by `step` (updates made; the first row is step 0, before any), with
    `epoch` (passes over the training images), `seconds` (of training alone, so far) and the measured columns, numbers
    or vectors. `diverged` is the step at which the loss stopped being finite, None if it never did; no row follows it.
    """

    architecture: Architecture
    seed: int
    table: pd.DataFrame
    diverged: int | None = None
    clocks: Mapping[str, str] = field(default_factory=dict)
    """For a measured column the one that holds the seconds of each reading, 0 where it was not due."""

    def until(self, budget: int) -> Trace:
        """The same trace as it stood after `budget` steps; what came later is gone."""
        diverged = self.diverged if self.diverged is not None and self.diverged <= budget else None
        return replace(self, table=self.table[self.table["step"] <= budget], diverged=diverged)

    def column(self, name: str) -> NDArray[np.float64]:
        """The finite values of a number column, in order of steps. Raises NoScore where there is none."""
        values: NDArray[np.float64] = self.table[name].to_numpy(dtype=float)
        finite = values[np.isfinite(values)]
        if not finite.size:
            raise NoScore(f"no finite {name} within the budget")
        return finite

    def last(self, name: str) -> float:
        """The last value of a number column that was due. Raises NoScore where that reading gave no finite number.

        A column without a clock has its last finite value.
        """
        clock = self.clocks.get(name)
        if clock is None or clock not in self.table:
            return float(self.column(name)[-1])
        due = self.table[self.table[clock] > 0]
        if due.empty or not np.isfinite(due[name].iloc[-1]):
            at = f" at step {due['step'].iloc[-1]}" if len(due) else " within the budget"
            raise NoScore(f"no finite {name}{at}")
        return float(due[name].iloc[-1])

    @property
    def last_step(self) -> int:
        return int(self.table["step"].iloc[-1])


@dataclass(frozen=True)
class StoredCurves:
    """Asks for curves that a benchmark recorded, in the place of trainings of our own.

    `source`: "nats" (the official archive), "curves" (a published file of curves) or "auto", the first that is there.
    `split` is that of the validation columns. `seed` names one recorded training; null takes the mean over those there
    are. Where the only curve per epoch was measured on test images it is refused, unless `allow_test_leak`.
    """

    source: str = "auto"
    split: str = "valid"
    epochs: int = 200
    seed: int | None = None
    allow_test_leak: bool = False

    def __post_init__(self) -> None:
        sources = ("auto", "nats", "curves")
        demand(self.source in sources, "signal.source", " or ".join(map(repr, sources)), self.source)
        demand(self.epochs >= 1, "signal.epochs", "a count of at least 1", self.epochs)


@dataclass(frozen=True)
class Recorded:
    """What a benchmark recorded: `traces` by architecture name, of networks on images like `images` (it holds none).

    `label` says which training, split and seeds; `leak` whether test images are in the curves. `fingerprint` is that
    of the file.
    """

    traces: Mapping[str, Trace]
    images: ImageSet
    fingerprint: str
    label: str
    leak: bool


@dataclass(frozen=True)
class Truth:
    """Ground truth of one protocol: percent accuracy of architectures, one column a recorded seed.

    `accuracy` is indexed by architecture name; a missing seed is nan and stays so. Which training set, split, schedule
    and source the numbers come from is said by the next fields, and is shown in every report. `index` is the
    benchmark's official place of an architecture, where the source gives it.
    """

    accuracy: pd.DataFrame
    train_set: str
    split: str
    epochs: int
    source: str
    index: Mapping[str, int] = field(default_factory=dict)

    def mean(self) -> pd.Series:
        """Mean over the recorded seeds, in percent, indexed by architecture name."""
        return self.accuracy.mean(axis=1)
