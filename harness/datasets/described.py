"""Image sets that no benchmark prescribes a recipe for: described by their own training images."""

from __future__ import annotations

from collections.abc import Mapping

from harness.schema import ImageSet

from .pixels import moments
from .subset import Labelled


def described(name: str, parts: Mapping[str, Labelled], classes: int, flip: bool, crop: int) -> ImageSet:
    """The image set of these parts (train, valid, test), with mean and deviation of its training images."""
    mean, std = moments(parts["train"][0])
    return ImageSet(name, parts["train"], parts["valid"], parts["test"], classes, mean, std, flip, crop)
