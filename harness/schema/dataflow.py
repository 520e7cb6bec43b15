"""Dataflow graph of a network's forward pass: convolutions, dense layers, BatchNorms, sums and poolings as data.

A network that provides it (`Lowerable`) can be lowered to the compiled step (docs/performance.md) instead of autograd.
Nothing here runs torch; a weight is identified by the module that owns it, since the step updates it in place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Convolution:
    """Convolution of map `source`, after a ReLU if `rectified`; square kernel, equal strides, padding below its side.

    A weight that takes no gradient is not trained.

    `rows` are its output channels in `module`, which may hold several convolutions of one kind; `norm` is the BatchNorm
    after it, with the same rows, or None. Without a norm the module's bias is added where it has one; with a norm the
    module must have none.
    """

    source: int
    module: nn.Conv2d
    rows: slice
    norm: nn.BatchNorm2d | None
    rectified: bool = True


@dataclass(frozen=True)
class Dense:
    """Dense layer of all numbers of map `source`, ordered by channel, row and column, after a ReLU if `rectified`.

    In an update each number that it reads is set to 0 with probability `dropout`, and the others are divided by
    1 - `dropout`. Its map has the side 1.
    """

    source: int
    module: nn.Linear
    rectified: bool = True
    dropout: float = 0.0


@dataclass(frozen=True)
class Constant:
    """A convolution of an all-zero map: the bias of its BatchNorm in every pixel."""

    module: nn.Conv2d
    rows: slice
    norm: nn.BatchNorm2d


@dataclass(frozen=True)
class Skip:
    """Identity of map `source`."""

    source: int


@dataclass(frozen=True)
class Average:
    """Average pooling of map `source`: 3 × 3 windows without padding (`side` 3), or 2 × 2 of stride 2 (`side` 2)."""

    source: int
    side: int


@dataclass(frozen=True)
class Largest:
    """Max pooling of map `source` without padding: windows of `window` × `window`, `stride` apart."""

    source: int
    window: int
    stride: int


@dataclass(frozen=True)
class Norm:
    """BatchNorm of map `source`."""

    source: int
    norm: nn.BatchNorm2d


Term = Convolution | Dense | Constant | Skip | Average | Largest | Norm


@dataclass(frozen=True)
class Map:
    """A feature map, the sum of its terms (zeros without any): `channels`, and the image's side divided by `shrink`.

    `side` is its side in pixels where it is no such part of the image's.
    """

    channels: int
    shrink: int
    terms: tuple[Term, ...] = ()
    side: int | None = None

    def sources(self) -> Iterator[int]:
        """Indices of the maps that its terms read."""
        for term in self.terms:
            if not isinstance(term, Constant):
                yield term.source


class Dataflow:
    """Feature maps in topological order; map 0 is the images.

    The head, a dense layer, reads the global average pooling of the ReLU of the last map. In an update each of these
    features is set to 0 with probability `dropout`, and the others are divided by 1 - `dropout`. `blocks` are the
    outputs of the stem and of each block, where the network is divided into blocks, each of which reads the one before
    it alone.
    """

    def __init__(self, colours: int) -> None:
        self.maps = [Map(colours, 1)]
        self.head: nn.Linear | None = None
        self.dropout = 0.0
        self.blocks: list[int] = []

    def add(self, channels: int, shrink: int, *terms: Term, side: int | None = None) -> int:
        """Append a map and return its index; a single skip appends none and returns its source."""
        if len(terms) == 1 and isinstance(terms[0], Skip):
            return terms[0].source
        self.maps.append(Map(channels, shrink, terms, side))
        return len(self.maps) - 1


@runtime_checkable
class Lowerable(Protocol):
    """A network that provides its forward pass as a dataflow graph, so that the compiled step can train it."""

    def dataflow(self) -> Dataflow | None:
        """The forward pass in training mode; None if it contains another operation, for example another head.

        It must compute the same function as `forward`, and all its BatchNorms must have the same momentum.
        """
