"""Protocols of what watches a training, and what it is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

T = TypeVar("T")


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
    """A measure that can replace the network's head, and then does change the training that it observes."""

    @property
    def replaces_head(self) -> bool:
        """Whether `head` gives a module, which the network is then trained through."""
        ...

    def head(self, scene: Scene) -> torch.nn.Module | None: ...


@runtime_checkable
class Periodic(Measure, Protocol):
    """A measure too dear for every observation: called at the first, at each `every`-th after it, and at the last.

    Between them its columns are nan (None for a vector); predictors read the last value that is there.
    """

    @property
    def every(self) -> int: ...


@runtime_checkable
class NonMutating(Measure, Protocol):
    """A measure that, where `non_mutating` is true, leaves the model it is shown as it finds it.

    It writes on no weight, keeps no hook and puts the training mode back; running statistics may move, gradients are
    taken without writing them on the weights, the batch is not written on. All such measures are shown one replica, and
    may have passes in common by `Scene.shared`. That replica is as far from the training as any other.
    """

    @property
    def non_mutating(self) -> bool: ...


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
class GraphProvider(Protocol):
    """A network that tells its own graph: every connection that its forward pass computes, inputs first."""

    def connections(self) -> list[Connection]: ...


class Shared:
    """What non_mutating measures work out of one model and batch, kept for the others of the same observation.

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
    the number of labels and `features` the width of what the head reads. `shared` is for non_mutating measures.
    """

    probe_seed: int
    classes: int
    features: int
    shared: Shared = field(default_factory=Shared, compare=False, repr=False)
