"""A few records of an official folder as two small tables, which the conversion assembles."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from harness.schema import BadInput

from .archive import Archive
from .converted import CURVES, FINALS, VERSION
from .labelled import Group, stored, write
from .record import Training
from .spaces import TRAIN


def make_chunk(archive: Archive, places: Sequence[int], work: Path, digest: str, skip_damaged: bool) -> list[str]:
    """Convert these records into two files of `work` unless they exist; returns the damaged ones."""
    curves = file_of(work, places, "curves")
    made = stored(curves)
    if made.get("digest") == digest and (skip_damaged or not made["damaged"]):
        return list(made["damaged"])
    rows = _Rows()
    damaged = []
    for place in places:
        try:
            rows.add(archive.names[place], place, archive.read(place))
        except BadInput as error:
            if not skip_damaged:
                raise
            damaged.append(f"{error} ({archive.names[place]})")
    about = {"digest": digest, "damaged": damaged}
    write(file_of(work, places, "finals"), FINALS, [(None, rows.finals())], about, level=1)
    write(curves, CURVES, rows.curves(), about, level=1)  # last: marks the chunk as done
    return damaged


def file_of(work: Path, places: Sequence[int], kind: str) -> Path:
    """Path of the chunk of these records; `kind` is "finals" or "curves"."""
    return work / f"{kind}-{places[0]:06d}-{places[-1]:06d}.parquet"


def digest_of(archive: Archive, places: Sequence[int]) -> str:
    """SHA-256 of these records, their names and their number."""
    sha = hashlib.sha256(f"{VERSION} {archive.space.name}".encode())
    for place in places:
        content = hashlib.sha256(archive.file(place).read_bytes()).hexdigest()
        sha.update(f"{place} {archive.names[place]} {content}\n".encode())
    return sha.hexdigest()


class _Rows:
    """The rows of one chunk, collected by group (training set, schedule, split)."""

    def __init__(self) -> None:
        self._finals: list[tuple[Any, ...]] = []
        self._curves: dict[Group, list[tuple[int, int, Any, Any]]] = {}

    def add(self, architecture: str, place: int, trainings: Sequence[Training]) -> None:
        for one in trainings:
            seconds = float(one.splits[TRAIN].seconds.sum())
            for split, curve in one.splits.items():
                self._finals.append((
                    architecture, place, one.train_set, one.epochs, split, one.seed, curve.accuracy[-1], curve.loss[-1],
                    seconds, one.latency, one.params, one.flops,
                ))  # fmt: skip
                epochs = np.flatnonzero(~np.isnan(curve.accuracy))
                values = np.stack([curve.accuracy[epochs], curve.loss[epochs], curve.seconds[epochs]])
                group = self._curves.setdefault((one.train_set, one.epochs, split), [])
                group.append((place, one.seed, epochs, values.astype(np.float32)))

    def finals(self) -> pa.Table:
        columns = zip(*self._finals, strict=True) if self._finals else [()] * len(FINALS)
        return pa.table(
            [_array(column, kind.type) for column, kind in zip(columns, FINALS, strict=True)], schema=FINALS
        )

    def curves(self) -> Iterator[tuple[Group, pa.Table]]:
        for (train_set, schedule, split), parts in self._curves.items():
            lengths = [len(epochs) for _, _, epochs, _ in parts]
            places, seeds = ([part[column] for part in parts] for column in (0, 1))
            accuracy, loss, seconds = np.concatenate([values for *_, values in parts], axis=1)
            count = sum(lengths)
            columns = [
                np.repeat(places, lengths), [train_set] * count, np.full(count, schedule), [split] * count,
                np.repeat(seeds, lengths), np.concatenate([epochs for _, _, epochs, _ in parts]),
                accuracy, loss, seconds,
            ]  # fmt: skip
            arrays = [_array(column, kind.type) for column, kind in zip(columns, CURVES, strict=True)]
            yield (train_set, schedule, split), pa.table(arrays, schema=CURVES)


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    if not pa.types.is_dictionary(kind):
        return pa.array(np.asarray(values) if not pa.types.is_string(kind) else list(values)).cast(kind)
    return pa.array(list(values), pa.string()).dictionary_encode().cast(kind)
