"""The space of NAS-Bench-Macro: eight searched layers as a string of choices, and the cost of a network by formula.

Su et al. (2021, arXiv 2103.11922) and the code of the benchmark (xiusu/NAS-Bench-Macro, `train/model.py`). Nothing here
needs torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from harness.schema import demand

STAGES = (2, 3, 3)
"""Searched layers of each stage. The first of a stage halves the side and doubles the width."""

LAYERS: int = sum(STAGES)

OPERATIONS = {"0": "identity", "1": "inverted_residual_3x3_e3", "2": "inverted_residual_5x5_e6"}
"""Choices of a layer. An identity that changes the shape is a 1 x 1 convolution with BatchNorm."""

KERNELS, EXPANSIONS = {"1": 3, "2": 5}, {"1": 3, "2": 6}

LAST = 40
"""Width of the last convolution, in widths of the stem: 1,280 for the benchmark's 32."""


@lru_cache(6_561)
def canonical(text: str) -> str:
    """The string of the same network with the identities of a stage behind its other layers; 3,969 of 6,561 differ.

    The first layer of a stage stays where it is: it is never without effect. The benchmark trained these strings alone.
    Raises BadInput where `text` is no string of the space.
    """
    known = len(text) == LAYERS and set(text) <= set(OPERATIONS)
    demand(known, "architecture", f"{LAYERS} digits out of {', '.join(OPERATIONS)}, e.g. '01202110'", text)
    start, parts = 0, []
    for length in STAGES:
        first, later = text[start], text[start + 1 : start + length]
        kept = later.replace("0", "")
        parts.append(first + kept + "0" * (len(later) - len(kept)))
        start += length
    return "".join(parts)


def every_name() -> list[str]:
    """All 6,561 strings, in lexical order."""
    return ["".join(choices) for choices in product(OPERATIONS, repeat=LAYERS)]


@dataclass(frozen=True)
class Block:
    """One searched layer that computes something: its choice, width in and out, stride."""

    choice: str
    wide_in: int
    wide_out: int
    stride: int


def blocks(text: str, channels: int) -> list[Block]:
    """The layers of an architecture behind a stem of this width, without the identities that keep the shape."""
    choices, found, width = iter(canonical(text)), list[Block](), channels
    for length in STAGES:
        found.append(Block(next(choices), width, 2 * width, 2))
        width *= 2
        later = [next(choices) for _ in range(length - 1)]
        found += [Block(choice, width, width, 1) for choice in later if choice != "0"]
    return found


@dataclass(frozen=True)
class Shape:
    """The network around the searched layers: `channels` of the stem (32 in the benchmark), square images of `size`
    pixels and these colours, classes."""

    channels: int
    size: int
    colours: int
    classes: int


@dataclass(frozen=True)
class Convolution:
    """A convolution with BatchNorm: kernel side, width in and out, groups, side in pixels of its output."""

    kernel: int
    wide_in: int
    wide_out: int
    groups: int
    side: int

    @property
    def weights(self) -> int:
        """Number of weights."""
        return self.kernel**2 * self.wide_in * self.wide_out // self.groups


def convolutions(text: str, shape: Shape) -> Iterator[Convolution]:
    """Every convolution of the network, in order; a stride of 2 halves the side, rounding up."""
    side, width = shape.size, shape.channels
    yield Convolution(3, shape.colours, width, 1, side)
    for block in blocks(text, width):
        before, side = side, -(-side // block.stride)
        if block.choice == "0":
            yield Convolution(1, block.wide_in, block.wide_out, 1, side)
        else:
            hidden = EXPANSIONS[block.choice] * block.wide_in
            yield Convolution(1, block.wide_in, hidden, 1, before)
            yield Convolution(KERNELS[block.choice], hidden, hidden, hidden, side)
            yield Convolution(1, hidden, block.wide_out, 1, side)
        width = block.wide_out
    yield Convolution(1, width, LAST * shape.channels, 1, side)


def params(text: str, shape: Shape) -> int:
    """Number of parameters of the whole network, BatchNorm and the bias of the classifier included."""
    below = sum(each.weights + 2 * each.wide_out for each in convolutions(text, shape))
    return below + (LAST * shape.channels + 1) * shape.classes


def flops(text: str, shape: Shape) -> int:
    """Multiply-adds of one forward pass of one image, as the benchmark counts them: convolutions and the classifier
    without its bias."""
    below = sum(each.weights * each.side**2 for each in convolutions(text, shape))
    return below + LAST * shape.channels * shape.classes


def layers(text: str, shape: Shape) -> int:
    """Number of convolutions and dense layers of the whole network."""
    return sum(1 for _ in convolutions(text, shape)) + 1
