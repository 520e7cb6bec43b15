"""`python -m perf.zoo [NETWORKS] [EPOCHS]`: networks of the CNN zoo an hour, side by side and one by one.

On 2,000 images of 28 x 28 pixels and 2,000 test images: by compiled C and by torch, and one by one in plain torch; one
thread, CPU seconds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from harness.benches.cnn_zoo import training
from harness.benches.cnn_zoo.form import Form
from harness.benches.cnn_zoo.network import Network
from harness.benches.cnn_zoo.pictures import pictures
from harness.benches.cnn_zoo.space import checkpoints
from harness.benches.cnn_zoo.training import Schedule
from harness.benches.hyperparameters import Values
from harness.schema import ImageSet
from harness.train.process import prepare

IMAGES, PIXELS, BATCH = 2000, 28, 16
SETTINGS: Values = {
    "activation": "relu", "initialization": "he", "l2": 1e-4, "rate": 0.003, "dropout": 0.3, "optimizer": "adam",
    "train_fraction": 0.5,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line per way of training."""
    parser = argparse.ArgumentParser(prog="python -m perf.zoo", description=__doc__)
    parser.add_argument("networks", nargs="?", type=int, default=32, help="networks side by side")
    parser.add_argument("epochs", nargs="?", type=int, default=4, help="epochs of each, also of the 20 of a zoo")
    parser.add_argument("images", nargs="?", type=int, default=IMAGES, help="training and test images")
    given = parser.parse_args(arguments)
    prepare(1)
    images = _noise(given.images)
    networks = [{**SETTINGS, "rate": 0.001 * (1 + place)} for place in range(given.networks)]
    compiled, plain = (
        _seconds(partial(_side_by_side, networks, images, given.epochs, kernels)) / given.networks
        for kernels in ("native", "torch")
    )
    alone = _seconds(lambda: _one_by_one(SETTINGS, images, given.epochs))
    side_by_side = f"{given.networks} side by side"
    ways = ((f"{side_by_side}, compiled", compiled), (f"{side_by_side}, torch", plain), ("one by one", alone))
    for name, seconds in ways:
        print(f"{name:>27}: {seconds:.2f} CPU seconds a network, {3600 / seconds:,.0f} networks an hour")


def _side_by_side(networks: Sequence[Values], images: ImageSet, epochs: int, kernels: str) -> None:
    for _ in training.train(networks, images, Schedule(epochs, BATCH, 0, "perf", kernels=kernels)):
        pass


def _one_by_one(values: Values, images: ImageSet, epochs: int) -> None:
    """The same training as tutorials do it: a module, torch's optimizer, the same images, updates and evaluations."""
    form = Form("cnn", images.size, images.classes)
    model = Network(form, str(values["activation"]), float(values["dropout"]))
    decay = 2 * float(values["l2"])
    optimizer = torch.optim.Adam(model.parameters(), float(values["rate"]), weight_decay=decay)
    shown = {split: pictures(part, "cpu") for split, part in training.parts(images).items()}
    maps, labels = shown["train"].images[:, None], shown["train"].labels
    used = torch.randperm(len(labels))[: int(float(values["train_fraction"]) * len(labels))]
    for epoch in range(epochs + 1):
        for chosen in used[torch.randperm(len(used))].split(BATCH) if epoch else ():
            optimizer.zero_grad()
            functional.cross_entropy(model.train()(maps[chosen]), labels[chosen]).backward()
            optimizer.step()
        if epoch in checkpoints(epochs):
            with torch.no_grad():
                for split, part in shown.items():
                    seen = part.images[:, None]
                    model.eval()(seen[: training.MOST_WATCHED] if split == "train" else seen)


def _noise(count: int) -> ImageSet:
    random = np.random.default_rng(0)

    def part(n: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        return random.integers(0, 256, (n, PIXELS, PIXELS, 1)).astype(np.uint8), random.integers(0, 10, n)

    sets = part(count), part(max(1, count // 4)), part(count)
    return ImageSet("noise", *sets, classes=10, mean=(0.5,), std=(0.3,), flip=False, crop=0)


def _seconds(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
