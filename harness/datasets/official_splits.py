"""The splits of NAS-Bench-201, stored as packed bits: one bit per image, set for the first half of the split.

They were made from the files cifar-split.txt, cifar100-test-split.txt and imagenet-16-120-test-split.txt of
github.com/D-X-Y/AutoDL-Projects (MIT licence), in configs/nas-benchmark.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .subset import Places, limited

COUNTS = {"cifar10": 50_000, "cifar100": 10_000, "imagenet16_120": 6_000}
"""Images that are split: CIFAR-10's training images, the test images of the others."""


def first_half(name: str) -> NDArray[np.bool_]:
    """Which of these images, in their original order, are in the first half of the split.

    For cifar10 the training half of "cifar10-valid" (the others are its validation images); for cifar100 and
    imagenet16_120 "x-valid" (the others are "x-test").
    """
    packed = np.load(Path(__file__).with_name(f"{name}_split.npy"))
    half: NDArray[np.bool_] = np.unpackbits(packed, count=COUNTS[name]).astype(bool)
    return half


def halved(name: str, train: int, limits: Sequence[int | None], seed: int) -> list[Places]:
    """Indices of the training images in `train`, and of x-valid and x-test in the images that are split.

    `limits` limit the size of the three parts, drawn by `seed` regardless of class; None takes all.
    """
    valid = first_half(name)
    every = (np.arange(train), np.flatnonzero(valid), np.flatnonzero(~valid))
    parts = ("train", "valid", "test")
    return [limited(whole, limit, seed, part) for whole, limit, part in zip(every, limits, parts, strict=True)]
