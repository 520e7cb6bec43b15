"""One row of the benchmark's file: JSON with the metrics of a training as a protocol buffer."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass

EVALUATIONS, PARAMETERS = 1, 2
"""Fields of the message ModelMetrics (nasbench/lib/model_metrics.proto)."""

EPOCH, SECONDS, TRAIN, VALID, TEST = 1, 2, 3, 4, 5
"""Fields of the message EvaluationData."""

VARINT, DOUBLE, BYTES, FLOAT = 0, 1, 2, 5
"""Kinds of fields in a protocol buffer."""

Value = int | float | bytes


@dataclass(frozen=True)
class Row:
    """One training: the graph hash, the adjacency matrix and operations as written, epochs of the schedule, trainable
    parameters, seconds, and the accuracies (fractions) after the last epoch."""

    module_hash: str
    epochs: int
    adjacency: str
    operations: str
    params: int
    seconds: float
    train: float
    valid: float
    test: float


def row(record: bytes) -> Row:
    """The row in a record. Raises ValueError where it is none."""
    try:
        module_hash, epochs, adjacency, operations, raw = json.loads(record)
        metrics = list(fields(base64.b64decode(raw, validate=True)))
        last = dict(fields(_bytes([v for n, v in metrics if n == EVALUATIONS][-1])))
        numbers = [float(last[number]) for number in (SECONDS, TRAIN, VALID, TEST)]
        params = int(dict(metrics)[PARAMETERS])
    except (TypeError, LookupError, struct.error, RecursionError) as error:
        raise ValueError(f"no row of NAS-Bench-101 ({type(error).__name__}: {error})") from error
    texts = all(isinstance(value, str) for value in (module_hash, adjacency, operations))
    if not texts or type(epochs) is not int:
        raise ValueError("no row of NAS-Bench-101 (hash, epochs, adjacency, operations)")
    return Row(module_hash, epochs, adjacency, operations, params, *numbers)


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """(number, value) of every field of a protocol buffer, in order: integers, doubles, floats and bytes.

    Raises ValueError or struct.error where it is cut short, or has groups.
    """
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, place = _varint(message, place)
            yield number, value
        elif kind in (DOUBLE, FLOAT):
            form = "<d" if kind == DOUBLE else "<f"
            yield number, struct.unpack_from(form, message, place)[0]
            place += struct.calcsize(form)
        elif kind == BYTES:
            length, place = _varint(message, place)
            if place + length > len(message):
                raise ValueError("a protocol buffer that is cut short")
            yield number, message[place : place + length]
            place += length
        else:
            raise ValueError(f"a protocol buffer with a field of kind {kind}")


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """The integer at `place`, seven bits a byte, and the place behind it."""
    value = 0
    for shift in range(0, 64, 7):
        if place >= len(message):
            break
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a protocol buffer with a number that does not end")


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("a protocol buffer whose evaluations are no messages")
    return value
