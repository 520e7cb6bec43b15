"""Protocols of measures, which observe a network while it trains, and the data passed to them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from harness.schema.compiled_passes import CompiledPasses

T = TypeVar("T")


@runtime_checkable
class Measure(Protocol):
    """Computes numbers from a network while it trains, with a fresh observer per architecture.

    A measure is a frozen dataclass (its fields are its configuration) with `columns`, the trace columns it writes, and
    `observer`, which returns a function that is called at every observation. The model passed to it is a private
    replica and the batch a copy: changes to them, or to the random state, do not affect the training.

    A measure may have `needs_source_model: bool`, absent = False: True says that it is meant for networks that were
    trained on other data before (`SourceModel`). Where a benchmark's networks are none, it takes part only if it is
    named.
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

    def head(self, scene: Scene) -> torch.nn.Module | None:
        """The module that replaces the head, from features (B, n) to logits; None keeps the network's own head."""
        ...


@runtime_checkable
class Periodic(Measure, Protocol):
    """A measure too expensive for every observation: called at the first, every `every`-th after it, and the last.

    In between its columns are nan (None for a vector); predictors read the last available value.
    """

    @property
    def every(self) -> int: ...


@runtime_checkable
class NonMutating(Measure, Protocol):
    """A measure that does not change the model while `non_mutating` is true.

    It changes no weight, leaves no hook, restores the training mode, computes gradients without accumulating them on
    the weights, and does not write to the batch; BatchNorm's running statistics may change. All such measures receive
    the same replica and may share passes through `Scene.shared`; the trained network itself is never passed to them.
    """

    @property
    def non_mutating(self) -> bool: ...


class NoReading(float):
    """The nan of a column that has no value at this observation, while others of its measure have one, with the reason.

    The trace keeps the nan, and the reasons of all such columns in one text column, `missing_<measure>`.
    """

    reason: str

    def __new__(cls, reason: str) -> NoReading:
        made = super().__new__(cls, "nan")
        made.reason = reason
        return made


class Observer(Protocol):
    """A function of `model` in training mode and `batch`, images (B, colours, size, size) and labels (B,)."""

    def __call__(
        self, model: torch.nn.Module, batch: tuple[torch.Tensor, torch.Tensor], step: int
    ) -> Mapping[str, float | NDArray[np.float64]]: ...


@dataclass(frozen=True)
class Connection:
    """One edge from `source` to `target` of a network's graph, whose nodes are feature maps.

    `slot` names the position in the search space, common to all its architectures ("stem", "cell0.2<1", "head").
    `weight` is (out, in, height, width) of a convolution or (out, in) of a dense layer; None if it maps channel i to
    channel i (skip, pooling). `norm` is the BatchNorm after it as (scale, shift), each (out,), or None.
    """

    slot: str
    source: str
    target: str
    weight: torch.Tensor | None
    norm: tuple[torch.Tensor, torch.Tensor] | None = None


@runtime_checkable
class GraphProvider(Protocol):
    """A network that provides the graph of its forward pass."""

    def connections(self) -> list[Connection]:
        """Every connection that the forward pass computes, in topological order; weights are views of parameters."""
        ...


class Shared:
    """Cache of the results that `NonMutating` measures derive from one model and batch, for one observation.

    Without `keeps` nothing is cached; with it the owner calls `forget` after each observation. `borrowed` sums the
    seconds that cached results took to compute: a measure is charged for them as if it had computed them itself.
    `compiled` makes passes by the compiled step where `engine.kernels` is native_watch; None elsewhere.
    """

    def __init__(self, keeps: bool = False, compiled: CompiledPasses | None = None) -> None:
        self.keeps, self.borrowed, self.compiled = keeps, 0.0, compiled
        self.found: dict[object, tuple[Any, float]] = {}

    def get(self, key: object, make: Callable[[], T]) -> T:
        """The result cached under `key`, else the result of `make`, which is then cached."""
        if key in self.found:
            kept, seconds = self.found[key]
            self.borrowed += seconds
            return kept  # type: ignore[no-any-return]  # the type that was stored under this key
        begin, before = time.perf_counter(), self.borrowed
        made = make()
        if self.keeps:
            self.found[key] = (made, time.perf_counter() - begin + self.borrowed - before)
        return made

    def forget(self) -> None:
        """Empty the cache."""
        self.found.clear()


@dataclass(frozen=True)
class Scene:
    """Context of a measure, known before training starts.

    `probe_seed` is common to all architectures of a run, so that random probes are the same for all; `classes` is the
    number of labels and `features` the width of the head's input. `shared` is for `NonMutating` measures.
    """

    probe_seed: int
    classes: int
    features: int
    shared: Shared = field(default_factory=Shared, compare=False, repr=False)
