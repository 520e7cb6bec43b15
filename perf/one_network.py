"""`python -m perf.one_network [--turns N]`: an update of the networks of `+bench=hyperparameters`, both ways.

Random images, one thread, compiled and by torch in turn on the same batches; CPU milliseconds of an update, batch and
dropout included.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch

from harness.benches.one_network.bench import OneNetwork
from harness.train.batches import TrainingImages
from harness.train.process import prepare
from harness.train.recipe import Recipe
from harness.train.updates import Updates
from perf.comparison import alternate, noise_images, quartiles

SETTING, RATE = "rate=0.002,dropout=0.5", 0.002


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    model: str
    width: float
    pixels: int
    batch: int
    updates: int
    """In a turn."""


ROWS = (
    Row("lenet", 1.0, 32, 128, 20),
    Row("lenet", 1.0, 16, 128, 60),
    Row("lenet", 1.0, 16, 32, 100),
    Row("alexnet", 0.25, 16, 32, 20),
    Row("vgg", 0.25, 16, 32, 15),
    Row("resnet32", 0.25, 16, 32, 20),
)


def turns(row: Row, kernels: str) -> Callable[[], float]:
    """A function that makes the updates of a turn and gives the CPU seconds of one."""
    torch.manual_seed(0)
    bench, images = OneNetwork(model=row.model, width=row.width), noise_images(1024, row.pixels)
    model = bench.build(bench.architecture(SETTING), images).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    recipe = Recipe(steps=1, batch=row.batch, learning_rate=RATE, nesterov=False, weight_decay=0.0, schedule="constant")
    data = TrainingImages(images, torch.device("cpu"))
    updates, steps = Updates(model.train(), data, recipe, torch.Generator().manual_seed(0), kernels), count()

    def turn() -> float:
        begin = time.process_time()
        for _ in range(row.updates):
            updates.make(next(steps))
        return (time.process_time() - begin) / row.updates

    return turn


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m perf.one_network", description=__doc__)
    parser.add_argument("--turns", type=int, default=7)
    given = parser.parse_args(arguments)
    prepare(1)
    print("| network, width, pixels, batch | torch, ms | compiled, ms | ratio | quartiles |")
    print("|---|---|---|---|---|")
    for row in ROWS:
        found = alternate(turns(row, "torch"), turns(row, "native"), given.turns)
        plain, compiled = 1e3 * np.median(found, axis=0)
        name = f"{row.model} × {row.width:g}, {row.pixels}, {row.batch}"
        print(f"| {name} | {plain:.2f} | {compiled:.2f} | {quartiles(found[:, 0] / found[:, 1])} |", flush=True)


if __name__ == "__main__":
    main()
