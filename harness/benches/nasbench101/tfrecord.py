"""TFRecord files: records behind their length, each with a checksum (tensorflow/core/lib/io/record_writer.h)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from harness.schema import BadInput, demand

MOST = 2**20
"""Bytes of the largest record that is read."""

CHUNK = 2**14
"""Records whose checksums are computed together."""

HEAD = struct.Struct("<QI")
TAIL = struct.Struct("<I")
POLYNOMIAL, DELTA = 0x82F63B78, 0xA282EAD8
"""Of CRC-32C (Castagnoli), reflected; and of its mask."""


def records(path: Path, key: str) -> Iterator[bytes]:
    """The content of every record, in order, its checksums compared.

    Raises BadInput, naming `key`, for a file that cannot be read, is cut short or damaged.
    """
    try:
        with path.open("rb") as file:
            framed = _framed(file, path, key)
            while read := list(islice(framed, CHUNK)):
                parts = [part for parts, _ in read for part in parts]
                sums = [checksum for _, sums in read for checksum in sums]
                sound = masked_crc(parts) == sums
                demand(sound, key, "an undamaged TFRecord file", f"{path}, whose checksums do not match")
                yield from (content for (_, content), _ in read)
    except OSError as error:
        raise BadInput(f"{key}: must be a readable file (got {path} ({error.strerror}))") from error


def _framed(file: BinaryIO, path: Path, key: str) -> Iterator[tuple[tuple[bytes, bytes], tuple[int, int]]]:
    """The length, as written, and content of every record, and their checksums, which are not compared yet."""
    while head := file.read(HEAD.size):
        length, first = HEAD.unpack(head) if len(head) == HEAD.size else (0, 0)
        demand(length <= MOST, key, f"a TFRecord file of records of up to {MOST:,} bytes", f"{length:,} in {path}")
        content, tail = file.read(length), file.read(TAIL.size)
        whole = len(content) == length and len(tail) == TAIL.size
        demand(whole, key, "a whole TFRecord file", f"{path}, cut short")
        yield (head[:8], content), (first, TAIL.unpack(tail)[0])


def masked_crc(contents: Sequence[bytes]) -> list[int]:
    """The masked CRC-32C of each of `contents`, computed side by side: one step a byte place."""
    if not contents:
        return []
    lengths = np.array([len(content) for content in contents])
    order = np.argsort(-lengths, kind="stable")
    table, crc = _table(), np.full(len(contents), 0xFFFFFFFF, dtype=np.uint32)
    whole = np.zeros((lengths.max(initial=0), len(contents)), dtype=np.uint8)
    for column, place in enumerate(order):
        whole[: lengths[place], column] = np.frombuffer(contents[place], dtype=np.uint8)
    alive = np.searchsorted(-lengths[order], -np.arange(len(whole)), side="left")  # contents longer than each place
    for row, count in zip(whole, alive, strict=True):
        crc[:count] = table[(crc[:count] ^ row[:count]) & 0xFF] ^ (crc[:count] >> 8)
    found = np.empty_like(crc)
    found[order] = ~crc
    return [((value >> 15 | value << 17) + DELTA) & 0xFFFFFFFF for value in found.tolist()]


@cache
def _table() -> NDArray[np.uint32]:
    """CRC-32C of every byte."""
    values = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = np.where(values & 1, values >> 1 ^ np.uint32(POLYNOMIAL), values >> 1)
    return values
