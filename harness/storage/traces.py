"""Where traces lie: one Parquet file each, found by the key of its training, with a checksum next to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.schema import Architecture, Trace, digest
from harness.storage.files import put_aside, sidecar, sidecar_digest, write_atomically, write_sidecar
from harness.storage.trace_key import TRACE_VERSION, TraceKey

if TYPE_CHECKING:
    import pyarrow as pa


class DamagedTrace(Exception):
    """Raised for a stored trace that is not what was written; it has been put aside, to be trained again."""


@dataclass(frozen=True)
class TraceStore:
    """Traces in one folder; safe under kills, parallel writers and network file systems.

    A trace is there when both its file, NAME.parquet, and the checksum, NAME.parquet.sha256, are: the latter is written
    when the former is on the disk. Whatever reads a trace compares the checksum of the whole file before it parses
    anything, then the key within. What fails is put aside as NAME.damaged, with one line on stderr.
    """

    folder: Path

    def path(self, key: TraceKey) -> Path:
        """The file of the trace of this key."""
        return self.at(key.name())

    def at(self, name: str) -> Path:
        """The file of a trace by the name of its key."""
        return self.folder / name[:2] / f"{name}.parquet"

    def __contains__(self, key: TraceKey) -> bool:
        path = self.path(key)
        return path.exists() and sidecar(path).exists()

    def missing(self, keys: Iterable[TraceKey]) -> list[TraceKey]:
        """Those keys that have to be trained: without a trace, or with a damaged one, which is put aside."""
        return [key for key in keys if self._undamaged(key) is None]

    def get(self, key: TraceKey) -> Trace | None:
        """The trace stored under `key`; None where there is none or it is damaged, and then put aside."""
        try:
            return self.read(key)
        except (FileNotFoundError, DamagedTrace):
            return None

    def read(self, key: TraceKey) -> Trace:
        """The trace stored under `key`. Raises FileNotFoundError without one, DamagedTrace for a damaged one."""
        if key not in self:
            raise FileNotFoundError(self.path(key))
        found = self._undamaged(key)
        if found is None:
            raise DamagedTrace(f"{self.path(key)} was damaged; re-run the same command to train it again")
        file, about = found
        try:
            frame = file.read().to_pandas()
        except (OSError, ValueError) as error:  # pages that were damaged before the checksum was made
            put_aside(self.path(key), " ".join(str(error).split()))
            raise DamagedTrace(f"{self.path(key)} was damaged; re-run the same command to train it again") from error
        return Trace(Architecture(**about["architecture"]), about["seed"], frame, about["diverged"], about["clocks"])

    def made_with(self, keys: Iterable[TraceKey]) -> list[dict[str, str]]:
        """The distinct sets of versions and machines that these traces were made with, in the order of the keys.

        Missing traces are passed over.
        """
        found = (self._undamaged(key) for key in keys)
        sets = [about.get("made_with", {}) for _, about in filter(None, found)]
        return [json.loads(text) for text in dict.fromkeys(json.dumps(each, sort_keys=True) for each in sets)]

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
        with _locked(path.parent):
            sidecar(path).unlink(missing_ok=True)
            write_atomically(path, lambda file: pq.write_table(table, file))
            write_sidecar(path)

    def _undamaged(self, key: TraceKey) -> tuple[pa.parquet.ParquetFile, dict[str, Any]] | None:
        """The file under `key`, not yet read, and what it says of itself; None where it is missing or put aside."""
        path = self.path(key)
        if key not in self:
            return None
        try:
            return _open(path, key)
        except ValueError:
            pass
        with _locked(path.parent):  # another process may have been about to write it
            if key not in self:
                return None
            try:
                return _open(path, key)
            except ValueError as error:
                put_aside(path, " ".join(str(error).split()))
                return None


def _open(path: Path, key: TraceKey) -> tuple[pa.parquet.ParquetFile, dict[str, Any]]:
    """The file, opened, and what it says of itself. Raises ValueError for anything but the trace of `key`."""
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
        about = json.loads(file.schema_arrow.metadata[b"trace"])
        held = digest([TRACE_VERSION, about["key"]]), about["architecture"]["name"], about["seed"]
    except (pa.ArrowException, OSError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not a trace ({type(error).__name__}: {str(error)[:200]})") from error
    if held != (key.name(), key.architecture, key.seed):
        raise ValueError("holds the trace of another training")
    return file, about


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """No other process of this store writes in `folder`, nor puts anything aside there, while the block runs."""
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        yield
