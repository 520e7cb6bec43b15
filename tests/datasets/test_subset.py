"""Random parts and smaller images against slow loops."""

from __future__ import annotations

import numpy as np
import pytest

from harness.datasets.subset import limited, shrunk, shuffled
from harness.schema import BadInput


def test_an_order_depends_on_seed_and_name_alone() -> None:
    assert sorted(shuffled(1000, 3, "train")) == list(range(1000))
    np.testing.assert_array_equal(shuffled(1000, 3, "train"), shuffled(1000, 3, "train"))
    assert shuffled(8, 0, "train").tolist() == [0, 1, 6, 3, 2, 5, 4, 7]  # the same on every machine
    for other in (shuffled(1000, 4, "train"), shuffled(1000, 3, "test")):
        assert (other != shuffled(1000, 3, "train")).any()


def test_a_smaller_limit_gives_a_part_of_a_larger_one_in_the_old_order() -> None:
    places = np.arange(100, 400, 3)
    few, many = limited(places, 10, 0, "train"), limited(places, 60, 0, "train")
    assert len(few) == 10
    assert set(few) < set(many) < set(places)
    assert (np.diff(many) > 0).all()
    np.testing.assert_array_equal(limited(places, None, 0, "train"), places)


def test_a_limit_cuts_across_a_file_that_is_sorted_by_class() -> None:
    labels = np.repeat(np.arange(10), 500)
    counts = np.bincount(labels[limited(np.arange(5000), 1000, 0, "train")], minlength=10)
    assert counts.min() > 60
    assert counts.max() < 140


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_a_limit_beyond_what_there_is_is_refused(limit: int) -> None:
    with pytest.raises(BadInput, match=r"dataset\.test_images.*1 to 100"):
        limited(np.arange(100), limit, 0, "test")


@pytest.mark.parametrize("size", [32, 16, 8])
def test_a_smaller_image_is_the_mean_of_its_blocks(size: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 2), dtype=np.uint8)
    small, labels = shrunk((images, np.array([4, 5, 6])), size)
    factor = 32 // size
    assert small.dtype == np.uint8
    assert labels.tolist() == [4, 5, 6]
    for n, y, x, c in np.ndindex(small.shape):
        block = images[n, y * factor : (y + 1) * factor, x * factor : (x + 1) * factor, c].astype(float)
        assert small[n, y, x, c] == np.floor(block.mean() + 0.5)
