"""The time of a training step against a plain peer, and whether both compute the same gradients."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection

import numpy as np
import torch
from torch.nn import functional

from harness.benches.nasbench201.space import Cell, Shape, every_cell, parse
from harness.benches.nasbench201.topology_network import Network
from harness.datasets.digits import Digits
from harness.schema import ImageSet
from harness.train.batches import Draw, TrainingImages
from harness.train.native.library import library
from harness.train.native.program import Descent, Program
from harness.train.process import prepare
from harness.train.recipe import Recipe
from harness.train.updates import Updates
from perf.comparison import HEAVIEST, TYPICAL, alternate, noise_images, quartiles
from perf.peer_network import TextbookNetwork, pairs, steps

DRAWN = 8


@dataclass(frozen=True)
class Row:
    """One row of the table of steps: `cell` is "typical", "heaviest" or "drawn" (some, at random), `kernels` ours."""

    cell: str
    channels: int
    cells: int
    pixels: int
    batch: int
    precision: str = "float32"
    kernels: str = "native"

    def drawn(self) -> list[Cell]:
        if self.cell == "drawn":
            space = every_cell()
            return [space[i] for i in np.random.default_rng(0).choice(len(space), DRAWN, replace=False)]
        return [parse({"typical": TYPICAL, "heaviest": HEAVIEST}[self.cell])]

    def images(self) -> ImageSet:
        return Digits().load() if self.pixels == 12 else noise_images(size=self.pixels)

    def shape(self) -> Shape:
        return Shape(self.channels, self.cells, self.pixels, 1 if self.pixels == 12 else 3, 10)


def our_steps(cell: Cell, row: Row) -> Iterator[float]:
    """Updates of the engine, each giving its loss."""
    model = Network(cell, row.shape()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    recipe = Recipe(steps=10_000, batch=row.batch, precision=row.precision)
    data = TrainingImages(row.images(), torch.device("cpu"))
    updates = Updates(model, data, recipe, torch.Generator().manual_seed(0), row.kernels)
    for step in range(10_000):
        loss, logits, labels = updates.make(step)
        (logits.argmax(-1) == labels).sum().item()
        yield loss.item()


def serve(end: Connection, side: str, cell: Cell, row: Row) -> None:
    """Make as many steps as are asked for, and tell the CPU seconds, until nothing is asked for."""
    torch.manual_seed(0)
    if side == "ours":
        prepare(1)
        running = our_steps(cell, row)
    else:
        torch.set_num_threads(1)
        running = steps(TextbookNetwork(cell, row.shape()), row.images(), row.batch)
    while count := end.recv():
        begin = time.process_time()
        for _ in range(count):
            next(running)
        end.send((time.process_time() - begin) / count)


@contextmanager
def server(side: str, cell: Cell, row: Row) -> Iterator[Callable[[int], float]]:
    """A function that makes some steps in a process of their own and gives the CPU seconds of one."""
    spawn = multiprocessing.get_context("spawn")
    near, far = spawn.Pipe()
    process = spawn.Process(target=serve, args=(far, side, cell, row), daemon=True)
    process.start()

    def ask(count: int) -> float:
        near.send(count)
        return float(near.recv())

    try:
        yield ask
    finally:
        near.send(0)
        process.join()


def all_gradients(cell: Cell, row: Row, seed: int) -> dict[str, list[torch.Tensor]]:
    """All gradients of one batch: the engine's, of either kernels, and the peer's, in both precisions, of the same
    weights."""
    found: dict[str, list[torch.Tensor]] = {}
    for name, precision in (("64", torch.float64), ("32", torch.float32)):
        torch.manual_seed(seed)
        ours, theirs = Network(cell, row.shape()), TextbookNetwork(cell, row.shape())
        matched = pairs(ours, theirs, cell)
        with torch.no_grad():
            for mine, other, rows in matched:
                other.copy_(mine[rows])
        shape = row.shape()
        x = torch.randn(row.batch, shape.colours, shape.size, shape.size).to(precision)
        y = torch.randint(10, (row.batch,))
        ours.to(precision).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        functional.cross_entropy(ours(x.contiguous(memory_format=torch.channels_last)), y).backward()
        functional.cross_entropy(theirs.to(precision)(x), y).backward()
        both = [(m, m.grad[rows], o.grad, rows) for m, o, rows in matched if m.grad is not None and o.grad is not None]
        found[f"torch {name}"] = [mine.double() for _, mine, _, _ in both]
        found[f"peer {name}"] = [other.double() for _, _, other, _ in both]
        flow = ours.dataflow()
        assert flow is not None
        program = Program(library({"64": "double", "32": "float"}[name]), flow, shape.size, row.batch, precision)
        none = torch.zeros(2, row.batch, dtype=torch.long)
        everything = Draw(torch.arange(row.batch), none, none[0].bool())
        program.update(x.permute(0, 2, 3, 1).contiguous(), everything, y, Descent(0.0, 0.0, False, 0.0))
        native = {id(weight): slope for weight, slope in program.gradients()}
        found[f"native {name}"] = [native[id(weight)][rows].double() for weight, _, _, rows in both]
    return found


def distance(a: list[torch.Tensor], b: list[torch.Tensor]) -> float:
    """Length of the difference of all gradients, in units of the length of the latter."""
    gap = torch.stack([(x - y).norm() for x, y in zip(a, b, strict=True)]).norm()
    return float(gap / torch.stack([y.norm() for y in b]).norm())


def step(repeats: int) -> None:
    """One training step, data included, against the peer's."""
    cells = ("typical", "heaviest", "drawn")
    small = [Row(cell, 8, 1, 12, 128) for cell in cells]
    brief = [Row("typical", 8, 1, pixels, batch) for pixels, batch in ((16, 64), (16, 128), (32, 128))]
    big = [Row(cell, 16, 5, 32, 128) for cell in cells]
    other = [replace(big[0], batch=64), replace(big[0], batch=256)]
    torchs = [replace(row, kernels="torch") for row in (small[0], small[1], brief[1], big[0], big[1])]
    rough = [replace(row, precision="bfloat16", kernels="torch") for row in big[:2]]
    print("| cell | C | N | pixels | batch | ours | peer, s | ours, s | ratio | quartiles |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in [*small, *brief, *big, *other, *torchs, *rough]:
        count, found = (20 if row.cells == 1 else 1), []
        for cell in row.drawn():
            with server("peer", cell, row) as theirs, server("ours", cell, row) as ours:
                sides = partial(theirs, count), partial(ours, count)
                found.append(alternate(*sides, repeats if row.cell != "drawn" else 2))
        times = np.concatenate(found)
        peer, mine = np.median(times, axis=0)
        about = (
            f"| {row.cell} | {row.channels} | {row.cells} | {row.pixels} | {row.batch} | {row.kernels}, {row.precision}"
        )
        print(f"{about} | {peer:.4f} | {mine:.4f} | {quartiles(times[:, 0] / times[:, 1])} |", flush=True)


def gradients(repeats: int) -> None:
    """Whether both sides are the same mathematics."""
    prepare(1)
    print("\nDistance of all gradients to the peer's in float64, relative to their length; five draws:")
    sides = "native, float64 | native, float32 | torch, float32 | the peer itself, float32"
    print(f"\n| cell | C | N | pixels | images | {sides} |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in (Row("typical", 8, 1, 12, 128), Row("heaviest", 8, 1, 12, 128), Row("typical", 16, 5, 32, 16),
                Row("heaviest", 16, 5, 32, 16)):  # fmt: skip
        found = [all_gradients(row.drawn()[0], row, seed) for seed in range(5)]
        spread = []
        for side in ("native 64", "native 32", "torch 32", "peer 32"):
            gaps = sorted(distance(one[side], one["peer 64"]) for one in found)
            spread.append(" ".join(f"{gap:.0e}" for gap in gaps))
        print(
            f"| {row.cell} | {row.channels} | {row.cells} | {row.pixels} | {row.batch} | {' | '.join(spread)} |",
            flush=True,
        )
