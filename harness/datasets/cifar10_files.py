"""The files that CIFAR-10 comes in: which are looked for, and the readers of the official ones."""

from __future__ import annotations

import io
import logging
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness import files
from harness.files import Download
from harness.schema import demand

from . import cifar10_jpeg
from .subset import Labelled

SITE = "https://www.cs.toronto.edu/~kriz"
PYTHON = Download("cifar-10-python.tar.gz", "md5:c58f30108f718f92721af3b95e74349a", (f"{SITE}/cifar-10-python.tar.gz",))
BINARY = Download("cifar-10-binary.tar.gz", "md5:c32a1d4ab5d03f1284b67883e8d87530", (f"{SITE}/cifar-10-binary.tar.gz",))
PYTHON_FOLDER, BINARY_FOLDER = "cifar-10-batches-py", "cifar-10-batches-bin"
JPEG_TRAIN, JPEG_TEST = "cifar10_jpeg_train.parquet", "cifar10_jpeg_test.parquet"


def read(data: str | None) -> tuple[Labelled, Labelled]:
    """Training images in the original order and test images, 32 x 32 x 3, from the first of these in `data`.

    The official archives `cifar-10-python.tar.gz` and `cifar-10-binary.tar.gz`, packed (then their checksum is
    checked) or unpacked; or `cifar10_jpeg_train.parquet` with `cifar10_jpeg_test.parquet`, whose images are lossy.
    The first of the archives is downloaded where there is none of them. Raises BadInput for a damaged file.
    """
    for download, unpacked, decode in ((PYTHON, PYTHON_FOLDER, decode_python), (BINARY, BINARY_FOLDER, decode_binary)):
        if files.find(data, download.name):
            return _from_batches(files.fetch([download], data, "cifar10")[0], decode)
        if path := files.find(data, unpacked):
            return _from_batches(path, decode)
    jpeg = [files.find(data, JPEG_TRAIN), files.find(data, JPEG_TEST)]
    if jpeg[0] and jpeg[1]:
        logging.getLogger(__name__).warning("%s: lossy JPEG images, not the benchmark's own pixels", jpeg[0].parent)
        return cifar10_jpeg.read(jpeg[0]), cifar10_jpeg.read(jpeg[1])
    instead = (PYTHON_FOLDER, BINARY.name, BINARY_FOLDER, f"{JPEG_TRAIN} with {JPEG_TEST}")
    return _from_batches(files.fetch([PYTHON], data, "cifar10", instead)[0], decode_python)


def _from_batches(path: Path, decode: Callable[[bytes], Labelled]) -> tuple[Labelled, Labelled]:
    """The five training batches joined, and the test batch, of an archive or a folder."""
    ending = ".bin" if decode is decode_binary else ""
    names = [f"data_batch_{k}{ending}" for k in range(1, 6)] + [f"test_batch{ending}"]
    found: dict[str, Labelled] = {}
    if path.is_dir():
        found = {name: decode((path / name).read_bytes()) for name in names if (path / name).is_file()}
    else:
        with tarfile.open(path, "r|gz") as archive:  # read once, front to back, and never unpacked to disk
            for member in archive:
                name = Path(member.name).name
                if name in names and (stream := archive.extractfile(member)):
                    found[name] = decode(stream.read())
    missing = [name for name in names if name not in found]
    demand(not missing, "data", f"{path} with the files {', '.join(names)}", f"none of {', '.join(missing)}")
    batches = [found[name] for name in names[:5]]
    images, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return (images, labels), found[names[5]]


def decode_python(batch: bytes) -> Labelled:
    """Images and labels of one batch of the Python version: a pickle, read without running it."""
    content = files.read_pickle(io.BytesIO(batch), encoding="bytes")
    whole = isinstance(content, dict) and {b"data", b"labels"} <= content.keys()
    demand(whole, "data", "a CIFAR-10 batch with data and labels", type(content).__name__)
    return _planes(np.asarray(content[b"data"], dtype=np.uint8)), np.asarray(content[b"labels"], dtype=np.int64)


def decode_binary(batch: bytes) -> Labelled:
    """Images and labels of one batch of the binary version: records of 1 label and 3,072 pixel bytes."""
    demand(len(batch) % 3073 == 0, "data", "a CIFAR-10 batch of records of 3,073 bytes", f"{len(batch)} bytes")
    records = np.frombuffer(batch, dtype=np.uint8).reshape(-1, 3073)
    return _planes(records[:, 1:]), records[:, 0].astype(np.int64)


def _planes(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, 3072) bytes, red plane first, as (n, 32, 32, 3)."""
    return np.ascontiguousarray(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
