"""File formats of CIFAR-10 and CIFAR-100, and their readers."""

from __future__ import annotations

import hashlib
import io
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from harness import files
from harness.files import Download, Source
from harness.schema import BadInput, demand

from . import archives, encoded
from .pixels import Form
from .subset import Labelled, Places, take

SITES = ("https://www.cs.toronto.edu/~kriz", "https://cave.cs.toronto.edu/kriz")
PIXELS = 3072  # bytes of one image: all of red, then green, then blue
PICKLED = (b"\x80", b"(", b"c", b"}")  # first byte of a pickle that holds a dictionary or an array
LARGEST = 2**28  # bytes of one unpacked batch; the largest official one has 155 MB
FORM = Form(32, 3)


def _download(name: str, md5: str) -> Download:
    return Download(name, f"md5:{md5}", tuple(f"{site}/{name}" for site in SITES))


@dataclass(frozen=True)
class Release:
    """One of the two data sets as published."""

    name: str
    python: Download
    binary: Download
    python_folder: str
    binary_folder: str
    train: tuple[str, ...]  # training batches in order; with the suffix ".bin" in the binary version
    test: str
    labels: bytes  # of the Python version's pickles
    heads: int  # bytes before the pixels of a binary record; the last of them is the label
    tables: tuple[tuple[str, str], ...]  # Parquet files of encoded training and test images
    order: str | None = None  # SHA-256 of the training labels in their original order, one byte each

    @property
    def source(self) -> Source:
        """The accepted files in the data folder, the preferred ones first."""
        packed = ((self.python,), (self.python_folder,), (self.binary,), (self.binary_folder,))
        note = f"the folder {self.name} holds train*.parquet and test*.parquet, at any depth"
        return Source("images", (*packed, *self.tables, (self.name,)), note, self.state)

    def state(self, path: Path) -> str:
        """ "" for a complete file or folder, else what a partial folder holds; contents are looked at, not decoded.

        Raises BadInput, with the reason, for a folder one level too deep, without a batch, or with other files.
        """
        if path.suffix == ".parquet":
            _demand_parquet(path)
        elif path.is_dir() and path.name == self.name:
            tables = sorted(found for part in ("train", "test") for found in path.rglob(f"{part}*.parquet"))
            wanted = "a folder with train*.parquet and test*.parquet"
            parts = {found.name[:4] for found in tables}
            demand(parts == {"trai", "test"}, "data", wanted, f"{path} with {len(tables)} such files")
            for table in tables:
                _demand_parquet(table)
        elif path.is_dir():
            return self._batches(path)
        return ""

    def _batches(self, folder: Path) -> str:
        """ "" where the folder holds every batch, else which it lacks. Raises BadInput where it holds none."""
        binary = folder.name == self.binary_folder
        names = [f"{name}{'.bin' if binary else ''}" for name in (*self.train, self.test)]
        there = [name for name in names if (folder / name).is_file()]
        deeper = next((inner.parent for name in names for inner in folder.glob(f"*/{name}")), None)
        if not there and deeper is not None:
            raise BadInput(f"data: must be a folder with {names[0]} in it (got {folder}, whose batches are one level"
                           f" too deep: move the files of {deeper} up into it)")  # fmt: skip
        demand(bool(there), "data", f"a folder with {', '.join(names)}", f"{folder} with none of them")
        for name in there:
            size, record = (folder / name).stat().st_size, self.heads + PIXELS
            with (folder / name).open("rb") as batch:
                sound = size > 0 and (size % record == 0 if binary else batch.read(1) in PICKLED)
            wanted = f"a batch of records of {record} bytes" if binary else "a batch, a pickle"
            demand(sound, "data", wanted, f"{folder / name}, {size} bytes of something else")
        lacking = ", ".join(name for name in names if name not in there)
        return f"{len(there)} of {len(names)} batches, without {lacking}" if lacking else ""


def _demand_parquet(path: Path) -> None:
    """Raise BadInput where the file does not begin as Parquet does."""
    with path.open("rb") as file:
        demand(file.read(4) == b"PAR1", "data", "a Parquet file", str(path))


CIFAR10 = Release(
    "cifar10",
    _download("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a"),
    _download("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),
    "cifar-10-batches-py",
    "cifar-10-batches-bin",
    tuple(f"data_batch_{k}" for k in range(1, 6)),
    "test_batch",
    b"labels",
    1,
    (("cifar10_train.parquet", "cifar10_test.parquet"), ("cifar10_jpeg_train.parquet", "cifar10_jpeg_test.parquet")),
    "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
)
CIFAR100 = Release(
    "cifar100",
    _download("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85"),
    _download("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"),
    "cifar-100-python",
    "cifar-100-binary",
    ("train",),
    "test",
    b"fine_labels",
    2,
    (("cifar100_train.parquet", "cifar100_test.parquet"),),
)


def read(release: Release, counts: tuple[int, int], classes: int, data: str | None) -> tuple[Labelled, Labelled]:
    """Training images in the original order and test images, 32 x 32 x 3, from the first accepted files in `data`.

    The official archives, packed (with a verified checksum) or unpacked; or Parquet tables of encoded images (see
    `encoded`), with a warning if they are lossy. If none is present the first archive is downloaded. Raises BadInput
    for damaged files, and unless they hold `counts` images, equally many of each of `classes` classes.
    """
    paths = files.obtain(release.source, data, release.name)
    if paths[0].name in (release.python.name, release.python_folder):
        train, test = _from_batches(release, paths[0], "")
    elif paths[0].name in (release.binary.name, release.binary_folder):
        train, test = _from_batches(release, paths[0], ".bin")
    else:
        train, test = _from_tables(release, paths, counts)
    for part, labelled, count in (("training", train, counts[0]), ("test", test, counts[1])):
        wanted, shapes = f"{release.name} with {count} {part} images", (labelled[0].shape, labelled[1].shape)
        demand(shapes == ((count, 32, 32, 3), (count,)), "data", wanted, shapes)
        demand(0 <= labelled[1].min() <= labelled[1].max() < classes, "data", f"{wanted} of {classes} classes", part)
        found = np.bincount(labelled[1], minlength=classes)
        even = bool((found == count // classes).all())
        demand(even, "data", f"{wanted}, {count // classes} per class", f"{found.min()} to {found.max()} per class")
    return train, test


def _from_batches(release: Release, path: Path, ending: str) -> tuple[Labelled, Labelled]:
    """The training batches joined, and the test batch, of an archive or a folder."""
    decode: Callable[[bytes, Release], Labelled] = decode_binary if ending else decode_python
    names = [f"{name}{ending}" for name in (*release.train, release.test)]
    if path.is_dir():
        present = [path / name for name in names if (path / name).is_file()]
        found = {file.name: decode(archives.content(file, LARGEST), release) for file in present}
    else:
        members = archives.tarred(path, lambda name: Path(name).name in names)
        found = {Path(name).name: decode(batch, release) for name, batch in members}
    missing = [name for name in names if name not in found]
    demand(not missing, "data", f"an archive or folder with {', '.join(names)}", f"{path} without {', '.join(missing)}")
    images, labels = (np.concatenate(parts) for parts in zip(*(found[name] for name in names[:-1]), strict=True))
    return (images, labels), found[names[-1]]


def decode_python(batch: bytes, release: Release) -> Labelled:
    """Images and labels of one batch of the Python version: a pickle, read without executing it."""
    content = files.read_pickle(io.BytesIO(batch), encoding="bytes")
    keys = [b"data", release.labels]
    complete = isinstance(content, dict) and content.keys() >= set(keys)
    wanted = f"a batch of {release.name} with {b' and '.join(keys).decode()}"
    demand(complete, "data", wanted, type(content).__name__)
    pixels, labels = content[b"data"], content[release.labels]
    sound = isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.shape == (len(pixels), PIXELS)
    demand(sound, "data", f"{wanted}, rows of {PIXELS} bytes", str(getattr(pixels, "shape", type(pixels).__name__)))
    numbers = isinstance(labels, list) and all(type(label) is int and 0 <= label < 256 for label in labels)
    demand(numbers and len(labels) == len(pixels), "data", f"{wanted}, a label for each image", type(labels).__name__)
    return _planes(pixels), np.array(labels, dtype=np.int64)


def decode_binary(batch: bytes, release: Release) -> Labelled:
    """Images and labels of one batch of the binary version: records of 1 or 2 labels and 3,072 pixel bytes."""
    record = release.heads + PIXELS
    wanted = f"a batch of {release.name} of records of {record} bytes"
    demand(len(batch) % record == 0, "data", wanted, f"{len(batch)} bytes")
    records = np.frombuffer(batch, dtype=np.uint8).reshape(-1, record)
    return _planes(records[:, release.heads :]), records[:, release.heads - 1].astype(np.int64)


def _planes(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, 3072) bytes, red plane first, as (n, 32, 32, 3)."""
    return np.ascontiguousarray(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _from_tables(release: Release, paths: list[Path], counts: tuple[int, int]) -> tuple[Labelled, Labelled]:
    """Two Parquet files, or a folder of such files whose names begin with train and test."""
    if paths[0].is_dir():
        shards = [sorted(p for p in paths[0].rglob(f"{part}*.parquet") if p.is_file()) for part in ("train", "test")]
        wanted = f"a folder with {release.source.note.partition('holds ')[2]}"
        demand(all(shards), "data", wanted, f"{paths[0]} with {len(shards[0])} and {len(shards[1])} of them")
    else:
        shards = [[path] for path in paths]
    log = logging.getLogger(__name__)
    if any("jpeg" in path.name for path in paths):
        log.warning("%s: lossy JPEG images, not the benchmark's own pixels", paths[0].parent)
    (train, places), (test, test_places) = (
        encoded.read(shard, FORM, count) for shard, count in zip(shards, counts, strict=True)
    )
    if _whole(places):
        train = take(train, np.argsort(places))
    elif release.order is not None:
        train = _in_order(train, len(release.train), release.order, shards[0][0])
    if _whole(test_places):
        test = take(test, np.argsort(test_places))
    elif release.order is None:  # then the test images are split
        log.warning(
            "%s: assuming that its rows are in the original order, which the official split refers to", shards[1][0]
        )
    return train, test


def _whole(places: Places | None) -> TypeGuard[Places]:
    """Whether the indices are 0, 1, ... in any order."""
    return places is not None and np.array_equal(np.sort(places), np.arange(len(places)))


def _in_order(labelled: Labelled, batches: int, order: str, path: Path) -> Labelled:
    """The images in the original order, if they are the original batches, each whole, in any order.

    The archive holds its batches out of order, and so do tables made from it. The official split refers to the original
    order, which is identified by the labels. Raises BadInput if no order of the batches matches.
    """
    for batch_order in itertools.permutations(np.array_split(np.arange(len(labelled[1])), batches)):
        places = np.concatenate(batch_order)
        if hashlib.sha256(labelled[1][places].astype(np.uint8).tobytes()).hexdigest() == order:
            return take(labelled, places)
    wanted = "training images in the order of the official archive, or with their index in it (orig_index)"
    raise BadInput(f"data: must be {wanted} (got {path})")
