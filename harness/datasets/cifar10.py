"""`cifar10`: CIFAR-10 in the protocols of NAS-Bench-201."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from harness.files import Source
from harness.schema import ImageSet, demand

from . import cifar_files
from .official_splits import first_half
from .pixels import resized
from .subset import Places, held_out, limited
from .untrained_classes import with_warning

TRAIN, TEST = 50_000, 10_000  # images
MEAN = (125.3 / 255, 123.0 / 255, 113.9 / 255)
STD = (63.0 / 255, 62.1 / 255, 66.7 / 255)
PADDING = 4  # pixels, at the full size of 32


@dataclass(frozen=True)
class Cifar10:
    """CIFAR-10 (Krizhevsky 2009): 10 classes, 3 colours, `size` x `size` pixels (averaged down from 32).

    Normalised and augmented as NAS-Bench-201 does (Dong & Yang 2020, section 2.2): random flip, random crop after a
    padding of 4 pixels, which shrinks with the size. `train_set` is the benchmark's name of the protocol:

    - "cifar10-valid": the official 25,000 training and 25,000 validation images, and the 10,000 test images;
    - "cifar10": all 50,000 training images and the test images. That protocol has no validation images:
      `valid_images` must be given, and that many, drawn by `seed`, are held out of the 50,000.

    `train_images`, `valid_images` and `test_images` limit a part to a random choice of that many, drawn by `seed`
    regardless of class; null takes all.
    """

    kind: ClassVar[str] = "dataset/cifar10"

    name: str = "cifar10"
    train_set: str = "cifar10-valid"
    size: int = 32  # pixels
    train_images: int | None = None
    valid_images: int | None = None
    test_images: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        protocols = ("cifar10-valid", "cifar10")
        demand(self.train_set in protocols, "dataset.train_set", " or ".join(map(repr, protocols)), self.train_set)
        demand(self.size in (8, 16, 32), "dataset.size", "8, 16 or 32 pixels", self.size)
        demand(
            self.train_set == "cifar10-valid" or (self.valid_images or 0) in range(1, TRAIN),
            "dataset.valid_images",
            "a number of images to hold out of the 50,000 (train_set cifar10 has no validation images;"
            " cifar10-valid has 25,000)",
            self.valid_images,
        )
        self._places()  # validates the limits before any file is opened

    def sources(self) -> tuple[Source, ...]:
        """The accepted files."""
        return (cifar_files.CIFAR10.source,)

    def load(self, data: str | None = None) -> ImageSet:
        """The data set, from the files in the folder `data` (see docs/data.md), downloaded if missing.

        Raises BadInput for missing files, and for files that do not hold CIFAR-10's 60,000 images.
        """
        train, test = cifar_files.read(cifar_files.CIFAR10, (TRAIN, TEST), 10, data)
        parts = [
            (resized(images[places], self.size), labels[places])
            for (images, labels), places in zip((train, train, test), self._places(), strict=True)
        ]
        crop = PADDING * self.size // 32
        return with_warning(ImageSet(self.name, parts[0], parts[1], parts[2], 10, MEAN, STD, flip=True, crop=crop))

    def _places(self) -> list[Places]:
        """Indices of the training and validation images in the 50,000, and of the test images in the 10,000."""
        if self.train_set == "cifar10-valid":
            training = first_half("cifar10")
            train, valid = np.flatnonzero(training), np.flatnonzero(~training)
            valid = limited(valid, self.valid_images, self.seed, "valid")
        else:
            train, valid = held_out(np.arange(TRAIN), self.valid_images, self.seed, "valid")
        return [
            limited(train, self.train_images, self.seed, "train"),
            valid,
            limited(np.arange(TEST), self.test_images, self.seed, "test"),
        ]
