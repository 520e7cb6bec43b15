"""All segments of one store: which trace lies where, found by its key."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.storage.files import put_aside
from harness.storage.segment import INDEX, DamagedSegment, Segment

FOLDER = "segments"

Place = tuple[Segment, int]
"""A segment, and the row of a trace in its index."""


class Segments:
    """The segments below a store's folder as they were when they were last looked for; damaged ones are put aside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER
        self.all: list[Segment] = []
        self._listed: frozenset[Path] = frozenset()
        self._sort([])

    def refresh(self) -> bool:
        """Look for segments that were written or deleted since; whether there were any."""
        paths = frozenset(self.folder.glob(f"*/*{INDEX}"))
        if paths == self._listed:
            return False
        known = {segment.path: segment for segment in self.all}
        found = [known.get(path, Segment(path)) for path in sorted(paths)]
        whole = [segment for segment in found if segment.is_there and _is_whole(segment)]
        self._listed = frozenset(segment.path for segment in whole)
        self._sort(whole)
        return True

    def places(self, names: Sequence[str]) -> list[Place | None]:
        """Where the trace of each key lies, by the key's name; None where no segment holds it."""
        keys = np.frombuffer(b"".join(map(bytes.fromhex, names)), np.uint8).reshape(-1, 32)
        at = np.searchsorted(self._first, _first_bytes(keys))
        found: list[Place | None] = []
        for key, place in zip(keys, at.tolist(), strict=True):
            while place < len(self._keys) and not np.array_equal(self._keys[place], key):
                place = place + 1 if self._first[place] == _first_bytes(key[None])[0] else len(self._keys)
            here = place < len(self._keys)
            found.append((self.all[self._segment[place]], int(self._row[place])) if here else None)
        return found

    def put_aside(self, segment: Segment, reason: str) -> None:
        """Rename a damaged segment, with one line on stderr; its traces are missing from here on."""
        _put_aside(segment, reason)
        self._listed = self._listed - {segment.path}
        self._sort([each for each in self.all if each.path != segment.path])

    def _sort(self, segments: list[Segment]) -> None:
        self.all = segments
        sizes = [len(segment.index.keys) for segment in segments]
        keys = np.concatenate([np.zeros((0, 32), np.uint8), *(segment.index.keys for segment in segments)])
        first = _first_bytes(keys)
        order = np.argsort(first, kind="stable")
        self._keys, self._first = keys[order], first[order]
        self._segment = np.repeat(np.arange(len(segments)), sizes)[order]
        self._row = np.concatenate([np.zeros(0, np.int64), *map(np.arange, sizes)])[order]


def _first_bytes(keys: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The first 8 bytes of each key (n, 32) as a number (n,)."""
    return np.ascontiguousarray(keys[:, :8]).view(">u8")[:, 0].astype(np.uint64)


def _is_whole(segment: Segment) -> bool:
    try:
        return bool(len(segment.index.keys))
    except DamagedSegment as error:
        _put_aside(segment, str(error))
    except OSError:  # another process has merged it into a larger one
        pass
    return False


def _put_aside(segment: Segment, reason: str) -> None:
    put_aside(segment.path, f"{reason}; its traces are trained again")
    put_aside(segment.data, reason)


@lru_cache(maxsize=8)
def segments_of(folder: Path) -> Segments:
    """Those of the store in `folder`, which every store object of this process shares."""
    return Segments(folder)
