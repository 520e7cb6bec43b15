"""What the regressors read of a zoo: the fourteen inputs of the paper's table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.benches.cnn_zoo.zoo import PER_LAYER, Numbers, Zoo
from harness.measures.weight_statistics import PERCENTILES

PUBLISHED_DATA_SETS = ("mnist", "fashion_mnist", "cifar10", "svhn")
PUBLISHED = {
    "hyper-parameters": ((0.692, 0.918, 0.898), (0.614, 0.924, 0.888), (0.685, 0.934, 0.903), (0.636, 0.935, 0.879)),
    "learning rate": ((0.025, 0.024, 0.026), (0.033, 0.035, 0.036), (0.003, 0.015, 0.014), (0.000, 0.034, 0.034)),
    "all weights": ((0.847, 0.988, 0.980), (0.733, 0.989, 0.980), (0.662, 0.970, 0.954), (0.786, 0.971, 0.931)),
    "hyper-parameters and weights": (
        *((0.874, 0.990, 0.979), (0.793, 0.991, 0.983)),
        *((0.735, 0.979, 0.955), (0.814, 0.978, 0.934)),
    ),
    "seven statistics of all weights": (
        *((0.781, 0.953, 0.948), (0.516, 0.955, 0.938)),
        *((0.186, 0.914, 0.897), (0.384, 0.908, 0.904)),
    ),
    "statistics of the head": (
        *((0.842, 0.973, 0.973), (0.713, 0.976, 0.975)),
        *((0.605, 0.941, 0.933), (0.755, 0.946, 0.946)),
    ),
    "statistics of first layer and head": (
        *((0.902, 0.989, 0.988), (0.775, 0.989, 0.988)),
        *((0.633, 0.971, 0.968), (0.779, 0.971, 0.971)),
    ),
    "statistics per layer": (
        *((0.920, 0.993, 0.993), (0.804, 0.993, 0.992)),
        *((0.727, 0.984, 0.980), (0.852, 0.986, 0.985)),
    ),
}
"""R² of (linear, boosting, dense) on MNIST, Fashion-MNIST, CIFAR-10 grey, SVHN grey, from 15,000 networks."""

BOOSTED = {
    "weights of layer 1": (0.977, 0.982, 0.959, 0.936),
    "weights of layer 2": (0.966, 0.975, 0.926, 0.895),
    "weights of layer 3": (0.969, 0.973, 0.928, 0.890),
    "weights of the head": (0.987, 0.989, 0.969, 0.967),
    "L1 norm per layer": (0.983, 0.982, 0.960, 0.967),
    "L2 norm per layer": (0.981, 0.983, 0.960, 0.971),
}
"""R² of boosting alone."""

HYPER, SEVEN, ENDS, LAYERS = (
    "hyper-parameters",
    "seven statistics of all weights",
    "statistics of first layer and head",
    "statistics per layer",
)
"""Names of the inputs that are asked for by themselves."""


def published(name: str, model: str, dataset: str) -> float:
    """The paper's R², nan where it has none."""
    if dataset not in PUBLISHED_DATA_SETS:
        return float("nan")
    place = PUBLISHED_DATA_SETS.index(dataset)
    if name in PUBLISHED:
        return PUBLISHED[name][place][("linear", "boosting", "dense").index(model)]
    return BOOSTED[name][place] if name in BOOSTED and model == "boosting" else float("nan")


def inputs(zoo: Zoo, epoch: int = -1) -> Iterator[tuple[str, Numbers]]:
    """(name, features (n, d)) of the networks at a checkpoint, by its place; by default of the finished ones.

    Those that need weights are of finished networks alone, and left out where these are not at hand.
    """
    seen, hyper = zoo.statistics[:, epoch], zoo.hyperparameters
    yield HYPER, hyper
    yield "learning rate", hyper[:, [zoo.names.index("log rate")]]
    if zoo.weights is not None and epoch == -1:
        yield from _of_weights(zoo, zoo.weights.astype(float), hyper)
    yield "statistics of the head", seen[:, -PER_LAYER:]
    yield ENDS, seen[:, [*range(PER_LAYER), *range(-PER_LAYER, 0)]]
    yield LAYERS, seen


def _of_weights(zoo: Zoo, weights: Numbers, hyper: Numbers) -> Iterator[tuple[str, Numbers]]:
    cuts = [(low, high) for low, _, high in zoo.form.slices]
    yield "all weights", weights
    yield "hyper-parameters and weights", np.column_stack([hyper, weights])
    for layer, (low, high) in enumerate(cuts, 1):
        yield "weights of the head" if layer == len(cuts) else f"weights of layer {layer}", weights[:, low:high]
    ends = [*np.percentile(weights, PERCENTILES, axis=1), weights.std(axis=1), weights.mean(axis=1)]
    yield SEVEN, np.column_stack(ends)
    for power in (1, 2):
        norms = [np.linalg.norm(weights[:, low:high], power, axis=1) for low, high in cuts]
        yield f"L{power} norm per layer", np.column_stack(norms)
