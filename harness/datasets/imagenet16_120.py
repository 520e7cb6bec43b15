"""`imagenet16_120`: ImageNet16-120 in the protocol of NAS-Bench-201."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from harness import files
from harness.files import Download, Source
from harness.schema import BadInput, ImageSet, demand

from . import archives
from .official_splits import halved
from .pixels import resized
from .subset import Labelled, Places
from .untrained_classes import with_warning

TRAIN, VALID, CLASSES = 151_700, 6_000, 120
MEAN = (122.68 / 255, 116.66 / 255, 104.01 / 255)
STD = (63.22 / 255, 61.26 / 255, 65.09 / 255)
SIDE, PADDING = 16, 2  # pixels
LARGEST = 2**28  # bytes of one batch; the official ones have about 100 MB
BATCHES = {  # MD5, as in xautodl/datasets/DownsampledImageNet.py of github.com/D-X-Y/AutoDL-Projects (MIT licence)
    "train_data_batch_1": "27846dcaa50de8e21a7d1a35f30f0e91",
    "train_data_batch_2": "c7254a054e0e795c69120a5727050e3f",
    "train_data_batch_3": "4333d3df2e5ffb114b05d2ffc19b1e87",
    "train_data_batch_4": "1620cdf193304f4a92677b695d70d10f",
    "train_data_batch_5": "348b3c2fdbb3940c4e9e834affd3b18d",
    "train_data_batch_6": "6e765307c242a1b3d7d5ef9139b48945",
    "train_data_batch_7": "564926d8cbf8fc4818ba23d2faac7564",
    "train_data_batch_8": "f4755871f718ccb653440b9dd0ebac66",
    "train_data_batch_9": "bb6dd660c38c58552125b1a92f86b5d4",
    "train_data_batch_10": "8f03f34ac4b42271a294f91bf480f29b",
    "val_data": "3410e3017fdaefba8d5073aaa65e4bd6",
}
SITE = "https://image-net.org/data/downsample"
# no checksum of the two archives is published; those of the batches in them are verified
ZIPS = tuple(Download(name, None, (f"{SITE}/{name}",)) for name in ("Imagenet16_train.zip", "Imagenet16_val.zip"))
SOURCE = Source(
    "images",
    (("ImageNet16",), ("Imagenet16_train", "Imagenet16_val"), ZIPS),
    "downsampled ImageNet 16x16, train_data_batch_1 to 10 and val_data, after free registration at image-net.org",
)


@dataclass(frozen=True)
class ImageNet16:
    """ImageNet16-120 (Chrabaszcz, Loshchilov & Hutter 2017): 120 classes, 3 colours, `size` x `size` pixels.

    The first 120 of ImageNet's 1,000 classes, averaged down from 16 pixels where `size` is 8. The protocol of
    NAS-Bench-201 (Dong & Yang 2020, section 2.2): 151,700 images for training; the 6,000 validation images are halved
    by the official list into x-valid and x-test. Mean, deviation, flip and the crop after a padding of 2 pixels (which
    shrinks with the size) are the constants of its code. `train_images`, `valid_images` and `test_images` limit a part
    to a random choice of that many, drawn by `seed` regardless of class.
    """

    kind: ClassVar[str] = "dataset/imagenet16_120"

    name: str = "imagenet16-120"
    size: int = SIDE  # pixels
    train_images: int | None = None
    valid_images: int | None = None
    test_images: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        demand(self.size in (8, 16), "dataset.size", "8 or 16 pixels", self.size)
        self._places()  # validates the limits before any file is opened

    def sources(self) -> tuple[Source, ...]:
        """The accepted files."""
        return (SOURCE,)

    def load(self, data: str | None = None) -> ImageSet:
        """The data set, from the official batches in the folder `data` (see docs/data.md), with verified checksums.

        Raises BadInput for missing files, and for a file that is not the official one.
        """
        train, valid = read(files.obtain(SOURCE, data, "imagenet16_120"))
        for part, labelled, count in (("training", train, TRAIN), ("validation", valid, VALID)):
            wanted = f"ImageNet16-120 with {count} {part} images of {CLASSES} classes"
            found = np.bincount(labelled[1], minlength=CLASSES)
            demand(len(labelled[1]) == count and bool(found.all()), "data", wanted, f"{len(labelled[1])} images")
        parts = [
            (resized(images[places], self.size), labels[places])
            for (images, labels), places in zip((train, valid, valid), self._places(), strict=True)
        ]
        crop = PADDING * self.size // SIDE
        return with_warning(ImageSet(self.name, parts[0], parts[1], parts[2], CLASSES, MEAN, STD, flip=True, crop=crop))

    def _places(self) -> list[Places]:
        return halved("imagenet16_120", TRAIN, (self.train_images, self.valid_images, self.test_images), self.seed)


def read(paths: Sequence[Path]) -> tuple[Labelled, Labelled]:
    """Training and validation images of the first 120 classes, in the order of the batches in these folders or zips.

    Raises BadInput for a batch that is missing, damaged, or has a wrong checksum.
    """
    found: dict[str, Labelled] = {}
    for name, batch in _batches(paths):
        md5 = hashlib.md5(batch, usedforsecurity=False).hexdigest()
        if md5 != BATCHES[name]:
            raise BadInput(
                f"data: checksum mismatch: {name} must have md5:{BATCHES[name]} (got md5:{md5}). Delete it and download"
                " it again"
            )
        found[name] = decode(batch)
    missing = [name for name in BATCHES if name not in found]
    demand(
        not missing,
        "data",
        "folders or archives with all batches",
        f"{' and '.join(map(str, paths))} without {', '.join(missing)}",
    )
    *train, valid = (found[name] for name in BATCHES)
    images, labels = (np.concatenate(parts) for parts in zip(*train, strict=True))
    return (images, labels), valid


def _batches(paths: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Name and content of the batches, one at a time."""
    for path in paths:
        if path.is_dir():
            for file in sorted(file for file in path.rglob("*") if file.name in BATCHES and file.is_file()):
                yield file.name, archives.content(file, LARGEST)
        else:
            for name, batch in archives.zipped(path, lambda name: Path(name).name in BATCHES):
                yield Path(name).name, batch


def decode(batch: bytes) -> Labelled:
    """Images (n, 16, 16, 3) and labels 0..119 of the first 120 classes of one batch, whose labels count from 1."""
    content = files.read_pickle(io.BytesIO(batch), encoding="latin1")
    wanted = f"a batch of downsampled ImageNet with data, rows of {SIDE * SIDE * 3} bytes, and as many labels"
    demand(isinstance(content, dict) and {"data", "labels"} <= content.keys(), "data", wanted, type(content).__name__)
    pixels, labels = content["data"], content["labels"]
    sound = isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.shape[1:] == (SIDE * SIDE * 3,)
    numbers = isinstance(labels, list) and all(type(label) is int and 1 <= label <= 1000 for label in labels)
    demand(sound and numbers and len(labels) == len(pixels), "data", wanted, "others")
    chosen = np.flatnonzero(np.array(labels) <= CLASSES)
    images = pixels[chosen].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), np.array(labels, dtype=np.int64)[chosen] - 1
