"""`digits`: the embedded data set, made from scikit-learn's bundled handwritten digits; nothing is downloaded.

Plain digits are too easy to separate architectures, so each image is a digit, rotated, sheared, scaled and shifted at
random on a larger canvas, with clutter (a fragment of another digit) and noise. Images are identical on every machine:
random numbers come from NumPy's frozen `RandomState` stream, and the warp uses numbers that float64 holds exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.schema import ImageSet, demand

from .untrained_classes import with_warning

Images = NDArray[np.float64]
GRID = 4096  # warps are rounded to 1/GRID, so that bilinear weights times 0..16 grey levels are exact in float64


@dataclass(frozen=True)
class Digits:
    """Ten classes of cluttered digits, 1 colour, `size` x `size` pixels.

    Training, validation and test images are made from three disjoint sets of scanned digits.
    """

    kind: ClassVar[str] = "dataset/digits"

    name: str = "digits"
    train_images: int = 4096
    valid_images: int = 1024
    test_images: int = 2048
    size: int = 12  # pixels
    clutter: int = 1  # fragments of other digits in each image
    noise: float = 0.3  # standard deviation, in units of full ink
    seed: int = 0

    def __post_init__(self) -> None:
        for key in ("train_images", "valid_images", "test_images"):
            demand(getattr(self, key) >= 1, f"dataset.{key}", "at least 1", getattr(self, key))
        demand(self.size >= 12 and self.size % 4 == 0, "dataset.size", "a multiple of 4, at least 12 pixels", self.size)
        demand(self.clutter >= 0, "dataset.clutter", "at least 0", self.clutter)
        demand(0 <= self.seed < 2**32, "dataset.seed", "an integer from 0 to 2**32 - 1", self.seed)
        demand(self.noise >= 0, "dataset.noise", "at least 0", self.noise)

    def load(self, data: str | None = None) -> ImageSet:
        """The data set; `data`, the folder of downloaded files, is not used."""
        from sklearn.datasets import load_digits

        scans, labels = load_digits(return_X_y=True)
        scans = scans.reshape(-1, 8, 8)
        random = np.random.RandomState(self.seed)
        order = random.permutation(len(scans))
        parts = np.split(order, [897, 1347])
        counts = (self.train_images, self.valid_images, self.test_images)
        train, valid, test = (
            self._draw(scans[part], labels[part], count, random) for part, count in zip(parts, counts, strict=True)
        )
        mean = float(train[0].mean() / 255)
        std = float(train[0].std() / 255)
        constants = ((round(mean, 4),), (round(std, 4),))
        return with_warning(ImageSet(self.name, train, valid, test, 10, *constants, flip=False, crop=0))

    def _draw(
        self, scans: Images, labels: NDArray[np.int64], count: int, random: np.random.RandomState
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        chosen = random.randint(len(scans), size=count)
        canvas = warp(scans[chosen], self.size, random, scale=(0.8, 1.5), shift=2.5)
        for _ in range(self.clutter):
            others = warp(scans[random.randint(len(scans), size=count)], self.size, random, (0.7, 1.2), shift=2.5)
            canvas = np.maximum(canvas, others * _fragments(count, self.size, random))
        ink = canvas / 16 + self.noise * random.standard_normal(canvas.shape)
        grey = np.rint(np.clip(ink * 0.6 + 0.2, 0, 1) * 255).astype(np.uint8)
        return grey[..., None], labels[chosen].astype(np.int64)


def warp(scans: Images, size: int, random: np.random.RandomState, scale: tuple[float, float], shift: float) -> Images:
    """Each 8 x 8 scan, rotated by up to 0.5 rad, sheared by up to 0.3, scaled and shifted, on a size x size canvas."""
    n = len(scans)
    angle, shear = random.uniform(-0.5, 0.5, n), random.uniform(-0.3, 0.3, n)
    zoom = random.uniform(*scale, n)
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    inverse = np.stack([np.stack([cos, sin + shear], -1), np.stack([-sin, cos], -1)], -2)
    inverse = np.rint(inverse * GRID) / GRID
    centre = np.rint((size - 1) / 2 * GRID + random.uniform(-shift, shift, (n, 2)) * GRID) / GRID
    along = np.arange(size, dtype=float)
    offset = np.stack(np.meshgrid(along, along, indexing="ij"), -1) - centre[:, None, None]
    source = np.einsum("nij,nhwj->nhwi", inverse, offset)
    source = np.rint(source * GRID) / GRID + 3.5 + 1  # in the scan padded by one empty pixel
    padded = np.pad(scans, ((0, 0), (1, 1), (1, 1)))
    source = np.clip(source, 0, 9)
    low = np.minimum(source.astype(int), 8)
    part = source - low
    rows, (y, x) = np.arange(n)[:, None, None], np.moveaxis(low, -1, 0)
    v, u = np.moveaxis(part, -1, 0)
    top = padded[rows, y, x] * (1 - u) + padded[rows, y, x + 1] * u
    bottom = padded[rows, y + 1, x] * (1 - u) + padded[rows, y + 1, x + 1] * u
    result: Images = top * (1 - v) + bottom * v
    return result


def _fragments(count: int, size: int, random: np.random.RandomState) -> Images:
    """Masks (count, size, size) that keep one random window of 5 x 5 pixels near the border and hide the rest."""
    corner = random.randint(0, size - 4, size=(count, 2))
    rim = random.randint(2, size=count)  # which coordinate is moved to the border
    side = random.randint(2, size=count) * (size - 5)
    corner[np.arange(count), rim] = side
    along = np.arange(size)
    inside = (along >= corner[..., None]) & (along < corner[..., None] + 5)
    mask: Images = (inside[:, 0, :, None] & inside[:, 1, None, :]).astype(float)
    return mask
