"""Images with labels, split."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ImageSet:
    """Images and labels of one data set, split, as the benchmark's recipe wants them.

    Images are uint8 arrays (n, height, width, colours); labels are int64 arrays (n,). `mean` and `std` are per colour
    in units of 0..1. `flip` and `crop` (pixels of padding) are the augmentation of the training images.
    """

    name: str
    train: tuple[NDArray[np.uint8], NDArray[np.int64]]
    valid: tuple[NDArray[np.uint8], NDArray[np.int64]]
    test: tuple[NDArray[np.uint8], NDArray[np.int64]]
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip: bool
    crop: int

    @property
    def size(self) -> int:
        """Side of the square images in pixels."""
        return int(self.train[0].shape[1])

    @property
    def colours(self) -> int:
        """Number of colour channels."""
        return int(self.train[0].shape[3])

    def fingerprint(self) -> str:
        """SHA-256 (hex) of everything a training could see of this data set."""
        sha = hashlib.sha256(repr((self.name, self.classes, self.mean, self.std, self.flip, self.crop)).encode())
        for images, labels in (self.train, self.valid, self.test):
            sha.update(repr(images.shape).encode())
            sha.update(np.ascontiguousarray(images).data)
            sha.update(np.ascontiguousarray(labels).data)
        return sha.hexdigest()
