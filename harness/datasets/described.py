"""Image sets that no benchmark prescribes a recipe for: described by their own training images."""

from __future__ import annotations

from collections.abc import Mapping

from harness.schema import ImageSet, demand

from .pixels import moments
from .subset import Labelled

BENCHMARK = ("cifar10", "cifar10-valid", "cifar100", "imagenet16-120")
"""Names by which NAS-Bench-201 and NATS-Bench look up their accuracies, which are of their own images alone."""


def demand_own_name(name: str) -> None:
    """Raises BadInput where images of one's own have a name that would give them the benchmark's ground truth."""
    wanted = "a name that is none of the benchmark's (bench.train_set takes its accuracies for images that are its own)"
    demand(name not in BENCHMARK, "dataset.name", wanted, name)


def described(name: str, parts: Mapping[str, Labelled], classes: int, flip: bool, crop: int) -> ImageSet:
    """The image set of these parts (train, valid, test), with mean and deviation of its training images."""
    mean, std = moments(parts["train"][0])
    return ImageSet(name, parts["train"], parts["valid"], parts["test"], classes, mean, std, flip, crop)
