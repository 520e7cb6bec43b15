"""What a network of convolutions, BatchNorms, sums and poolings computes, written down as data.

A network that can say this (`Lowerable`) may be trained by the native step (docs/performance.md) in place of
autograd. Nothing here runs torch; weights are told by the module that owns them, since a step writes on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Convolution:
    """k × k convolution without bias, padded by k / 2 (k is 1 or 3), of map `source`, after its ReLU if `rectified`.

    `rows` are its output channels among those of `module`, where several convolutions of one kind are one; `norm` the
    BatchNorm behind it, with the same rows, or None.
    """

    source: int
    module: nn.Conv2d
    rows: slice
    norm: nn.BatchNorm2d | None
    rectified: bool = True


@dataclass(frozen=True)
class Constant:
    """A convolution of zeros: its BatchNorm's bias in every pixel."""

    module: nn.Conv2d
    rows: slice
    norm: nn.BatchNorm2d


@dataclass(frozen=True)
class Skip:
    """Map `source` itself."""

    source: int


@dataclass(frozen=True)
class Average:
    """The mean of map `source` over 3 × 3 windows, padding left out of it, or over 2 × 2 windows of stride 2."""

    source: int
    side: int


@dataclass(frozen=True)
class Norm:
    """BatchNorm of map `source`."""

    source: int
    norm: nn.BatchNorm2d


Term = Convolution | Constant | Skip | Average | Norm


@dataclass(frozen=True)
class Map:
    """The sum of its terms, zeros without any: `channels` maps, the image's side divided by `shrink`."""

    channels: int
    shrink: int
    terms: tuple[Term, ...] = ()

    def sources(self) -> Iterator[int]:
        """The maps that its terms read."""
        for term in self.terms:
            if not isinstance(term, Constant):
                yield term.source


class Dataflow:
    """Maps in the order in which they can be computed; map 0 is the images. The head, a dense layer, reads the means
    over pixels of the ReLU of the last."""

    def __init__(self, colours: int) -> None:
        self.maps = [Map(colours, 1)]
        self.head: nn.Linear | None = None

    def add(self, channels: int, shrink: int, *terms: Term) -> int:
        """The place of a new map; a lone skip makes none."""
        if len(terms) == 1 and isinstance(terms[0], Skip):
            return terms[0].source
        self.maps.append(Map(channels, shrink, terms))
        return len(self.maps) - 1


@runtime_checkable
class Lowerable(Protocol):
    """A network that can write down what it computes."""

    def dataflow(self) -> Dataflow | None:
        """Its forward pass in training mode; None where it holds what cannot be written so, another head for example.

        Must be the same mathematics as the network's own `forward`, and its BatchNorms all of one momentum.
        """
