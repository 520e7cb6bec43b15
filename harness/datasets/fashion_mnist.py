"""`fashion_mnist`: Fashion-MNIST, trained the way NAS-Bench-201 trains on CIFAR-10."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness import files
from harness.files import Download, Source
from harness.schema import ImageSet, demand

from . import archives
from .subset import Labelled, parted, take
from .untrained_classes import with_warning

SITES = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
)
OFFICIAL = tuple(
    Download(name, f"md5:{md5}", tuple(f"{site}/{name}" for site in SITES))
    for name, md5 in (
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    )
)
TABLES = ("fashion_mnist_train.npz", "fashion_mnist_test.npz")
SOURCE = Source("images", (OFFICIAL, TABLES))
TRAIN, TEST = 60_000, 10_000  # images


@dataclass(frozen=True)
class FashionMnist:
    """Fashion-MNIST (Xiao, Rasul & Vollgraf 2017): 10 classes, 1 colour, 28 x 28 pixels.

    `valid_images` of the 60,000 training images, drawn by `seed` regardless of class, are for validation; the
    others are for training, or `train_images` of them. The choice does not depend on the order of the file. Random
    flip and random crop after a padding of 4 pixels, as NAS-Bench-201 does for CIFAR-10; the mean and standard
    deviation are those of the 60,000 images. NAS-Bench-201 has no accuracies on this data set.
    """

    kind: ClassVar[str] = "dataset/fashion_mnist"

    name: str = "fashion_mnist"
    train_images: int | None = None
    valid_images: int = 10_000
    test_images: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        rest = TRAIN - self.valid_images
        demand(0 < rest < TRAIN, "dataset.valid_images", f"a count from 1 to {TRAIN - 1}", self.valid_images)
        for key, most in (("train_images", rest), ("test_images", TEST)):
            limit = getattr(self, key)
            demand(limit is None or 1 <= limit <= most, f"dataset.{key}", f"a count from 1 to {most} (or null)", limit)

    def sources(self) -> tuple[Source, ...]:
        """The accepted files."""
        return (SOURCE,)

    def load(self, data: str | None = None) -> ImageSet:
        """The data set, from the files in the folder `data` (see harness/files), downloaded if missing.

        The files are the four official ones, or `fashion_mnist_train.npz` and `fashion_mnist_test.npz` (x, y). Raises
        BadInput for missing files, and for files that do not hold Fashion-MNIST's 70,000 images.
        """
        train, test = (_ordered(part) for part in read(data))
        for part, labelled, count in (("training", train, TRAIN), ("test", test, TEST)):
            shapes = (labelled[0].shape, labelled[1].shape)
            wanted = f"Fashion-MNIST with {count} {part} images"
            demand(shapes == ((count, 28, 28, 1), (count,)), "data", wanted, shapes)
            demand(set(np.unique(labelled[1])) == set(range(10)), "data", f"{wanted} of 10 classes", part)
        limits = {"train": self.train_images, "valid": self.valid_images, "test": self.test_images}
        chosen = parted({"train": TRAIN, "test": TEST}, limits, self.seed)
        parts = {part: take(test if source == "test" else train, places) for part, (source, places) in chosen.items()}
        images = ImageSet(
            self.name,
            parts["train"],
            parts["valid"],
            parts["test"],
            classes=10,
            mean=(0.2860,),
            std=(0.3530,),
            flip=True,
            crop=4,
        )
        return with_warning(images)


def _ordered(labelled: Labelled) -> Labelled:
    """The same images sorted by label and pixels, for independence of the order of the file."""
    images, labels = labelled
    rows = np.concatenate([labels[:, None].astype(np.uint8), images.reshape(len(images), -1)], axis=1)
    return take(labelled, np.argsort(rows.view(f"S{rows.shape[1]}").ravel(), kind="stable"))


def read(data: str | None) -> tuple[Labelled, Labelled]:
    """Training and test images (n, 28, 28, 1) with labels, of the first available files. Raises BadInput."""
    paths = files.obtain(SOURCE, data, "fashion_mnist")
    if len(paths) == len(TABLES):
        train, test = (read_table(path) for path in paths)
        return train, test
    train_images, train_labels, test_images, test_labels = map(read_idx, paths)
    return (train_images[..., None], train_labels.astype(np.int64)), (
        test_images[..., None],
        test_labels.astype(np.int64),
    )


def read_table(path: Path) -> Labelled:
    """Images (n, 28, 28, 1) and labels of an .npz file with `x` and `y`. Raises BadInput for a damaged one."""
    images, labels = (archives.npz_array(path, name) for name in ("x", "y"))
    plain = images.dtype == labels.dtype == np.uint8
    demand(plain, "data", "a file with uint8 arrays x and y", f"{path} with {images.dtype}, {labels.dtype}")
    return images[..., None], labels.astype(np.int64)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The uint8 array of a gzipped IDX file: two zero bytes, 8, the number of axes, their lengths, the values.

    Raises BadInput for a damaged file.
    """
    content = archives.gunzipped(path)
    with archives.damage_refused(path, "an intact IDX file of bytes"):
        zero, kind, axes = struct.unpack_from(">HBB", content)
        shape = struct.unpack_from(f">{axes}I", content, 4)
        values = np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * axes)
        demand((zero, kind) == (0, 8) and axes > 0, "data", "an IDX file of bytes", str(path))
        return values.reshape(shape)
