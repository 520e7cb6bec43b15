"""Compressed files, read without unpacking to disk and with a bound on the unpacked size."""

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

FLOOR, FACTOR = 2**28, 20  # n compressed bytes may hold FLOOR + FACTOR n; image files hold about 2 n
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
"""Exceptions that readers raise for damaged files."""


def allowance(path: Path) -> int:
    """Largest unpacked size in bytes of the file at `path`: a decompression bomb exceeds it."""
    return FLOOR + FACTOR * path.stat().st_size


@contextmanager
def damage_refused(path: Path, wanted: str, *others: type[BaseException]) -> Iterator[None]:
    """Turn exceptions of damaged files (and `others`) in the block into BadInput: must be `wanted` (got `path`)."""
    try:
        yield
    except BadInput:
        raise
    except (*DAMAGED, *others) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"data: must be {wanted} (got {path}: {type(error).__name__}: {reason})") from error


def content(path: Path, most: int = 2**33) -> bytes:
    """The bytes of an uncompressed file of at most `most` bytes. Raises BadInput."""
    with damage_refused(path, "a readable file"):
        size = path.stat().st_size
        demand(size <= most, "data", f"a file of at most {most} bytes", f"{path} of {size}")
        return path.read_bytes()


def gunzipped(path: Path) -> bytes:
    """Content of a gzip file. Raises BadInput for a damaged one and for one larger than its allowance."""
    with damage_refused(path, "an intact gzip file"), gzip.open(path, "rb") as stream:
        bounded = _Bounded(stream, path)
        return b"".join(iter(lambda: bounded.read(2**20), b""))


def tarred(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name and content of the regular members that are `wanted`, in the order of a gzipped tar file, read once.

    Raises BadInput for a damaged file and for one larger than its allowance.
    """
    with (
        damage_refused(path, "an intact .tar.gz file"),
        gzip.open(path, "rb") as stream,
        tarfile.open(fileobj=cast(IO[bytes], _Bounded(stream, path)), mode="r|") as archive,
    ):
        for member in archive:
            if member.isreg() and not member.issparse() and wanted(member.name):
                file = archive.extractfile(member)
                data = file.read() if file else b""
                demand(len(data) == member.size, "data", f"an intact {path.name}", f"a truncated {member.name}")
                yield member.name, data


def zipped(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name and content of the members that are `wanted`. Raises BadInput as `tarred` does."""
    with damage_refused(path, "an intact zip file"), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir() and wanted(member.filename):
                fits = 0 <= member.file_size <= allowance(path)
                demand(fits, "data", f"members of up to {allowance(path)} bytes", f"{path}, {member.filename}")
                with archive.open(member) as stream:
                    yield member.filename, stream.read(member.file_size)  # read() without a size may inflate beyond it


def npz_names(path: Path) -> list[str]:
    """Names of the arrays in an .npz file. Raises BadInput for a damaged one."""
    with damage_refused(path, "an .npz file"), zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def npz_array(path: Path, name: str) -> NDArray[Any]:
    """One array of an .npz file. Raises BadInput, before allocation, if it is damaged or holds objects."""
    found = [data for _, data in zipped(path, f"{name}.npy".__eq__)]
    demand(len(found) == 1, "data", f"a file with one array {name}", f"{path} with {len(found)}")
    with damage_refused(path, f"an array {name} in the .npy format"):
        return npy(found[0], f"{path}, array {name}")


def npy(data: bytes, where: str) -> NDArray[Any]:
    """The array in the .npy format that `data` holds, its shape checked against the number of bytes."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    demand(version in ((1, 0), (2, 0)), "data", "an .npy array of version 1.0 or 2.0", f"{where}, {version}")
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, kind = reader(stream)
    demand(not kind.hasobject and kind.itemsize > 0, "data", "an array of numbers or text", f"{where}, {kind}")
    size, rest = math.prod(shape) * kind.itemsize, len(data) - stream.tell()
    demand(
        min(shape, default=0) >= 0 and size == rest, "data", f"an array of {rest} bytes", f"{where}, {shape} of {kind}"
    )
    return np.ndarray(shape, kind, data, stream.tell(), order="F" if fortran else "C")


class _Bounded:
    """A stream that raises BadInput beyond the allowance of its compressed file."""

    def __init__(self, stream: gzip.GzipFile, path: Path) -> None:
        self.stream, self.path, self.left = stream, path, allowance(path)

    def read(self, size: int) -> bytes:
        data = self.stream.read(min(size, self.left + 1))
        self.left -= len(data)
        demand(
            self.left >= 0,
            "data",
            f"a compressed file of at most {allowance(self.path)} unpacked bytes",
            str(self.path),
        )
        return data
