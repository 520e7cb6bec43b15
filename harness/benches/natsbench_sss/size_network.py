"""The network of the size space: one cell in three stages, every stage and reduction of its own width."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from harness.benches.nasbench201.cell_network import CellBlock, Reduction, Staged
from harness.benches.natsbench_sss.space import CELL, Shape


class Network(Staged):
    """The whole network of five widths; what its head reads is (B, the last of them)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape.colours, shape.widths[0], _blocks(shape), shape.widths[-1], shape.classes)


def _blocks(shape: Shape) -> Iterator[nn.Module]:
    cells, reductions = shape.cells(), [None, *shape.reductions()]
    for (wide_in, channels, _), reduction in zip(cells, reductions, strict=True):
        if reduction:
            yield Reduction(*reduction[:2])
        yield CellBlock(CELL, channels, wide_in)
