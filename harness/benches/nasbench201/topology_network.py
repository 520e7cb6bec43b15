"""The NAS-Bench-201 network: three stages of N cells, twice as wide after each reduction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import nn

from harness.benches.nasbench201.cell_network import CellBlock, Reduction, Staged
from harness.benches.nasbench201.space import Cell, Shape

__all__ = ["CellBlock", "Network"]


class Network(Staged):
    """The whole network of one cell; what its head reads is (B, 4 C)."""

    def __init__(self, cell: Cell, shape: Shape) -> None:
        widths = [width for width, _ in shape.stages()]
        super().__init__(shape.colours, widths[0], _blocks(cell, widths, shape.cells), widths[-1], shape.classes)
        self.cell, self.shape = cell, shape

    def anew(self, channels: int | None = None, cells: int | None = None) -> Network:
        """A network of the same cell with fresh weights, of C `channels` and N `cells` (None: as many as this has)."""
        shape = self.shape if channels is None else replace(self.shape, channels=channels)
        return Network(self.cell, shape if cells is None else replace(shape, cells=cells))


def _blocks(cell: Cell, widths: list[int], cells: int) -> Iterator[nn.Module]:
    for stage, width in enumerate(widths):
        if stage:
            yield Reduction(widths[stage - 1], width)
        for _ in range(cells):
            yield CellBlock(cell, width)
