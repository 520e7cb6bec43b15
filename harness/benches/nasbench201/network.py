"""The NAS-Bench-201 network: three stages of N cells, twice as wide after each reduction."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from harness.benches.nats.network import CellBlock, Reduction, Staged

from .space import Cell, Shape

__all__ = ["CellBlock", "Network"]


class Network(Staged):
    """The whole network of one cell; what its head reads is (B, 4 C)."""

    def __init__(self, cell: Cell, shape: Shape) -> None:
        widths = [width for width, _ in shape.stages()]
        super().__init__(shape.colours, widths[0], _blocks(cell, widths, shape.cells), widths[-1], shape.classes)


def _blocks(cell: Cell, widths: list[int], cells: int) -> Iterator[nn.Module]:
    for stage, width in enumerate(widths):
        if stage:
            yield Reduction(widths[stage - 1], width)
        for _ in range(cells):
            yield CellBlock(cell, width)
