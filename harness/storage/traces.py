"""Where traces lie, found by the key of the training: a Parquet file each, with a checksum next to it, or segments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness.schema import Architecture, Trace, digest
from harness.schema.trace_columns import Columns
from harness.storage.files import put_aside, sidecar, sidecar_digest, write_atomically, write_sidecar
from harness.storage.segment import DamagedSegment, Segment, Stored, group_of
from harness.storage.segments import Place, segments_of
from harness.storage.trace_key import TRACE_VERSION, TraceKey, names_of

if TYPE_CHECKING:
    import pyarrow as pa


R = TypeVar("R")

OfSegment = Callable[[Segment, int, TraceKey], R | None]
"""What is asked of a trace in a row of a segment."""

OfLoose = Callable[[TraceKey, Any, dict[str, Any]], R | None]
"""What is asked of a loose trace: its file, opened, and what that says of itself."""


class DamagedTrace(Exception):
    """Raised for a stored trace that is not what was written; it has been put aside, to be trained again."""


@dataclass(frozen=True)
class TraceStore:
    """Traces in one folder; safe under kills, parallel writers and network file systems.

    A trace is there when both its file, NAME.parquet, and the checksum, NAME.parquet.sha256, are: the latter is written
    when the former is on the disk. Whatever reads a trace compares the checksum of the whole file before it parses
    anything, then the key within. What fails is put aside as NAME.damaged, with one line on stderr.

    Loose files are what is written; `storage.compaction` merges them into segments, which are read by columns.
    """

    folder: Path

    def path(self, key: TraceKey) -> Path:
        """The file of the trace of this key."""
        return self.at(key.name())

    def at(self, name: str) -> Path:
        """The file of a trace by the name of its key."""
        return self.folder / name[:2] / f"{name}.parquet"

    def __contains__(self, key: TraceKey) -> bool:
        return self._is_loose(key) or bool(self._gathered([key], lambda *_: True, lambda *_: True)[0])

    def missing(self, keys: Iterable[TraceKey]) -> list[TraceKey]:
        """Those keys that have to be trained: without a trace, or with a damaged one, which is put aside."""
        wanted = list(keys)
        there = self._gathered(wanted, lambda *_: True, lambda *_: True)
        return [key for key, found in zip(wanted, there, strict=True) if not found]

    def get(self, key: TraceKey) -> Trace | None:
        """The trace stored under `key`; None where there is none or it is damaged, and then put aside."""
        return self.gather([key])[0]

    def gather(self, keys: Sequence[TraceKey]) -> list[Trace | None]:
        """The trace stored under each key, as `get` gives it; those of segments read a column when it is asked for."""
        return self._gathered(keys, lambda segment, row, key: segment.trace(row, key), self._trace)

    def read(self, key: TraceKey) -> Trace:
        """The trace stored under `key`. Raises FileNotFoundError without one, DamagedTrace for a damaged one."""
        if key not in self:
            raise FileNotFoundError(self.path(key))
        found = self.get(key)
        if found is None:
            raise DamagedTrace(f"{self.path(key)} was damaged; re-run the same command to train it again")
        return found

    def made_with(self, keys: Iterable[TraceKey]) -> list[dict[str, str]]:
        """The distinct sets of versions and machines that these traces were made with, in the order of the keys.

        Missing traces are passed over.
        """
        sets = self._gathered(
            list(keys),
            lambda segment, row, _: segment.index.made_with[int(segment.index.made[row])],
            lambda key, file, about: about.get("made_with", {}),
        )
        texts = dict.fromkeys(json.dumps(dict(each), sort_keys=True) for each in sets if each is not None)
        return [json.loads(text) for text in texts]

    def stored(self, name: str) -> tuple[str, Stored] | None:
        """The loose trace by the name of its key, and the group of those with the same columns.

        None where it is missing or damaged; whoever asks for it by its key finds out why.
        """
        try:
            file, about = _checked(self.at(name))
            key = TraceKey(**about["key"])
            if key.name() != name or _held(about) != (name, key.architecture, key.seed):
                return None
            table = file.read().replace_schema_metadata(None)
            known = Architecture(**about["architecture"]), about["diverged"], about["clocks"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        columns = Columns({}, (), 0, table.num_rows)
        trace = Trace.of_columns(known[0], key.seed, columns, known[1], known[2])
        return group_of(key, table), Stored(name, trace, about.get("made_with", {}), table)

    def write(self, key: TraceKey, trace: Trace, made_with: Mapping[str, str] | None = None) -> None:
        """Store `trace`; `made_with` names the versions of the libraries and the machine."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pandas(trace.table, preserve_index=False)
        about = {
            "trace_version": TRACE_VERSION,
            "key": key.content(),
            "architecture": vars(trace.architecture),
            "seed": trace.seed,
            "diverged": trace.diverged,
            "clocks": dict(trace.clocks),
            "made_with": {**(made_with or {}), **trace.notes},
        }
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"trace": json.dumps(about).encode()})
        path = self.path(key)
        with locked(path.parent):
            sidecar(path).unlink(missing_ok=True)
            write_atomically(path, lambda file: pq.write_table(table, file))
            write_sidecar(path)

    def _gathered(self, keys: Sequence[TraceKey], of_segment: OfSegment[R], of_loose: OfLoose[R]) -> list[R | None]:
        """What `of_segment` or `of_loose` gives of each trace, None where there is none or it is damaged.

        One that is not there is looked for once more where segments were written meanwhile, into which another process
        may have merged it.
        """
        names, known = names_of(keys), segments_of(self.folder)
        found: list[R | None] = [None] * len(keys)
        left = list(range(len(keys)))
        known.refresh()
        for _ in range(2):
            places = known.places([names[i] for i in left])
            for i, place in zip(left, places, strict=True):
                found[i] = self._found(keys[i], place, of_segment, of_loose)
            left = [i for i in left if found[i] is None]
            if not left or not known.refresh():
                break
        return found

    def _found(self, key: TraceKey, place: Place | None, of_segment: OfSegment[R], of_loose: OfLoose[R]) -> R | None:
        if place is None:
            loose = self._undamaged(key)
            return None if loose is None else of_loose(key, *loose)
        segment, row = place
        try:
            assert segment.columns is not None  # its checksum is compared the first time
            return of_segment(segment, row, key)
        except DamagedSegment as error:
            segments_of(self.folder).put_aside(segment, str(error))
        except OSError:  # merged into a larger one, or put aside
            pass
        return None

    def _trace(self, key: TraceKey, file: pa.parquet.ParquetFile, about: dict[str, Any]) -> Trace | None:
        """The trace in a loose file; None where its pages were damaged before the checksum was made: put aside."""
        try:
            frame = file.read().to_pandas()
        except (OSError, ValueError) as error:
            put_aside(self.path(key), " ".join(str(error).split()))
            return None
        return Trace(Architecture(**about["architecture"]), about["seed"], frame, about["diverged"], about["clocks"])

    def _is_loose(self, key: TraceKey) -> bool:
        path = self.path(key)
        return path.exists() and sidecar(path).exists()

    def _undamaged(self, key: TraceKey) -> tuple[pa.parquet.ParquetFile, dict[str, Any]] | None:
        """The file under `key`, not yet read, and what it says of itself; None where it is missing or put aside."""
        path = self.path(key)
        if not self._is_loose(key):
            return None
        try:
            return _open(path, key)
        except ValueError:
            pass
        with locked(path.parent):  # another process may have been about to write it
            if not self._is_loose(key):
                return None
            try:
                return _open(path, key)
            except ValueError as error:
                put_aside(path, " ".join(str(error).split()))
                return None


def _open(path: Path, key: TraceKey) -> tuple[pa.parquet.ParquetFile, dict[str, Any]]:
    """The file, opened, and what it says of itself. Raises ValueError for anything but the trace of `key`."""
    file, about = _checked(path)
    try:
        held = _held(about)
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not a trace ({type(error).__name__}: {str(error)[:200]})") from error
    if held != (key.name(), key.architecture, key.seed):
        raise ValueError("holds the trace of another training")
    return file, about


def _held(about: dict[str, Any]) -> tuple[str, str, int]:
    """The training that a file says it holds: the name of the key, the architecture and the seed."""
    return digest([TRACE_VERSION, about["key"]]), about["architecture"]["name"], about["seed"]


def _checked(path: Path) -> tuple[pa.parquet.ParquetFile, dict[str, Any]]:
    """The file, opened, and what it says of itself. Raises ValueError for another checksum, or what is no trace."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = path.read_bytes()
        wanted = sidecar_digest(path)
    except OSError as error:
        raise ValueError(f"cannot be read ({error})") from error
    if hashlib.sha256(content).hexdigest() != wanted:
        raise ValueError("checksum mismatch")
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        about: dict[str, Any] = json.loads(file.schema_arrow.metadata[b"trace"])
    except (pa.ArrowException, OSError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not a trace ({type(error).__name__}: {str(error)[:200]})") from error
    return file, about


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """No other process of this store writes in `folder`, nor puts anything aside there, while the block runs."""
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        yield
