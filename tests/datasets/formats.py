"""Writers of tiny files in the formats that image sets are published in."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.io
from PIL import Image

Part = tuple[np.ndarray, np.ndarray]
"""Images (n, height, width, colours) and labels (n,)."""


def part(labels: np.ndarray, size: int = 32, colours: int = 3, seed: int = 0) -> Part:
    """Random images with these labels."""
    shape = (len(labels), size, size, colours)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8), np.asarray(labels)


def planes(images: np.ndarray) -> np.ndarray:
    """Rows of all of red, then green, then blue."""
    return np.stack([np.concatenate([image[..., colour].ravel() for colour in range(3)]) for image in images])


def python2_pickle(rows: np.ndarray, labels: np.ndarray, key: bytes = b"labels") -> bytes:
    """A dictionary of data, labels and more as Python 2 wrote it (protocol 2, byte strings, `numpy.core`)."""

    def text(value: bytes) -> bytes:
        return b"T" + struct.pack("<i", len(value)) + value

    def integer(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    kind = b"cnumpy\ndtype\n(" + text(b"u1") + integer(0) + integer(1) + b"tR"
    kind += b"(" + integer(3) + text(b"|") + b"NNN" + integer(-1) + integer(-1) + integer(0) + b"tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(" + integer(0) + b"t" + text(b"b") + b"tR"
    array += b"(" + integer(1) + b"(" + integer(len(rows)) + integer(rows.shape[1]) + b"t"
    array += kind + b"\x89" + text(rows.tobytes()) + b"tb"
    listed = b"](" + b"".join(integer(int(label)) for label in labels) + b"e"
    return b"\x80\x02}(" + text(b"data") + array + text(key) + listed + text(b"batch_label") + text(b"x") + b"u."


def binary(images: np.ndarray, labels: np.ndarray, coarse: bool = False) -> bytes:
    """Records of CIFAR's binary version: 1 label (or a coarse one before it) and the planes."""
    heads = [bytes([7, label]) if coarse else bytes([label]) for label in labels]
    return b"".join(head + row.tobytes() for head, row in zip(heads, planes(images), strict=True))


def tar(path: Path, contents: dict[str, bytes]) -> str:
    """A .tar.gz file; returns its checksum."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return md5(path)


def zipped(path: Path, contents: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def idx(path: Path, values: np.ndarray) -> None:
    """A gzipped IDX file of bytes."""
    head = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    path.write_bytes(gzip.compress(head + values.tobytes()))


def mat(path: Path, images: np.ndarray, labels: np.ndarray, compressed: bool = True) -> str:
    """SVHN's format: a MATLAB 5 file with X (32, 32, 3, n) and y (n, 1), digit 0 as label 10; returns its checksum."""
    digits = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
    content = {"X": images.transpose(1, 2, 3, 0), "y": digits}
    scipy.io.savemat(path, content, do_compression=compressed)
    return md5(path)


def encoded(image: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    """One image (height, width, 1 or 3) in the format `kind`."""
    stream = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(stream, kind, **options)
    return stream.getvalue()


def parquet(path: Path, images: np.ndarray, image: str = "img", struct_: bool = True, **columns: object) -> None:
    """Encoded images, in bytes or as Hugging Face writes them, beside other columns."""
    cells = [encoded(one) for one in images]
    kept = [{"bytes": cell, "path": None} for cell in cells] if struct_ else cells
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({image: kept, **{name: pa.array(values) for name, values in columns.items()}}), path)


def class_folders(folder: Path, images: np.ndarray, labels: np.ndarray, kind: str = "PNG") -> None:
    """One folder a class ("class 0", ...), one file an image, numbered in the order of `images`."""
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / f"class {label}" / f"{number:04}.{kind.lower()}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(image, kind))


def md5(path: Path) -> str:
    return f"md5:{hashlib.md5(path.read_bytes()).hexdigest()}"
