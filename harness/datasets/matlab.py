"""Arrays of numbers in MATLAB 5 files.

SciPy reads these files too, but a single wrong byte in one can make it crash the interpreter (seen with 1.17.1).
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.schema import demand

from . import archives

HEAD = 128  # bytes; the last two tell the order of bytes
MATRIX, COMPRESSED = 14, 15  # types of elements
NUMBERS = range(6, 14)  # classes of matrices: double, single, and whole numbers of 8 to 32 bits
COMPLEX = 0x800  # flag of a matrix
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"}  # types of elements of numbers


def arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The real arrays of numbers in a file, by name; what else it holds is passed over.

    Raises BadInput for a damaged file, and for one that swells beyond its allowance (see `archives`). No length that
    the file states is believed before there is as much.
    """
    with archives.whole(path, "a whole MATLAB 5 file"):
        content = memoryview(archives.content(path))
        order = {b"IM": "<", b"MI": ">"}.get(bytes(content[HEAD - 2 : HEAD]), "")
        demand(order != "", "data", "a MATLAB 5 file", str(path))
        found = {}
        for kind, element in _unpacked(content[HEAD:], order, path):
            if kind == MATRIX and (matrix := _matrix(element, order)) is not None:
                demand(matrix[0] not in found, "data", f"each array once in {path}", matrix[0])
                found[matrix[0]] = matrix[1]
        return found


def _unpacked(content: memoryview, order: str, path: Path) -> Iterator[tuple[int, memoryview]]:
    """Type and content of each element, inflated where it is compressed."""
    left = archives.allowance(path)
    at = 0
    while at < len(content):
        kind, size = struct.unpack_from(f"{order}II", content, at)
        element = content[at + 8 : at + 8 + size]
        demand(len(element) == size, "data", f"a whole MATLAB 5 file, {size} bytes more", str(path))
        at += 8 + size
        if kind == COMPRESSED:
            inflated = zlib.decompressobj().decompress(element, left + 1)
            left -= len(inflated)
            demand(left >= 0, "data", f"a packed file of up to {archives.allowance(path)} bytes", str(path))
            yield from _parts(memoryview(inflated), order)
        else:
            yield kind, element


def _parts(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Type and content of the elements in one: each padded to 8 bytes, one of up to 4 bytes within its head."""
    at = 0
    while at < len(content):
        kind, size = struct.unpack_from(f"{order}II", content, at)
        short = kind >> 16 > 0
        if short:
            kind, size = kind & 0xFFFF, kind >> 16
        start = at + (4 if short else 8)
        part = content[start : start + size]
        if len(part) != size or (short and size > 4):
            raise ValueError(f"an element of {size} bytes has {len(part)}")
        at = at + 8 if short else start + size + -size % 8
        yield kind, part


def _matrix(content: memoryview, order: str) -> tuple[str, NDArray[Any]] | None:
    """Name and array of a matrix; None for one that is not of real numbers."""
    parts = _parts(content, order)
    flags = struct.unpack_from(f"{order}I", next(parts, (0, b""))[1])[0]
    if flags & 0xFF not in NUMBERS or flags & COMPLEX:
        return None
    (_, sizes), (_, name), (stored, values) = (next(parts, (0, memoryview(b""))) for _ in range(3))
    shape = tuple(np.frombuffer(sizes, f"{order}i4").tolist())
    kind = np.dtype(f"{order}{STORED[stored]}")
    if min(shape, default=-1) < 0 or math.prod(shape) * kind.itemsize != len(values):
        raise ValueError(f"a matrix {shape} of {kind} has {len(values)} bytes")
    return bytes(name).decode("latin1"), np.ndarray(shape, kind, values, order="F")
