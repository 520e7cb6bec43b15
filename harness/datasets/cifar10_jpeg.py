"""CIFAR-10 as a table of JPEG images (lossy): the reader, and the store of its decoded pixels."""

from __future__ import annotations

import io
import logging
import os
import tempfile
from pathlib import Path

import numpy as np
import pooch
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from harness.schema import BadInput

from .subset import Labelled


def read(path: Path) -> Labelled:
    """Images and labels of a table with the columns label, jpeg and orig_index.

    A table that gives every row its original place (0, 1, ... in any order) is put in that order, another kept as it
    is. Decoding 60,000 images takes over 5 s, so the pixels are kept in the user's cache folder (184 MB).
    """
    try:
        table = pq.read_table(path, columns=["label", "jpeg", "orig_index"])
    except (pa.ArrowInvalid, KeyError) as error:
        raise BadInput(f"data: a table with label, jpeg and orig_index is needed, got {path} ({error})") from error
    images = _pixels(path, table["jpeg"])
    labels = table["label"].to_numpy().astype(np.int64)
    order = table["orig_index"].to_numpy()
    if np.array_equal(np.sort(order), np.arange(len(order))):
        back = np.argsort(order)
        images, labels = images[back], labels[back]
    return images, labels


def _pixels(path: Path, jpegs: pa.ChunkedArray) -> NDArray[np.uint8]:
    """The decoded images (n, 32, 32, 3) in the order of the file, from the cache where they were decoded before."""
    cached = Path(pooch.os_cache("harness")) / "decoded" / f"{pooch.file_hash(str(path))}-{path.stat().st_size}.npy"
    if cached.is_file():
        kept: NDArray[np.uint8] = np.load(cached)
        return kept
    images = np.empty((len(jpegs), 32, 32, 3), dtype=np.uint8)
    try:
        for place, jpeg in enumerate(jpegs.to_pylist()):
            with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
                images[place] = np.asarray(image)
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise BadInput(f"data: JPEG images of 32 x 32 pixels are needed, got {path}, row {place} ({error})") from error
    _keep(cached, images)
    return images


def _keep(path: Path, images: NDArray[np.uint8]) -> None:
    """Store `images` at `path`, whole or not at all; a cache that cannot be written is only slower."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npy")
        os.close(handle)
    except OSError:
        return
    try:
        np.save(temporary, images)
        os.replace(temporary, path)
    except OSError:
        logging.getLogger(__name__).warning("%s: the decoded images could not be kept", path.parent)
    finally:
        Path(temporary).unlink(missing_ok=True)
