"""Loose traces merged into segments; whatever is killed on the way, every trace is in one or the other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.storage import segment
from harness.storage.files import flush, sidecar
from harness.storage.segment import INDEX, DamagedSegment, Segment, Stored
from harness.storage.segments import FOLDER, segments_of
from harness.storage.traces import TraceStore, locked

FULL = 1024
"""Traces of a whole segment; one with fewer is merged with the next ones."""

SOME = 300
"""Loose traces past which the end of a run merges them."""


@dataclass(frozen=True)
class Compacted:
    """What a compaction did: loose traces that were merged, segments that there are now, and why nothing was done."""

    merged: int
    segments: int
    reason: str = ""


def loose(folder: Path) -> list[Path]:
    """The loose traces of a store: files that have a checksum."""
    found = []
    for part in sorted(os.scandir(folder), key=lambda entry: entry.name) if folder.is_dir() else ():
        if part.is_dir() and len(part.name) == 2:
            names = {entry.name for entry in os.scandir(part.path)}
            own = sorted(name for name in names if name.endswith(".parquet") and f"{name}.sha256" in names)
            found += [Path(part.path) / name for name in own]
    return found


def compact_many(store: TraceStore) -> None:
    """Merge loose traces where there are more than `SOME`."""
    if len(loose(store.folder)) > SOME:
        compact(store)


def compact(store: TraceStore) -> Compacted:
    """Merge all loose traces into segments; another process that does so already is left to it.

    The segment is on the disk, with its checksums, before a loose file is deleted, and what a killed compaction left is
    deleted by the next. Readers need not wait: they look for a trace that has gone from its file in the segments.
    """
    from filelock import FileLock, Timeout

    place = store.folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(place / ".lock", timeout=0):
            merged = _compact(store, place)
    except Timeout:
        return Compacted(0, 0, "another process is merging the traces of this store")
    known = segments_of(store.folder)
    known.refresh()
    return Compacted(merged, len(known.all))


def _compact(store: TraceStore, place: Path) -> int:
    known = segments_of(store.folder)
    known.refresh()
    _delete_orphans(place, known.all)
    paths = loose(store.folder)
    there = {path for path, found in zip(paths, known.places([path.stem for path in paths]), strict=True) if found}
    _delete(there)
    parts: dict[str, list[tuple[Path, Stored]]] = {}
    count = 0
    for path in paths:
        found = None if path in there else store.stored(path.stem)
        if found is None:
            continue
        group, stored = found
        parts.setdefault(group, []).append((path, stored))
        count += 1
        if len(parts[group]) == FULL:
            _merge(place / group, parts.pop(group))
    for group, some in parts.items():
        _merge(place / group, some)
    return count


def _merge(folder: Path, some: Sequence[tuple[Path, Stored]]) -> None:
    """Write the traces as segments, with those of segments that are not full, which are deleted like the files."""
    partial = [each for each in _segments(folder) if len(each.index.keys) < FULL]
    earlier = {stored.key: stored for each in partial for stored in each.stored()}
    every = [*({stored.key: stored for _, stored in some} | earlier).values()]
    written = []
    for first in range(0, len(every), FULL):
        part = every[first : first + FULL]
        name = hashlib.sha256("".join(stored.key for stored in part).encode()).hexdigest()[:24]
        written.append(segment.write(folder, name, part).path)
    for each in partial:
        if each.path not in written:
            _delete_segment(each)
    _delete({path for path, _ in some})


def _segments(folder: Path) -> Iterator[Segment]:
    """The undamaged segments of a group; a damaged one is left for whoever reads it."""
    for path in sorted(folder.glob(f"*{INDEX}")):
        found = Segment(path)
        with suppress(DamagedSegment, OSError):
            if found.is_there and found.index and found.columns:
                yield found


def _delete(paths: set[Path]) -> None:
    """Delete loose traces, each checksum first: a file without one is no trace."""
    for folder in sorted({path.parent for path in paths}):
        with locked(folder):
            for path in sorted(path for path in paths if path.parent == folder):
                sidecar(path).unlink(missing_ok=True)
                path.unlink(missing_ok=True)
            flush(folder)


def _delete_segment(old: Segment) -> None:
    for path in (sidecar(old.path), old.path, sidecar(old.data), old.data):
        path.unlink(missing_ok=True)


def _delete_orphans(place: Path, whole: Sequence[Segment]) -> None:
    """Delete files of segments without an index, which a killed compaction left; its traces are still loose."""
    kept = {path for each in whole for path in (each.path, each.data)}
    kept |= {sidecar(path) for path in kept}
    for path in place.glob("*/*"):
        if path not in kept and path.name[0] != "." and not path.name.endswith(".damaged"):
            path.unlink(missing_ok=True)
