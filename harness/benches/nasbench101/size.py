"""The size of a NAS-Bench-101 network: widths of vertices, parameters and multiply-adds by formula.

Ying et al. (2019, section 2.3) and the code of the benchmark (`model_builder.py`). Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.benches.nasbench101.space import KERNELS, Cell

STACKS = 3


def widths(cell: Cell, wide_in: int, wide_out: int) -> list[int]:
    """Channels of every vertex: `wide_out` is divided among the inner vertices that the output reads, the first of
    them get one more where that leaves a rest; any other has as many as the widest inner vertex that reads it."""
    found = [wide_in, *[0] * (cell.output - 1), wide_out]
    ends = [vertex for vertex in cell.into(cell.output) if vertex > 0]
    for place, vertex in enumerate(ends):
        found[vertex] = wide_out // len(ends) + (place < wide_out % len(ends))
    for vertex in reversed(cell.inner()):
        if vertex not in ends:
            found[vertex] = max(
                found[reader] for reader in range(vertex + 1, cell.output) if vertex in cell.into(reader)
            )
    return found


@dataclass(frozen=True)
class Shape:
    """The network around the cells: `channels` of the stem (128 in the benchmark), `cells` in each of three stacks (3),
    square `size` in pixels, colours, classes."""

    channels: int
    cells: int
    size: int
    colours: int
    classes: int

    def places(self) -> Iterator[tuple[int, int, int]]:
        """(width in, width out, side in pixels) of every cell; the side is halved, rounding up, between stacks."""
        before, side = self.channels, self.size
        for stack in range(STACKS):
            wide, side = self.channels << stack, side if stack == 0 else -(-side // 2)
            for _ in range(self.cells):
                yield before, wide, side
                before = wide


Convolution = tuple[int, int, int, int]
"""(kernel, width in, width out, side in pixels)."""


def convolutions(cell: Cell, shape: Shape) -> Iterator[Convolution]:
    """Every convolution of the network; each is followed by BatchNorm and ReLU."""
    yield 3, shape.colours, shape.channels, shape.size
    for wide_in, wide_out, side in shape.places():
        wide = widths(cell, wide_in, wide_out)
        for vertex in range(1, cell.output + 1):
            if 0 in cell.into(vertex):
                yield 1, wide_in, wide[vertex], side
            if vertex < cell.output and cell.operation(vertex) in KERNELS:
                yield KERNELS[cell.operation(vertex)], wide[vertex], wide[vertex], side


def params(cell: Cell, shape: Shape) -> int:
    """Number of trainable parameters of the whole network, as the benchmark counts them."""
    below = sum(kernel**2 * a * b + 2 * b for kernel, a, b, _ in convolutions(cell, shape))
    return below + ((shape.channels << (STACKS - 1)) + 1) * shape.classes


def flops(cell: Cell, shape: Shape) -> int:
    """Multiply-adds of one forward pass of one image: convolutions, and the classifier without its bias."""
    below = sum(kernel**2 * a * b * side**2 for kernel, a, b, side in convolutions(cell, shape))
    return below + (shape.channels << (STACKS - 1)) * shape.classes


def layers(cell: Cell, shape: Shape) -> int:
    """Number of convolution and dense layers of the whole network."""
    return sum(1 for _ in convolutions(cell, shape)) + 1
