"""Random subsets of an image set, identical on every machine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from harness.schema import demand, seed_of

Labelled = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images (n, height, width, colours) and their labels (n,)."""

Places = NDArray[np.int64]
FIFTH = 5  # one image in so many is held out by default


def demand_limits(train: int | None, valid: int | None, test: int | None) -> None:
    """Raise BadInput for a limit of a part's images below one (None: all of them, or a fifth held out)."""
    for part, limit in (("train", train), ("valid", valid), ("test", test)):
        demand(limit is None or limit >= 1, f"dataset.{part}_images", "at least 1 (or null)", limit)


def shuffled(count: int, seed: int, name: str) -> Places:
    """The numbers 0 to `count` - 1 in an order determined by `seed` and `name` only (NumPy's frozen stream)."""
    order: Places = np.random.RandomState(seed_of(seed, name) % 2**32).permutation(count).astype(np.int64)
    return order


def limited(places: Places, limit: int | None, seed: int, name: str) -> Places:
    """`limit` of `places`, drawn uniformly regardless of class, in their original order; all of them for None.

    With the same seed and name, a smaller limit gives a subset of a larger one.
    """
    if limit is None:
        return places
    demand(1 <= limit <= len(places), f"dataset.{name}_images", f"a count from 1 to {len(places)} (or null)", limit)
    return places[np.sort(shuffled(len(places), seed, name)[:limit])]


def held_out(places: Places, count: int | None, seed: int, name: str) -> tuple[Places, Places]:
    """(the rest, `count` of `places` drawn by `seed` regardless of class); a fifth of them for None."""
    wanted = len(places) // FIFTH if count is None else count
    what = f"a count from 1 to {len(places) - 1} (images to hold out of the training images)"
    demand(1 <= wanted < len(places), f"dataset.{name}_images", what, wanted)
    order = shuffled(len(places), seed, name)
    return places[np.sort(order[wanted:])], places[np.sort(order[:wanted])]


def parted(counts: Mapping[str, int], limits: Mapping[str, int | None], seed: int) -> dict[str, tuple[str, Places]]:
    """For train, valid and test the source of its images ("train", "valid" or "test") and their indices in it.

    `counts` are the images in each source, `limits` the wanted numbers (None: all). A part without a source of its own
    is held out of the training images.
    """
    rest, parts = np.arange(counts["train"]), {}
    for part in ("test", "valid"):
        if part in counts:
            parts[part] = (part, limited(np.arange(counts[part]), limits[part], seed, part))
        else:
            rest, out = held_out(rest, limits[part], seed, part)
            parts[part] = ("train", out)
    return {"train": ("train", limited(rest, limits["train"], seed, "train")), **parts}


def take(labelled: Labelled, places: Places) -> Labelled:
    """The images and labels at `places`."""
    images, labels = labelled
    return images[places], labels[places]
