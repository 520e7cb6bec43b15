"""The official TFRecord file, converted once into a Parquet file next to it."""

from __future__ import annotations

import json
import logging
from array import array
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from harness.benches import parquet
from harness.benches.nasbench101 import metrics, size, space, tfrecord
from harness.schema import BadInput, demand
from harness.storage.files import write_atomically

KEY = "bench.source"
ACCURACIES = ("train_accuracy", "valid_accuracy", "test_accuracy")
COLUMNS = ("architecture", "epochs", "seed", "seconds", *ACCURACIES)
METADATA, VERSION = b"nasbench101", 1
MOST = 10_000
"""Epochs of the longest schedule that is read."""

OWN = size.Shape(channels=128, cells=3, size=32, colours=3, classes=10)
"""The network that the benchmark trained."""

log = logging.getLogger(__name__)


def converted(path: Path) -> Path:
    """The Parquet file next to the official one, made where it is not there or of another file, in some minutes.

    Raises BadInput for a file that is damaged or not of its kind.
    """
    target = path.with_suffix(".parquet")
    try:
        length = path.stat().st_size
    except OSError as error:
        raise BadInput(f"{KEY}: must be a readable file (got {path} ({error.strerror}))") from error
    if target.is_file() and parquet.about(target, METADATA, COLUMNS, KEY)[0] == {"version": VERSION, "bytes": length}:
        return target
    log.warning("converting %s into %s, once", path, target.name)
    table = _table(path).replace_schema_metadata({METADATA: json.dumps({"version": VERSION, "bytes": length})})
    try:
        write_atomically(target, lambda file: pq.write_table(table, file, compression="zstd", write_page_checksum=True))
    except OSError as error:
        raise BadInput(f"{KEY}: must be in a folder that can be written (got {path} ({error.strerror}))") from error
    return target


@dataclass
class _Columns:
    """What is gathered of the rows: names of architectures by graph hash, and a number per row and column."""

    places: dict[str, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    seeds: dict[tuple[int, int], int] = field(default_factory=dict)
    whole: dict[str, array[int]] = field(default_factory=lambda: {n: array("i") for n in COLUMNS[:3]})
    real: dict[str, array[float]] = field(default_factory=lambda: {n: array("d") for n in COLUMNS[3:]})
    differing: list[str] = field(default_factory=list)

    def add(self, row: metrics.Row) -> None:
        """One training. Raises ValueError where it is not of the space."""
        place = self.places.get(row.module_hash)
        if place is None:
            place = self.places[row.module_hash] = len(self.names)
            self.names.append(self._name(row))
        seed = self.seeds[place, row.epochs] = self.seeds.get((place, row.epochs), -1) + 1
        if not 0 < row.epochs <= MOST:
            raise ValueError(f"{row.epochs} epochs")
        for name, number in zip(COLUMNS[:3], (place, row.epochs, seed), strict=True):
            self.whole[name].append(number)
        percent = [100 * value for value in (row.train, row.valid, row.test)]
        if not all(0 <= value <= 100 for value in percent):
            raise ValueError(f"an accuracy that is no fraction, of {row.module_hash}")
        for name, value in zip(COLUMNS[3:], (row.seconds, *percent), strict=True):
            self.real[name].append(value)

    def _name(self, row: metrics.Row) -> str:
        """The cell as a string; its graph hash has to be that of the row."""
        side = round(len(row.adjacency) ** 0.5)
        if side**2 != len(row.adjacency) or set(row.adjacency) - set("01"):
            raise ValueError(f"an adjacency matrix that is not square (got {row.adjacency!r})")
        matrix = [[int(bit) for bit in row.adjacency[side * line : side * (line + 1)]] for line in range(side)]
        cell = space.of_matrix(matrix, row.operations.split(","))
        if space.module_hash(cell) != row.module_hash:
            raise ValueError(f"a cell whose graph hash is not {row.module_hash}")
        if size.params(cell, OWN) != row.params:
            self.differing.append(f"{cell}: {size.params(cell, OWN)} here, {row.params} in the file")
        return str(cell)

    def table(self) -> pa.Table:
        """The columns as a table."""
        names = pa.DictionaryArray.from_arrays(pa.array(self.whole["architecture"], pa.int32()), pa.array(self.names))
        numbers = {name: pa.array(np.frombuffer(self.whole[name], np.int32)) for name in COLUMNS[1:3]}
        return pa.table({"architecture": names, **numbers,
                         **{name: pa.array(np.frombuffer(values)) for name, values in self.real.items()}})  # fmt: skip


def _table(path: Path) -> pa.Table:
    """Every row of the official file; a warning tells where parameters are not those of the network built here."""
    found = _Columns()
    for record in tfrecord.records(path, KEY):
        try:
            found.add(metrics.row(record))
        except ValueError as error:
            raise BadInput(f"{KEY}: must be the official file of NAS-Bench-101 (got {path}: {error})") from error
    demand(bool(found.names), KEY, f"a file of at least one row, {path},", 0)
    if found.differing:
        log.warning("%s: params of %d architectures differ from those of the network built here, e.g. %s",
                    path, len(found.differing), found.differing[0])  # fmt: skip
    return found.table()
