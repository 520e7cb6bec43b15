"""Random parts of an image set, the same on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.schema import demand, seed_of

Labelled = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images (n, height, width, colours) and their labels (n,)."""


def shuffled(count: int, seed: int, name: str) -> NDArray[np.int64]:
    """The numbers 0 to `count` - 1 in an order that `seed` and `name` alone decide (NumPy's frozen stream)."""
    order: NDArray[np.int64] = np.random.RandomState(seed_of(seed, name) % 2**32).permutation(count).astype(np.int64)
    return order


def limited(places: NDArray[np.int64], limit: int | None, seed: int, name: str) -> NDArray[np.int64]:
    """`limit` of `places`, drawn uniformly whatever the class, in their old order; all of them for None.

    A smaller limit with the same seed and name gives a part of what a larger one gives.
    """
    if limit is None:
        return places
    demand(1 <= limit <= len(places), f"dataset.{name}_images", f"a count from 1 to {len(places)} (or null)", limit)
    return places[np.sort(shuffled(len(places), seed, name)[:limit])]


def take(labelled: Labelled, places: NDArray[np.int64]) -> Labelled:
    """The images and labels at `places`."""
    images, labels = labelled
    return images[places], labels[places]


def shrunk(labelled: Labelled, size: int) -> Labelled:
    """The images averaged down to `size` x `size` pixels, a whole fraction of their side; halves round up."""
    images, labels = labelled
    n, side, _, colours = images.shape
    factor = side // size
    if factor == 1:
        return labelled
    blocks = images.reshape(n, size, factor, size, factor, colours)
    total = blocks.sum(axis=(2, 4), dtype=np.uint32)
    return ((2 * total + factor**2) // (2 * factor**2)).astype(np.uint8), labels
