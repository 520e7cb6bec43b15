"""Times of the engine: one training step against a plain peer, workers side by side, and the cost of watching.

    python benchmarks/engine.py [step] [workers] [tracking] [closed] [repeats=7]

prints the tables of docs/performance.md. What is compared runs in one process, A B A B ..., one thread, and is timed in
CPU seconds of the process, which other programs on the machine disturb least; workers are timed by the clock.
Each ratio is the median of those of neighbouring runs, with their quartiles.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

from benchmarks.engine_reference import TextbookNetwork, pairs, steps
from harness.benches.nasbench201.network import Network
from harness.benches.nasbench201.space import Cell, Shape, every_cell, parse
from harness.datasets.digits import Digits
from harness.schema import ImageSet
from harness.train.batches import TrainingImages
from harness.train.process import prepare
from harness.train.recipe import Recipe
from harness.train.updates import Updates

TYPICAL = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_1x1~2|"
"""Every operation once, the 3 x 3 convolution twice; all of it reaches the output, so that nothing can be pruned."""
HEAVIEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"


def cells(name: str) -> list[Cell]:
    """The cells that a row of the table is about."""
    if name == "drawn":
        space = every_cell()
        return [space[i] for i in np.random.default_rng(0).choice(len(space), 8, replace=False)]
    return [parse({"typical": TYPICAL, "heaviest": HEAVIEST}[name])]


def colours(count: int = 2048) -> ImageSet:
    """Random images of CIFAR-10's shape with its augmentation."""
    random = np.random.default_rng(0)
    part = (random.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8), random.integers(0, 10, count))
    return ImageSet("noise", part, part, part, 10, (0.5,) * 3, (0.25,) * 3, True, 4)


def ratios(a: Callable[[], object], b: Callable[[], object], repeats: int) -> np.ndarray:
    """Times (repeats, 2) of `a` and `b` in CPU seconds, in turns, after one run of each that does not count."""
    times = []
    for _ in range(repeats + 1):
        row = []
        for act in (a, b):
            begin = time.process_time()
            act()
            row.append(time.process_time() - begin)
        times.append(row)
    return np.array(times[1:])


@dataclass(frozen=True)
class Row:
    """One row of the table of steps."""

    cell: str
    channels: int
    cells: int
    images: ImageSet
    batch: int
    precision: str

    def shape(self) -> Shape:
        return Shape(self.channels, self.cells, self.images.size, self.images.colours, self.images.classes)


def our_steps(cell: Cell, row: Row) -> Iterator[float]:
    """Updates of the engine, each giving its loss."""
    model = Network(cell, row.shape()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    recipe = Recipe(steps=1000, batch=row.batch)
    data = TrainingImages(row.images, torch.device("cpu"))
    updates = Updates(model, data, recipe, torch.Generator().manual_seed(0))
    for step in range(1000):
        loss, logits, labels = updates.make(step)
        (logits.argmax(-1) == labels).sum().item()
        yield loss.item()


def gradient_difference(cell: Cell, row: Row) -> float:
    """Length of the difference of all gradients to the peer's, in units of the length of the peer's."""
    torch.manual_seed(0)
    ours, theirs = Network(cell, row.shape()), TextbookNetwork(cell, row.shape())
    matched = pairs(ours, theirs, cell)
    with torch.no_grad():
        for mine, other, rows in matched:
            other.copy_(mine[rows])
    ours.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x, y = torch.randn(row.batch, row.images.colours, row.images.size, row.images.size), torch.randint(10, (row.batch,))
    functional.cross_entropy(ours(x.contiguous(memory_format=torch.channels_last)), y).backward()
    functional.cross_entropy(theirs(x), y).backward()
    gaps, sizes = [], []
    for mine, other, rows in matched:
        if other.grad is not None and mine.grad is not None:
            gaps.append((mine.grad[rows] - other.grad).double().norm())
            sizes.append(other.grad.double().norm())
    return float(torch.stack(gaps).norm() / torch.stack(sizes).norm())


def step(repeats: int) -> None:
    """One training step, data included, against the peer's."""
    small, large = Digits().load(), colours()
    big = [Row(cell, 16, 5, large, 128, "float32") for cell in ("typical", "heaviest", "drawn")]
    wide = [replace(big[0], batch=64), replace(big[0], batch=256), replace(big[1], batch=256)]
    rows = [Row(cell, 8, 1, small, 128, "float32") for cell in ("typical", "heaviest", "drawn")] + big + wide
    print("| cell | C | N | pixels | batch | precision | peer, s | ours, s | ratio | quartiles | gradients differ by |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        found, gap = [], 0.0
        many = 20 if row.cells == 1 else 1
        for cell in cells(row.cell):
            torch.manual_seed(0)
            theirs = steps(TextbookNetwork(cell, row.shape()), row.images, row.batch)
            ours = our_steps(cell, row)
            turn = [lambda it=it: [next(it) for _ in range(many)] for it in (theirs, ours)]
            found.append(
                ratios(turn[0], turn[1], repeats if len(cells(row.cell)) == 1 else max(2, repeats // 2)) / many
            )
            gap = max(gap, gradient_difference(cell, row))
        times = np.concatenate(found)
        low, middle, high = np.percentile(times[:, 0] / times[:, 1], [25, 50, 75])
        peer, mine = np.median(times, axis=0)
        print(
            f"| {row.cell} | {row.channels} | {row.cells} | {row.images.size} | {row.batch} | {row.precision} "
            f"| {peer:.4f} | {mine:.4f} | {middle:.2f} | {low:.2f}, {high:.2f} | {gap:.0e} |",
            flush=True,
        )


PARTS = {"step": step}


def main(words: list[str]) -> None:
    """Print the tables that are named, or all."""
    repeats = next((int(word.partition("=")[2]) for word in words if word.startswith("repeats=")), 7)
    prepare(1)
    for name in [word for word in words if "=" not in word] or list(PARTS):
        PARTS[name](repeats)


if __name__ == "__main__":
    main(sys.argv[1:])
