"""`cifar100`: CIFAR-100 in the protocol of NAS-Bench-201."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.files import Source
from harness.schema import ImageSet, demand

from . import cifar_files
from .official_splits import halved
from .pixels import resized
from .subset import Places
from .untrained_classes import with_warning

TRAIN, TEST, CLASSES = 50_000, 10_000, 100
MEAN = (129.3 / 255, 124.1 / 255, 112.4 / 255)
STD = (68.2 / 255, 65.4 / 255, 70.4 / 255)
PADDING = 4  # pixels, at the full size of 32


@dataclass(frozen=True)
class Cifar100:
    """CIFAR-100 (Krizhevsky 2009): 100 classes, 3 colours, `size` x `size` pixels (averaged down from 32).

    The protocol of NAS-Bench-201 (Dong & Yang 2020, section 2.2): all 50,000 images for training; the 10,000 test
    images are halved by the official list into x-valid and x-test. Mean, deviation, flip and the crop after a padding
    of 4 pixels (which shrinks with the size) are the constants of its code. `train_images`, `valid_images` and
    `test_images` limit a part to a random choice of that many, drawn by `seed` regardless of class.
    """

    kind: ClassVar[str] = "dataset/cifar100"

    name: str = "cifar100"
    size: int = 32  # pixels
    train_images: int | None = None
    valid_images: int | None = None
    test_images: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        demand(self.size in (8, 16, 32), "dataset.size", "8, 16 or 32 pixels", self.size)
        self._places()  # validates the limits before any file is opened

    def sources(self) -> tuple[Source, ...]:
        """The accepted files."""
        return (cifar_files.CIFAR100.source,)

    def load(self, data: str | None = None) -> ImageSet:
        """The data set, from the files in the folder `data` (see docs/data.md), downloaded if missing.

        Raises BadInput for missing files, and for files that do not hold CIFAR-100's 60,000 images.
        """
        train, test = cifar_files.read(cifar_files.CIFAR100, (TRAIN, TEST), CLASSES, data)
        parts = [
            (resized(images[places], self.size), labels[places])
            for (images, labels), places in zip((train, test, test), self._places(), strict=True)
        ]
        crop = PADDING * self.size // 32
        return with_warning(ImageSet(self.name, parts[0], parts[1], parts[2], CLASSES, MEAN, STD, flip=True, crop=crop))

    def _places(self) -> list[Places]:
        return halved("cifar100", TRAIN, (self.train_images, self.valid_images, self.test_images), self.seed)
