"""The size space of NATS-Bench: five stage widths of one network, as strings, and their cost by formula.

The five stages are a cell, a reduction, a cell, a reduction and a cell, all cells the one of `CELL` (Dong et al.,
arXiv 2009.00437, section 3.2, and the benchmark's `DynamicShapeTinyNet`). Nothing here needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from harness.benches.nasbench201 import space as topology

CELL = topology.parse("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|")
"""The cell of every network of the space; the benchmark's records name it as their `genotype`."""

CHOICES = (8, 16, 24, 32, 40, 48, 56, 64)
STAGES = 5
Widths = tuple[int, int, int, int, int]


def parse(text: str) -> Widths:
    """The widths that `text` writes, e.g. `8:16:24:32:64`. Raises ValueError where it is not exactly such a string."""
    widths = tuple(int(part) if part.isdecimal() and len(part) < 3 else 0 for part in text.split(":"))
    sound = len(widths) == STAGES and set(widths) <= set(CHOICES)
    if not sound or ":".join(map(str, widths)) != text:
        choices = ", ".join(map(str, CHOICES))
        raise ValueError(f"architecture: must be {STAGES} widths out of {choices}, joined by ':' (got {text!r})")
    first, second, third, fourth, fifth = widths
    return first, second, third, fourth, fifth


def every_name() -> list[str]:
    """All 32,768 architectures, in the benchmark's official order."""
    return [":".join(map(str, widths)) for widths in product(CHOICES, repeat=STAGES)]


def index(widths: Widths) -> int:
    """Index in the benchmark's official order."""
    place = 0
    for width in widths:
        place = place * len(CHOICES) + CHOICES.index(width)
    return place


@dataclass(frozen=True)
class Shape:
    """One network: the width of each stage, square `size` in pixels, colours, classes."""

    widths: Widths
    size: int
    colours: int
    classes: int

    def sides(self) -> tuple[int, int, int]:
        """Side in pixels of the maps of the three cells; a reduction halves it, rounding up."""
        half = (self.size + 1) // 2
        return self.size, half, (half + 1) // 2

    def cells(self) -> list[tuple[int, int, int]]:
        """(width in, width out, side) of the three cells."""
        first, second, third, fourth, fifth = self.widths
        full, half, quarter = self.sides()
        return [(first, first, full), (second, third, half), (fourth, fifth, quarter)]

    def reductions(self) -> list[tuple[int, int, int]]:
        """(width in, width out, side behind it) of the two reductions."""
        first, second, third, fourth, _ = self.widths
        _, half, quarter = self.sides()
        return [(first, second, half), (third, fourth, quarter)]


def params(shape: Shape) -> int:
    """Number of parameters of the whole network, as the benchmark counts them."""
    first, last = shape.widths[0], shape.widths[-1]
    total = 9 * shape.colours * first + 2 * first + 2 * last + last * shape.classes + shape.classes
    for before, after, _ in shape.cells():
        total += sum(taps * wide * after + 2 * after for taps, wide in _convolutions(before, after))
    for before, after, _ in shape.reductions():
        total += 9 * before * after + 9 * after * after + before * after + 4 * after
    return total


def flops(shape: Shape) -> int:
    """Multiply-adds of one forward pass of one image, as the benchmark counts them.

    Convolutions and the classifier with its bias count; pooling, BatchNorm, ReLU and sums do not.
    """
    total = 9 * shape.colours * shape.widths[0] * shape.size**2 + shape.widths[-1] * shape.classes + shape.classes
    for before, after, side in shape.cells():
        total += side**2 * sum(taps * wide * after for taps, wide in _convolutions(before, after))
    for before, after, side in shape.reductions():
        total += side**2 * (9 * before * after + 9 * after * after + before * after)
    return total


def layers(shape: Shape) -> int:
    """Number of convolution and dense layers of the whole network."""
    return 1 + sum(len(_convolutions(before, after)) for before, after, _ in shape.cells()) + 6 + 1


def _convolutions(before: int, after: int) -> list[tuple[int, int]]:
    """(taps, width in) of every convolution of a cell; a skip from its input is one where the widths differ."""
    found = []
    for (_, source), operation in zip(topology.EDGES, CELL.operations, strict=True):
        wide = after if source else before
        if operation in topology.CONVOLUTION_TAPS:
            found.append((topology.CONVOLUTION_TAPS[operation], wide))
        elif operation == "skip_connect" and wide != after:
            found.append((1, wide))
    return found
