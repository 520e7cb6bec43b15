"""An official NATS-Bench folder, converted once into two Parquet files (see converted.py)."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nats_bench
import pyarrow.parquet as pq

from harness import __version__
from harness.files.lock import exclusive_lock
from harness.processes.killed import Killed
from harness.processes.pool import as_completed
from harness.processes.signals import WorkerKilled
from harness.schema import BadInput, demand
from harness.schema.progress import Count

from .archive import Archive, opened
from .assembly import assemble
from .chunks import digest_of, file_of, make_chunk
from .converted import VERSION, name
from .converted import opened as converted
from .labelled import stored
from .spaces import space_of

CHUNK = 250
"""Records converted and stored at a time: at most these are lost if the process is killed."""


@dataclass(frozen=True)
class Summary:
    """Result of a conversion: `folder` with its two files, for `architectures` of the `total` in the space.

    `damaged` lists the skipped records with the reason; `cached` is true if the tables existed already.
    """

    folder: Path
    architectures: int
    total: int
    finals: int
    curves: int
    size: int
    seconds: float
    damaged: tuple[str, ...] = ()
    cached: bool = False

    def __str__(self) -> str:
        found = f"{self.architectures:,} of {self.total:,} architectures"
        rows = f"{self.finals:,} final accuracies, {self.curves:,} curve values"
        made = "cached" if self.cached else f"{self.seconds:.0f} s"
        lost = f"; {len(self.damaged)} damaged records skipped" if self.damaged else ""
        return f"{self.folder}: {found}; {rows}; {self.size / 1e6:.1f} MB; {made}{lost}"


def convert(
    space: str,
    folder: Path,
    out: Path,
    progress: Count | None = None,
    workers: int = 1,
    skip_damaged: bool = False,
    key: str = "folder",
) -> Summary:
    """Convert the official `folder` of the `space` ("tss" or "sss") into `out`/nats-tss or `out`/nats-sss.

    Records are read one at a time, by `workers` processes. Finished chunks are kept, so that an interrupted conversion
    resumes; chunks whose records changed (by SHA-256) are made again. The two files are replaced together, by a rename.
    Missing seeds stay missing. A second conversion into the same folder waits for the first.

    A damaged record raises BadInput naming the file: usually the download or the unpacking was interrupted, and a table
    would hide that. `skip_damaged` skips such records and lists them in the summary and in the tables. Raises BadInput
    also if `folder` is not an archive (naming it `key`), and if `out` cannot be written.
    """
    begin = time.monotonic()
    demand(workers >= 1, "workers", "at least 1", workers)
    archive = opened(folder, space_of(space, "space"), key)
    tables = name(archive.space)
    try:
        job = _Job(archive, _chunks(archive), out / tables, out / f".{tables}.partial", skip_damaged)
        if job.is_current() and not job.work.exists():
            return job.summary(0.0, cached=True)
        out.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(out / f".{tables}.lock", tables, "converting"):
            if job.is_current():  # made meanwhile, or killed before its last step
                shutil.rmtree(job.work, ignore_errors=True)
                return job.summary(0.0, cached=True)
            job.make(progress, workers)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = f"no space left in {out}" if full else f"cannot read {folder} or write {out}"
        raise BadInput(f"data: {what} ({type(error).__name__}: {error}); re-run the same command to resume") from error
    return job.summary(time.monotonic() - begin)


def _chunks(archive: Archive) -> dict[tuple[int, ...], str]:
    """The record indices of every chunk, with their digest."""
    parts = (archive.places[start : start + CHUNK] for start in range(0, len(archive.places), CHUNK))
    return {places: digest_of(archive, places) for places in parts}


@dataclass(frozen=True)
class _Job:
    """A conversion of the `chunks` of an archive into the folder `target`, via the folder `work`."""

    archive: Archive
    chunks: dict[tuple[int, ...], str]
    target: Path
    work: Path
    skip_damaged: bool

    @property
    def digest(self) -> str:
        """SHA-256 of all records."""
        return hashlib.sha256("".join(self.chunks.values()).encode()).hexdigest()

    def is_current(self) -> bool:
        """Whether the tables in `target` were made from exactly these records."""
        about = stored(self.target / "finals.parquet")
        same = about.get("digest") == self.digest and (self.skip_damaged or not about["damaged"])
        try:
            return bool(same and converted(self.target, self.archive.space))
        except BadInput:  # damaged since: convert again
            return False

    def make(self, progress: Count | None, workers: int) -> None:
        """Write the tables of all intact records, replacing older ones."""
        archive, older = self.archive, self.work / "older"
        if not self.target.exists() and older.exists():  # killed between the two renames
            os.replace(older, self.target)
        damaged = self._convert(progress, workers)
        sound = len(archive.places) - len(damaged)
        demand(sound != 0, "data", "an archive with at least one intact record", f"{archive.path}: {damaged[:1]}")
        about = {
            "version": VERSION, "space": archive.space.name, "archive": archive.path.name, "digest": self.digest,
            "architectures": sound, "damaged": damaged,
            "made_by": f"harness {__version__}, nats_bench {nats_bench.version()}",
        }  # fmt: skip
        finals, curves = ([file_of(self.work, places, kind) for places in self.chunks] for kind in ("finals", "curves"))
        assemble(self.work, self.target, finals, curves, about)

    def _convert(self, progress: Count | None, workers: int) -> list[str]:
        """Convert every chunk that is not in `work` yet; returns the damaged records."""
        self.work.mkdir(exist_ok=True)
        damaged: dict[tuple[int, ...], list[str]] = {}
        convert_one = partial(_make_chunk, self.archive, self.work, self.skip_damaged)
        chunks = as_completed(convert_one, self.chunks.items(), min(workers, len(self.chunks)))
        for done, ((places, _), lost) in enumerate(chunks, start=1):
            if isinstance(lost, Killed):
                raise WorkerKilled(lost.reason)
            damaged[places] = lost
            if progress:
                progress(min(done * CHUNK, len(self.archive.places)), len(self.archive.places))
        return [name for places in self.chunks for name in damaged[places]]

    def summary(self, seconds: float, cached: bool = False) -> Summary:
        """Summary of the tables in `target`."""
        paths = [self.target / "finals.parquet", self.target / "curves.parquet"]
        about, total = stored(paths[0]), self.archive.space.total
        finals, curves = (pq.read_metadata(path).num_rows for path in paths)
        size, damaged = sum(path.stat().st_size for path in paths), tuple(about["damaged"])
        return Summary(self.target, about["architectures"], total, finals, curves, size, seconds, damaged, cached)


def _make_chunk(archive: Archive, work: Path, skip_damaged: bool, chunk: tuple[tuple[int, ...], str]) -> list[str]:
    places, digest = chunk
    return make_chunk(archive, places, work, digest, skip_damaged)
