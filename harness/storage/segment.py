"""One segment of a store: many traces in one Parquet file, read by columns, and an index of them.

NAME.parquet has a row per observation, the rows of a trace together. NAME.index.parquet has a row per trace, in the
same order, and is written last: a segment is there when both files and their checksums are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.schema import Architecture, Trace, digest
from harness.schema.trace_columns import Cells, Columns, Vectors
from harness.storage.files import sha256_of, sidecar, sidecar_digest, write_atomically, write_sidecar
from harness.storage.trace_key import TRACE_VERSION, TraceKey

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

INDEX = ".index.parquet"


class DamagedSegment(ValueError):
    """Raised for a segment that is not what was written."""


@dataclass(frozen=True)
class Stored:
    """A trace as a store holds it: the name of its key, the trace, what it was made with, and its columns."""

    key: str
    trace: Trace
    made_with: Mapping[str, str]
    table: pa.Table


def group_of(key: TraceKey, table: pa.Table) -> str:
    """The folder of the segments of a trace: of trainings of one kind, whose tables have one schema."""
    return digest([key.kind(), table.schema.to_string()])[:16]


@dataclass(frozen=True)
class Segment:
    """The segment whose index is at `path`; columns are read when they are asked for, and then kept."""

    path: Path

    @property
    def data(self) -> Path:
        """The file of the observations."""
        return self.path.with_name(self.path.name.removesuffix(INDEX) + ".parquet")

    @property
    def is_there(self) -> bool:
        """Whether both files and their checksums are there."""
        return all(file.exists() and sidecar(file).exists() for file in (self.path, self.data))

    @cached_property
    def index(self) -> Index:
        """What is known of its traces. Raises DamagedSegment, or OSError where it is gone."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        _demand_whole(self.path)
        try:
            return Index.of(pq.read_table(self.path))
        except (pa.ArrowException, KeyError, TypeError, ValueError, RecursionError) as error:
            raise DamagedSegment(f"not an index of traces ({type(error).__name__}: {str(error)[:200]})") from error

    @cached_property
    def columns(self) -> SegmentColumns:
        """The observations. Raises DamagedSegment, or OSError where they are gone."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        _demand_whole(self.data)
        try:
            return SegmentColumns(pq.ParquetFile(self.data, memory_map=True))
        except (pa.ArrowException, ValueError) as error:
            raise DamagedSegment(f"not a table ({type(error).__name__}: {str(error)[:200]})") from error

    def trace(self, row: int, key: TraceKey) -> Trace:
        """The trace in this row of the index, which has to be that of `key`. Raises DamagedSegment."""
        index, first = self.index, int(self.index.ends[row])
        about = json.loads(index.architectures[row])
        if (about["name"], int(index.seeds[row])) != (key.architecture, key.seed):
            raise DamagedSegment("holds the trace of another training")
        diverged = int(index.diverged[row])
        own = Columns(self.columns, self.columns.names, first, int(index.ends[row + 1]))
        clocks = index.clocks[int(index.clock[row])]
        return Trace.of_columns(Architecture(**about), key.seed, own, None if diverged < 0 else diverged, clocks)

    def stored(self) -> Iterator[Stored]:
        """All its traces, as they were given to `write`."""
        index, table = self.index, self.columns.file.read()
        for row, (first, last) in enumerate(pairwise(index.ends.tolist())):
            about, diverged = json.loads(index.architectures[row]), int(index.diverged[row])
            trace = Trace.of_columns(
                Architecture(**about),
                int(index.seeds[row]),
                Columns(self.columns, self.columns.names, first, last),
                None if diverged < 0 else diverged,
                index.clocks[int(index.clock[row])],
            )
            made_with = index.made_with[int(index.made[row])]
            yield Stored(bytes(index.keys[row]).hex(), trace, made_with, table.slice(first, last - first))


@dataclass(frozen=True)
class Index:
    """What is known of n traces: keys (n, 32), architectures as JSON, seeds, steps of divergence (-1: none), rows of
    observations from `ends[i]` to `ends[i + 1]`, and the places in `clocks` and `made_with`."""

    keys: NDArray[np.uint8]
    architectures: Sequence[str]
    seeds: NDArray[np.int64]
    diverged: NDArray[np.int64]
    ends: NDArray[np.int64]
    clock: NDArray[np.int64]
    made: NDArray[np.int64]
    clocks: Sequence[Mapping[str, str]]
    made_with: Sequence[Mapping[str, str]]

    @classmethod
    def of(cls, table: pa.Table) -> Index:
        """From the file. Raises ValueError and KeyError for one that is another's."""
        about = json.loads(table.schema.metadata[b"segment"])
        if about["trace_version"] != TRACE_VERSION:
            raise ValueError(f"of version {about['trace_version']}")
        numbers = {name: table[name].to_numpy() for name in ("seed", "diverged", "rows", "clocks", "made_with")}
        return cls(
            keys=np.frombuffer(b"".join(table["key"].to_pylist()), np.uint8).reshape(-1, 32),
            architectures=table["architecture"].to_pylist(),
            seeds=numbers["seed"],
            diverged=numbers["diverged"],
            ends=np.concatenate([[0], np.cumsum(numbers["rows"])]).astype(np.int64),
            clock=numbers["clocks"],
            made=numbers["made_with"],
            clocks=about["clocks"],
            made_with=about["made_with"],
        )


class SegmentColumns(Mapping[str, Cells]):
    """The columns of a segment by name, each read from the file at the first time."""

    def __init__(self, file: pa.parquet.ParquetFile) -> None:
        self.file = file
        self.names = tuple(file.schema_arrow.names)
        self._read: dict[str, Cells] = {}

    def __getitem__(self, name: str) -> Cells:
        if name not in self._read:
            if name not in self.names:
                raise KeyError(name)
            self._read[name] = _cells(self.file.read([name]).column(0))
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def _cells(column: pa.ChunkedArray) -> Cells:
    """A column as an array of its own type, or as vectors where it holds lists of numbers."""
    import pyarrow as pa

    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if pa.types.is_list(array.type) and pa.types.is_float64(array.type.value_type) and not array.flatten().null_count:
        offsets = array.offsets.to_numpy().astype(np.int64)
        begin = np.where(array.is_valid().to_numpy(zero_copy_only=False), offsets[:-1], -1)
        return Vectors(array.values.to_numpy(zero_copy_only=False), begin, offsets[1:])
    return array.to_pandas().to_numpy()


def write(folder: Path, name: str, traces: Sequence[Stored]) -> Segment:
    """Store the traces, whose tables have one schema, as one segment; it is there when this returns."""
    import pyarrow as pa

    segment = Segment(folder / f"{name}{INDEX}")
    _write(segment.data, pa.concat_tables([each.table for each in traces]))
    write_index(segment, traces)
    return segment


def write_index(segment: Segment, traces: Sequence[Stored]) -> None:
    """Store the index of a segment, whose observations are stored: those of these traces, one after the other."""
    import pyarrow as pa

    clocks, made_with = _Places(), _Places()
    columns = {
        "key": pa.array([bytes.fromhex(each.key) for each in traces], pa.binary(32)),
        "architecture": pa.array([json.dumps(vars(each.trace.architecture)) for each in traces]),
        "seed": pa.array([each.trace.seed for each in traces], pa.int64()),
        "diverged": pa.array([-1 if (at := each.trace.diverged) is None else at for each in traces], pa.int64()),
        "rows": pa.array([each.table.num_rows for each in traces], pa.int64()),
        "clocks": pa.array([clocks.place(each.trace.clocks) for each in traces], pa.int64()),
        "made_with": pa.array([made_with.place(each.made_with) for each in traces], pa.int64()),
    }
    about = {"trace_version": TRACE_VERSION, "clocks": clocks.values, "made_with": made_with.values}
    _write(segment.path, pa.table(columns).replace_schema_metadata({b"segment": json.dumps(about).encode()}))


def _write(path: Path, table: pa.Table) -> None:
    """Store a table, and its checksum once it is there."""
    import pyarrow.parquet as pq

    sidecar(path).unlink(missing_ok=True)
    write_atomically(path, partial(pq.write_table, table, compression="zstd"))
    write_sidecar(path)


class _Places:
    """Different mappings in the order of their first use."""

    def __init__(self) -> None:
        self.values: list[Mapping[str, str]] = []
        self._places: dict[str, int] = {}

    def place(self, value: Mapping[str, str]) -> int:
        """The place of a mapping, which is added if it is new."""
        text = json.dumps(dict(value), sort_keys=True)
        if text not in self._places:
            self._places[text] = len(self.values)
            self.values.append(dict(value))
        return self._places[text]


def _demand_whole(path: Path) -> None:
    """Raise DamagedSegment for a file with another checksum, OSError where it or its checksum is gone."""
    try:
        wanted = sidecar_digest(path)
    except ValueError as error:
        raise DamagedSegment(str(error)) from error
    if sha256_of(path) != wanted:
        raise DamagedSegment("checksum mismatch")
