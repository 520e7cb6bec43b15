"""Writer of small files in the format of nasbench_only108.tfrecord, byte by byte."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Sequence
from pathlib import Path

OFFICIAL = "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"
_3X3, _1X1, _POOL = OFFICIAL

FIRST = (
    "00005c142e6f48ac74fdcf73e3439874", "0100110" "0010000" "0001001" "0000010" "0000010" "0000001" "0000000",
    f"input,{_3X3},{_POOL},{_3X3},{_3X3},{_1X1},output", 8_555_530,
)  # fmt: skip
"""The first row of the official file: graph hash, matrix, operations, trainable parameters; as published."""


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def metrics(params: int, epochs: int, valid: float, test: float) -> bytes:
    """Three evaluations: before training, after half of it and after all; then parameters and seconds."""
    parts = []
    for share in (0.0, 0.5, 1.0):
        seen = 0.1 + share * (valid - 0.1), 0.1 + share * (test - 0.1)
        numbers = (share * epochs, share * 1000.0, 0.1 + 0.9 * share, *seen)
        content = b"".join(double(field, value) for field, value in enumerate(numbers, start=1))
        parts.append(message(1, content + message(6, b"model.ckpt-1")))
    return b"".join(parts) + varint(2 << 3) + varint(params) + double(3, 1234.5)


def record(cell: tuple[str, str, str, int], epochs: int, valid: float, test: float) -> bytes:
    raw = base64.b64encode(metrics(cell[3], epochs, valid, test)).decode()
    return json.dumps([cell[0], epochs, cell[1], cell[2], raw]).encode()


def crc32c(content: bytes) -> int:
    """CRC-32C, bit by bit."""
    value = 0xFFFFFFFF
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def masked(content: bytes) -> bytes:
    value = crc32c(content)
    return struct.pack("<I", ((value >> 15 | value << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF)


def framed(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return length + masked(length) + content + masked(content)


def write(path: Path, contents: Sequence[bytes]) -> Path:
    path.write_bytes(b"".join(map(framed, contents)))
    return path
