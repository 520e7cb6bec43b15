"""The peer that the engine is measured against: NAS-Bench-201 as its paper's code has it, trained as tutorials do.

Six edge modules a cell, each with its own ReLU, convolution and BatchNorm; zeros and edges that reach nothing are
computed; NCHW memory, a DataLoader with one transform an image, eager steps, SGD with its default settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from harness.benches.nasbench201.cell_network import CellBlock, Reduction
from harness.benches.nasbench201.space import CONVOLUTION_TAPS, Cell, Shape, needed_nodes
from harness.benches.nasbench201.topology_network import Network
from harness.schema import ImageSet


class Zero(nn.Module):
    """Nothing, computed."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mul(0.0)


def conv(wide_in: int, wide_out: int, side: int, stride: int = 1) -> nn.Sequential:
    """ReLU, convolution, BatchNorm."""
    return nn.Sequential(
        nn.ReLU(inplace=False),
        nn.Conv2d(wide_in, wide_out, side, stride, padding=side // 2, bias=False),
        nn.BatchNorm2d(wide_out),
    )


def operation(name: str, channels: int) -> nn.Module:
    """One edge."""
    if name in CONVOLUTION_TAPS:
        return conv(channels, channels, 3 if CONVOLUTION_TAPS[name] == 9 else 1)
    others = {
        "none": Zero(),
        "skip_connect": nn.Identity(),
        "avg_pool_3x3": nn.AvgPool2d(3, 1, 1, count_include_pad=False),
    }
    return others[name]


class TextbookCell(nn.Module):
    """One module an edge, summed at the nodes."""

    def __init__(self, cell: Cell, channels: int) -> None:
        super().__init__()
        self.inputs = [[source for source, _ in cell.into(node)] for node in (1, 2, 3)]
        self.edges = nn.ModuleList(
            nn.ModuleList(operation(name, channels) for _, name in cell.into(node)) for node in (1, 2, 3)
        )

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x]
        for sources, edges in zip(self.inputs, self.edges, strict=True):
            terms: list[Tensor] = [edge(nodes[s]) for s, edge in zip(sources, cast(nn.ModuleList, edges), strict=True)]
            nodes.append(reduce(add, terms))
        return nodes[3]


class TextbookReduction(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, wide_in: int, wide_out: int) -> None:
        super().__init__()
        self.first, self.second = conv(wide_in, wide_out, 3, 2), conv(wide_out, wide_out, 3)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(wide_in, wide_out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.shortcut(x) + self.second(self.first(x))
        return added


class TextbookNetwork(nn.Module):
    """Stem, three stages of N cells with reductions between them, BatchNorm, ReLU, mean, classifier."""

    def __init__(self, cell: Cell, shape: Shape) -> None:
        super().__init__()
        widths = [width for width, _ in shape.stages()]
        self.stem = nn.Sequential(
            nn.Conv2d(shape.colours, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0])
        )
        body: list[nn.Module] = []
        for stage, width in enumerate(widths):
            if stage:
                body.append(TextbookReduction(widths[stage - 1], width))
            body.extend(TextbookCell(cell, width) for _ in range(shape.cells))
        self.body = nn.Sequential(*body)
        self.last = nn.Sequential(nn.BatchNorm2d(widths[-1]), nn.ReLU(inplace=True))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(widths[-1], shape.classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.pool(self.last(self.body(self.stem(images)))).flatten(1))
        return logits


def pairs(ours: Network, theirs: TextbookNetwork, cell: Cell) -> list[tuple[Tensor, Tensor, slice]]:
    """(our parameter, the peer's, rows of ours that are the peer's) of everything that both compute."""
    whole = slice(None)

    def together(a: nn.Module, b: nn.Module) -> list[tuple[Tensor, Tensor, slice]]:
        return [(p, q, whole) for p, q in zip(a.parameters(), b.parameters(), strict=True)]

    found = together(ours.stem, theirs.stem) + together(ours.last_norm, theirs.last)
    found += together(ours.head, theirs.head)
    for mine, other in zip(ours.body, theirs.body, strict=True):
        if isinstance(mine, Reduction):
            assert isinstance(other, TextbookReduction)
            for name in ("first", "second", "shortcut"):
                found += together(getattr(mine, name), getattr(other, name))
            continue
        assert isinstance(mine, CellBlock)
        edges, places = cast(nn.ModuleList, other.edges), dict[str, int]()
        for node in (1, 2, 3):
            for (source, name), edge in zip(cell.into(node), cast(nn.ModuleList, edges[node - 1]), strict=True):
                if name in CONVOLUTION_TAPS and node in needed_nodes(cell):
                    key = f"{name}_from_{source}"
                    place = places[key] = places.get(key, -1) + 1
                    rows = slice(place * mine.channels, (place + 1) * mine.channels)
                    found += [(p, q, rows) for p, q, _ in together(mine.convolutions[key], edge)]
    return found


class Transformed(Dataset[tuple[Tensor, int]]):
    """Images one at a time: to floats, normalised, cropped from a black frame, mirrored."""

    def __init__(self, images: ImageSet) -> None:
        self.set = images
        self.mean, self.std = (torch.tensor(v).view(-1, 1, 1) for v in (images.mean, images.std))

    def __len__(self) -> int:
        return len(self.set.train[1])

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        image = torch.from_numpy(np.ascontiguousarray(self.set.train[0][row].transpose(2, 0, 1))).float() / 255
        size, pad = self.set.size, self.set.crop
        if self.set.flip and torch.rand(()) < 0.5:
            image = image.flip(2)
        if pad:
            down, across = torch.randint(2 * pad + 1, (2,)).tolist()
            image = functional.pad(image, (pad, pad, pad, pad))[:, down : down + size, across : across + size]
        return (image - self.mean) / self.std, int(self.set.train[1][row])


def steps(
    model: nn.Module, images: ImageSet, batch: int, device: str = "cpu", loader_workers: int = 0
) -> Iterator[float]:
    """One update after the other, each giving its loss; `loader_workers` processes prepare the batches."""
    loader = DataLoader(Transformed(images), batch, shuffle=True, num_workers=loader_workers)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1000)
    model.train()
    while True:
        for cpu_x, cpu_y in loader:
            x, y = cpu_x.to(device), cpu_y.to(device)
            optimizer.zero_grad()
            logits = model(x)
            loss = functional.cross_entropy(logits, y)
            loss.backward()
            optimizer.step()
            schedule.step()
            (logits.argmax(1) == y).sum().item()
            yield loss.item()
