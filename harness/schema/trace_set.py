"""Many traces with one array a column, so that processes can share them as memory maps."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.schema.trace import Trace
from harness.schema.trace_columns import Cells, Columns, Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TraceSet:
    """Some columns of n traces, the rows of a trace together; small to send to a process that can map memory.

    `about` holds architecture, seed, step of divergence and clocks of each, `ends` (n + 1,) where its rows begin.
    """

    about: Sequence[tuple[Any, int, int | None, Mapping[str, str]]]
    ends: NDArray[np.int64]
    shared: Mapping[str, Cells]

    @classmethod
    def of(cls, traces: Sequence[Trace], names: Sequence[str]) -> TraceSet:
        """The columns `names` of the traces, those that any of them has; where one lacks a column it is nan."""
        about = [(trace.architecture, trace.seed, trace.diverged, trace.clocks) for trace in traces]
        ends = np.concatenate([[0], np.cumsum([trace.observations for trace in traces], dtype=np.int64)])
        there = [name for name in dict.fromkeys(names) if any(trace.has(name) for trace in traces)]
        return cls(about, ends, {name: _joined(traces, name) for name in there})

    def content(self, name: str) -> str:
        """SHA-256 (hex) of a column; "" where there is none of this name."""
        column = self.shared.get(name)
        if column is None:
            return ""
        parts = [column.values, column.begin, column.end] if isinstance(column, Vectors) else [column]
        sha = hashlib.sha256()
        for part in parts:
            objects = part.dtype == object
            sha.update(f"{part.dtype} {part.shape} ".encode())
            sha.update(repr(part.tolist()).encode() if objects else np.ascontiguousarray(part).data)
        return sha.hexdigest()

    def traces(self) -> list[Trace]:
        """The traces, which read these arrays."""
        names = tuple(self.shared)
        return [
            Trace.of_columns(architecture, seed, Columns(self.shared, names, first, last), diverged, clocks)
            for (architecture, seed, diverged, clocks), (first, last) in zip(
                self.about, pairwise(self.ends.tolist()), strict=True
            )
        ]


def _joined(traces: Sequence[Trace], name: str) -> Cells:
    """A column of all traces, behind one another."""
    cells = [trace.cells(name) if trace.has(name) else np.full(trace.observations, np.nan) for trace in traces]
    if all(each.dtype != object for each in cells):
        return np.concatenate(cells)
    flat = np.concatenate([each.astype(object) for each in cells])
    vectors: dict[int, NDArray[np.float64]] = {
        id(cell): np.asarray(cell, dtype=float) for cell in flat if cell is not None and np.ndim(cell) == 1
    }
    if any(not (cell is None or id(cell) in vectors or _is_missing(cell)) for cell in flat):
        return flat
    ends = dict(zip(vectors, np.cumsum([vector.size for vector in vectors.values()]).tolist(), strict=True))
    end = np.array([ends.get(id(cell), -1) for cell in flat], dtype=np.int64)
    begin = np.array([ends[id(cell)] - vectors[id(cell)].size if id(cell) in ends else -1 for cell in flat])
    return Vectors(np.concatenate(list(vectors.values())) if vectors else np.zeros(0), begin.astype(np.int64), end)


def _is_missing(cell: object) -> bool:
    return isinstance(cell, float) and np.isnan(cell)
