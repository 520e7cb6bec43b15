"""Packed files read without being unpacked to disk, and with a bound on what they may swell to."""

from __future__ import annotations

import gzip
import io
import math
import struct
import tarfile
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from harness.schema import BadInput, demand

FLOOR, FACTOR = 2**28, 20  # a packed file of n bytes may hold FLOOR + FACTOR n; image files hold about twice n
DAMAGED: tuple[type[Exception], ...] = (
    OSError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    RuntimeError,
    ArithmeticError,
    MemoryError,
    struct.error,
    zlib.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    tokenize.TokenError,
)
"""What readers of packed files raise for damaged ones."""


def allowance(path: Path) -> int:
    """Bytes that the packed file at `path` may hold: a decompression bomb holds more."""
    return FLOOR + FACTOR * path.stat().st_size


@contextmanager
def whole(path: Path, wanted: str, *also: type[BaseException]) -> Iterator[None]:
    """Turns what damaged files raise within (and `also` these) into BadInput: must be `wanted` (got `path`.)"""
    try:
        yield
    except BadInput:
        raise
    except (*DAMAGED, *also) as error:
        said = " ".join(str(error).split())[:200]
        raise BadInput(f"data: must be {wanted} (got {path} ({type(error).__name__}: {said}))") from error


def content(path: Path, most: int = 2**33) -> bytes:
    """The bytes of a plain file of at most `most` bytes. Raises BadInput."""
    with whole(path, "a file that can be read"):
        size = path.stat().st_size
        demand(size <= most, "data", f"a file of at most {most} bytes", f"{path} of {size}")
        return path.read_bytes()


def gunzipped(path: Path) -> bytes:
    """What a gzipped file holds. Raises BadInput for a damaged one and for one that swells beyond its allowance."""
    with whole(path, "a whole gzip file"), gzip.open(path, "rb") as stream:
        bounded = _Bounded(stream, path)
        return b"".join(iter(lambda: bounded.read(2**20), b""))


def tarred(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name and content of the plain members that are `wanted`, in the order of a gzipped tar file, read once.

    Raises BadInput for a damaged file and for one that swells beyond its allowance.
    """
    with (
        whole(path, "a whole .tar.gz file"),
        gzip.open(path, "rb") as stream,
        tarfile.open(fileobj=cast(IO[bytes], _Bounded(stream, path)), mode="r|") as archive,
    ):
        for member in archive:
            if member.isreg() and not member.issparse() and wanted(member.name):
                file = archive.extractfile(member)
                data = file.read() if file else b""
                demand(len(data) == member.size, "data", f"a whole {path.name}", f"half of {member.name}")
                yield member.name, data


def zipped(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name and content of the members that are `wanted`. Raises BadInput as `tarred` does."""
    with whole(path, "a whole zip file"), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir() and wanted(member.filename):
                fits = 0 <= member.file_size <= allowance(path)
                demand(fits, "data", f"members of up to {allowance(path)} bytes", f"{path}, {member.filename}")
                with archive.open(member) as stream:
                    yield member.filename, stream.read(member.file_size)  # a bare read() may inflate beyond that


def npz_names(path: Path) -> list[str]:
    """Names of the arrays in an .npz file. Raises BadInput for a damaged one."""
    with whole(path, "an .npz file"), zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def npz_array(path: Path, name: str) -> NDArray[Any]:
    """One array of an .npz file. Raises BadInput where it is damaged or holds objects, before anything is allocated."""
    found = [data for _, data in zipped(path, f"{name}.npy".__eq__)]
    demand(len(found) == 1, "data", f"{path} with one array {name}", f"{len(found)} of them")
    with whole(path, f"an array {name} in the .npy format"):
        return npy(found[0], f"{path}, array {name}")


def npy(data: bytes, told: str) -> NDArray[Any]:
    """The array in the .npy format that `data` holds, its shape checked against the number of bytes."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    demand(version in ((1, 0), (2, 0)), "data", "an .npy array of version 1.0 or 2.0", f"{told}, {version}")
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, kind = reader(stream)
    demand(not kind.hasobject and kind.itemsize > 0, "data", "an array of numbers or text", f"{told}, {kind}")
    size, rest = math.prod(shape) * kind.itemsize, len(data) - stream.tell()
    demand(min(shape, default=0) >= 0 and size == rest, "data", f"{told}, of {rest} bytes", f"{shape} of {kind}")
    return np.ndarray(shape, kind, data, stream.tell(), order="F" if fortran else "C")


class _Bounded:
    """A stream that refuses to give more than the allowance of the packed file it comes from."""

    def __init__(self, stream: gzip.GzipFile, path: Path) -> None:
        self.stream, self.path, self.left = stream, path, allowance(path)

    def read(self, size: int) -> bytes:
        data = self.stream.read(min(size, self.left + 1))
        self.left -= len(data)
        demand(self.left >= 0, "data", f"a packed file of up to {allowance(self.path)} bytes", str(self.path))
        return data
