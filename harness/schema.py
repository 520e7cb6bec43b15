"""What the rooms share: architectures, image sets, traces, the protocols, column names. No torch, no Hydra."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import NDArray

T = TypeVar("T")

SCHEMA_VERSION = 2
"""Raised whenever a stored trace or table of an older version could be misread."""

BASE_COLUMNS = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
"""Columns every trace has: losses in nats, accuracies in percent, at the end of each observation interval."""

FACT_COLUMNS = ("params", "flops", "layers")
"""Columns a benchmark states of an architecture without any training, constant along the trace."""


class BadInput(ValueError):
    """Something a user asked for cannot be had; the message is one line that names key, demand and value."""


class NoScore(Exception):
    """Raised by a predictor that has no opinion of a trace; the message is the reason that is reported."""


def demand(holds: bool, key: str, wanted: str, value: object) -> None:
    """Raise BadInput unless `holds`, naming `key`, what is `wanted` and the `value` that was given."""
    if not holds:
        raise BadInput(f"{key}: {wanted} is needed, got {value!r}")


def seed_of(run_seed: int, *names: object) -> int:
    """A seed below 2**63 that depends on `run_seed` and `names` alone, never on order or on what ran before."""
    text = json.dumps([run_seed, *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def digest(value: Any) -> str:
    """SHA-256 (hex) of a value made of dicts, sequences, strings and numbers; key order does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def settings(component: Any) -> dict[str, Any]:
    """The configuration of a component (a frozen dataclass) as plain values, with the class that reads them."""
    kind = type(component)
    return {"_target_": f"{kind.__module__}.{kind.__qualname__}", **asdict(component)}


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


@runtime_checkable
class Measure(Protocol):
    """Looks at a network while it trains and gives numbers; a fresh observer for each architecture.

    A measure is a frozen dataclass (its fields are its configuration) with `columns`, the names it writes, and
    `observer`, which gives a function to be called at every observation. The model it is shown is a private replica
    and the batch a copy: whatever it does to them, or to the random state, does not touch the training.
    """

    @property
    def columns(self) -> tuple[str, ...]: ...

    def observer(self, scene: Scene) -> Observer: ...


@runtime_checkable
class HeadMaker(Measure, Protocol):
    """A measure that may stand in the place of the network's head, and so does change the training it watches."""

    def head(self, scene: Scene) -> torch.nn.Module | None: ...


@runtime_checkable
class Occasional(Measure, Protocol):
    """A measure too dear for every observation: called at the first, at each `every`-th after it, and at the last.

    Between them its columns are nan (None for a vector); predictors read the last value that is there.
    """

    @property
    def every(self) -> int: ...


@runtime_checkable
class Gentle(Measure, Protocol):
    """A measure that, where `gentle` is true, leaves the model it is shown as it finds it.

    It writes on no weight, keeps no hook and puts the training mode back; running statistics may move, gradients are
    taken without writing them on the weights, the batch is not written on. All such measures are shown one replica, and
    may have passes in common by `Scene.shared`. That replica is as far from the training as any other.
    """

    @property
    def gentle(self) -> bool: ...


class Observer(Protocol):
    """`model` is in training mode; `batch` is (images (B, colours, size, size), labels (B,))."""

    def __call__(
        self, model: torch.nn.Module, batch: tuple[torch.Tensor, torch.Tensor], step: int
    ) -> Mapping[str, float | NDArray[np.float64]]: ...


@dataclass(frozen=True)
class Connection:
    """One edge of a network's own graph, whose nodes are feature maps: `source` feeds `target`.

    `slot` names the place in the search space and is common to all its architectures ("stem", "cell0.2<1", "head").
    `weight` is (out, in, height, width) of a convolution or (out, in) of a dense layer; None where channel i passes on
    to channel i (skip, pooling). `norm` is the BatchNorm behind it as (scale, shift), each (out,), or None.
    """

    slot: str
    source: str
    target: str
    weight: torch.Tensor | None
    norm: tuple[torch.Tensor, torch.Tensor] | None = None


@runtime_checkable
class Wired(Protocol):
    """A network that tells its own graph: every connection that its forward pass computes, inputs first."""

    def connections(self) -> list[Connection]: ...


class Shared:
    """What gentle measures work out of one model and batch, kept for the others of the same observation.

    Everything is made anew unless `keeps`, which is for who forgets it in time. `borrowed` is the seconds that what was
    taken from others had cost them: a measure costs what it would cost alone.
    """

    def __init__(self, keeps: bool = False) -> None:
        self.keeps, self.borrowed = keeps, 0.0
        self.found: dict[object, tuple[Any, float]] = {}

    def get(self, key: object, make: Callable[[], T]) -> T:
        """What is kept under this key, or else what `make` gives."""
        if key in self.found:
            kept, seconds = self.found[key]
            self.borrowed += seconds
            return kept  # type: ignore[no-any-return]  # what was put there under this key
        begin, before = time.perf_counter(), self.borrowed
        made = make()
        if self.keeps:
            self.found[key] = (made, time.perf_counter() - begin + self.borrowed - before)
        return made

    def forget(self) -> None:
        """Start anew."""
        self.found.clear()


@dataclass(frozen=True)
class Scene:
    """What a measure may know before a training starts.

    `probe_seed` is shared by every architecture of a run, so that random probes are the same for all; `classes` is
    the number of labels and `features` the width of what the head reads. `shared` is for gentle measures.
    """

    probe_seed: int
    classes: int
    features: int
    shared: Shared = field(default_factory=Shared, compare=False, repr=False)


@runtime_checkable
class Predictor(Protocol):
    """Gives an architecture a score from its trace; higher means predicted to be better.

    A predictor is a frozen dataclass without torch. `columns` are the trace columns it reads, `family` groups it in
    tables and figures. `score` may raise NoScore, or return nan, where it has no opinion.
    """

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def family(self) -> str: ...

    def score(self, trace: Trace) -> float: ...


@runtime_checkable
class Uncertain(Predictor, Protocol):
    """A predictor that also states how sure it is."""

    def estimate(self, trace: Trace) -> tuple[float, float]:
        """(score, standard deviation), both in the score's unit."""
        ...


@runtime_checkable
class Collective(Protocol):
    """A predictor whose score depends on the other architectures' traces, but on no accuracy: a sum of ranks, say.

    `score_together` gives one score a trace, (n,), nan for no opinion. Evaluation gives it all usable traces at once.
    """

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def family(self) -> str: ...

    def score_together(self, traces: Sequence[Trace]) -> NDArray[np.float64]: ...


@runtime_checkable
class Reasoned(Collective, Protocol):
    """A collective predictor that also tells why it has no score of a trace."""

    def reason(self, trace: Trace) -> str:
        """Why `score_together` gives nan for this trace, in words as NoScore has them."""
        ...


@runtime_checkable
class Learned(Protocol):
    """A predictor that first has to see other architectures with their accuracies.

    `fit` returns a fitted predictor and leaves the receiver as it was; it may raise NoScore where it was given too
    little. Evaluation owns the split: no architecture is
    scored by a predictor that was fitted on one of its group.
    """

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def family(self) -> str: ...

    def fit(self, traces: Sequence[Trace], accuracies: NDArray[np.float64]) -> Predictor: ...


class Benchmark(Protocol):
    """A search space with known accuracies."""

    @property
    def name(self) -> str: ...

    def truth(self, dataset: str, fingerprint: str, data: str | None) -> Truth:
        """Accuracies on the data set of this name, whose images have this fingerprint."""
        ...

    def sample(self, n: int, seed: int, among: Sequence[str] | None = None) -> list[Architecture]:
        """`n` architectures, distinct up to isomorphism, out of the names `among`."""
        ...

    def facts(self, architecture: Architecture, images: ImageSet) -> dict[str, float]:
        """The FACT_COLUMNS of one architecture."""
        ...

    def build(self, architecture: Architecture, images: ImageSet) -> torch.nn.Module:
        """A fresh network; it has `features` (images to (B, n)) and `head` (features to logits)."""
        ...

    def recorded(self, dataset: str, wanted: StoredCurves, data: str | None) -> Recorded:
        """Curves of finished trainings on the data set of this name."""
        ...

    def network(self) -> dict[str, object]:
        """The settings that decide a network beside its architecture."""
        ...


@runtime_checkable
class Drawable(Protocol):
    """A benchmark that tells an architecture's graph, to be drawn: nodes hold feature maps, edges are operations."""

    def edges(self, architecture: Architecture) -> list[tuple[str, str, str]]:
        """(source, target, operation) of every edge of the cell, an acyclic graph; any strings are names.

        An edge whose operation is "none" passes nothing on; it is in the list so that its nodes keep their places.
        """
        ...


class DataSet(Protocol):
    """A named image set that can be loaded from `data`, the folder of downloaded files."""

    @property
    def name(self) -> str: ...

    def load(self, data: str | None) -> ImageSet: ...
