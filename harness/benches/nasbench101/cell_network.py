"""The network of NAS-Bench-101: stem, three stacks of cells with max pooling between them, global mean, dense layer."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from .size import Shape, widths
from .space import KERNELS, Cell


class ConvBNReLU(nn.Sequential):
    """Convolution without bias, BatchNorm, ReLU; the side stays."""

    def __init__(self, kernel: int, wide_in: int, wide_out: int) -> None:
        layer = nn.Conv2d(wide_in, wide_out, kernel, padding=kernel // 2, bias=False)
        super().__init__(layer, nn.BatchNorm2d(wide_out), nn.ReLU(inplace=True))


class CellBlock(nn.Module):
    """One cell: maps (B, `wide_in`, H, W) to (B, `wide_out`, H, W).

    A vertex adds what it reads, earlier vertices cut to its width and the input by a projection of its own. The output
    joins the inner vertices that it reads along the channels, and adds a projection of the input where it reads that.
    """

    def __init__(self, cell: Cell, wide_in: int, wide_out: int) -> None:
        super().__init__()
        self.cell, self.widths = cell, widths(cell, wide_in, wide_out)
        self.projections, self.operations = nn.ModuleDict(), nn.ModuleDict()
        for vertex in (*cell.inner(), cell.output):
            if 0 in cell.into(vertex):
                self.projections[str(vertex)] = ConvBNReLU(1, wide_in, self.widths[vertex])
            if vertex < cell.output:
                self.operations[str(vertex)] = _operation(cell.operation(vertex), self.widths[vertex])

    def forward(self, x: Tensor) -> Tensor:
        """The output of the cell."""
        maps = {0: x}
        for vertex in self.cell.inner():
            wide = self.widths[vertex]
            terms = [maps[source][:, :wide] for source in self.cell.into(vertex) if source > 0]
            maps[vertex] = self.operations[str(vertex)](self._sum(vertex, terms, x))
        joined = [maps[source] for source in self.cell.into(self.cell.output) if source > 0]
        return self._sum(
            self.cell.output, [joined[0] if len(joined) == 1 else torch.cat(joined, 1)] if joined else [], x
        )

    def _sum(self, vertex: int, terms: list[Tensor], x: Tensor) -> Tensor:
        """The terms, and the projection of the input where the vertex reads it."""
        if str(vertex) in self.projections:
            terms = [*terms, self.projections[str(vertex)](x)]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total


def _operation(name: str, wide: int) -> nn.Module:
    return ConvBNReLU(KERNELS[name], wide, wide) if name in KERNELS else nn.MaxPool2d(3, 1, 1)


class Network(nn.Module):
    """The whole network of one cell: images (B, colours, size, size) to logits (B, classes).

    `features` returns the input of the head, (B, 4 C).
    """

    def __init__(self, cell: Cell, shape: Shape) -> None:
        super().__init__()
        self.cell, self.shape = cell, shape
        self.stem = ConvBNReLU(3, shape.colours, shape.channels)
        self.body = nn.Sequential(*_blocks(cell, shape))
        self.head: nn.Module = nn.Linear(4 * shape.channels, shape.classes)

    def features(self, images: Tensor) -> Tensor:
        """The input of the head, (B, 4 C)."""
        return functional.adaptive_avg_pool2d(self.body(self.stem(images)), 1).flatten(1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes)."""
        logits: Tensor = self.head(self.features(images))
        return logits

    def anew(self, channels: int | None = None, cells: int | None = None) -> Network:
        """A network of the same cell with fresh weights, of C `channels` and N `cells` (None: as many as this has)."""
        shape = self.shape
        own = Shape(channels or shape.channels, cells or shape.cells, shape.size, shape.colours, shape.classes)
        return Network(self.cell, own)


def _blocks(cell: Cell, shape: Shape) -> Iterator[nn.Module]:
    for wide_in, wide_out, _ in shape.places():
        if wide_in != wide_out:  # the first cell of a later stack
            yield nn.MaxPool2d(2, 2, ceil_mode=True)
        yield CellBlock(cell, wide_in, wide_out)
