"""An official NATS-Bench folder, converted once into two Parquet files (see converted.py)."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import nats_bench
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout
from joblib import Parallel, delayed

from harness import __version__
from harness.schema import BadInput, demand

from .archive import Archive, opened
from .converted import ABOUT, CURVES, FINALS, VERSION, name
from .converted import opened as converted
from .record import Training
from .spaces import TRAIN, TRAIN_SETS, space_of

CHUNK = 250
"""Records that are converted and stored at a time: what a kill loses at most, and what memory holds."""

BLOCK = 4
"""Chunks that share the row groups of the finished curves: a thousand architectures."""

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Called with (records done, records in all)."""


@dataclass(frozen=True)
class Summary:
    """What a conversion made: `folder` with its two files, of `architectures` of the `total` that the space has.

    `damaged` names the records that were left out, with the reason; `again` says that the tables stood already.
    """

    folder: Path
    architectures: int
    total: int
    finals: int
    curves: int
    size: int
    seconds: float
    damaged: tuple[str, ...] = ()
    again: bool = False

    def __str__(self) -> str:
        found = f"{self.architectures:,} of {self.total:,} architectures"
        rows = f"{self.finals:,} final figures, {self.curves:,} of curves"
        made = "stood already" if self.again else f"{self.seconds:.0f} s"
        lost = f"; {len(self.damaged)} damaged and left out" if self.damaged else ""
        return f"{self.folder}: {found}; {rows}; {self.size / 1e6:.1f} MB; {made}{lost}"


def convert(
    space: str,
    folder: Path,
    out: Path,
    progress: Progress | None = None,
    workers: int = 1,
    skip_damaged: bool = False,
    key: str = "folder",
) -> Summary:
    """Convert the official `folder` of the `space` ("tss" or "sss") into `out`/nats-tss or `out`/nats-sss.

    Records are read one at a time, by `workers` processes; finished chunks are kept, so that a conversion that was
    killed goes on where it was, and chunks whose records have changed are made again (their SHA-256 tells). The two
    files appear together, whole, in the place of older ones. Missing seeds stay missing. Of two conversions into one
    folder, one waits for the other.

    A damaged record stops it, in one line that names the file: nearly always the download or the unpacking was cut
    short, and a table would hide that. `skip_damaged` leaves such records out and lists them in the summary and in the
    tables. Raises BadInput for that, for a folder that is none (naming it `key`), and where `out` cannot be written.
    """
    begin = time.monotonic()
    demand(workers >= 1, "workers", "a count of at least 1", workers)
    archive = opened(folder, space_of(space, "space"), key)
    chunks = _split(archive.places, CHUNK)
    target, work = out / name(archive.space), out / f".{name(archive.space)}.partial"
    try:
        digests = [_digest(archive, places) for places in chunks]
        whole = hashlib.sha256("".join(digests).encode()).hexdigest()
        if _stands(target, archive, whole, skip_damaged) and not work.exists():
            return _summary(target, archive, 0.0, again=True)
        out.mkdir(parents=True, exist_ok=True)
        with _alone(out, name(archive.space)):
            if _stands(target, archive, whole, skip_damaged):  # made meanwhile, or killed before its last step
                shutil.rmtree(work, ignore_errors=True)
                return _summary(target, archive, 0.0, again=True)
            if not target.exists() and (work / "older").exists():  # killed while the new took the place of the old
                os.replace(work / "older", target)
            damaged = _chunks(archive, chunks, digests, work, progress, workers, skip_damaged)
            about = {
                "version": VERSION, "space": archive.space.name, "archive": folder.name, "digest": whole,
                "architectures": len(archive.places) - len(damaged), "damaged": damaged,
                "made_by": f"harness {__version__}, nats_bench {nats_bench.version()}",
            }  # fmt: skip
            demand(about["architectures"] != 0, "data", f"a sound record in {folder}", damaged[:1])
            _assemble(
                work, target, [_file(work, places, kind) for kind in ("finals", "curves") for places in chunks], about
            )
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        wanted = f"room to write in {out}" if full else f"{folder} to be read and {out} to be written"
        raise BadInput(f"data: {wanted} is needed, got {type(error).__name__}: {error}") from error
    return _summary(target, archive, time.monotonic() - begin)


@contextmanager
def _alone(out: Path, tables: str) -> Iterator[None]:
    """No other process converts into the same tables while the block runs; waits for one that does."""
    lock = out / f".{tables}.lock"
    mine = FileLock(lock)
    try:
        mine.acquire(timeout=0)
    except Timeout:
        print(f"{tables}: waiting for another process that converts it", file=sys.stderr)
        mine.acquire()
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        mine.release()


def _chunks(
    archive: Archive, chunks: Sequence[Sequence[int]], digests: Sequence[str], work: Path, progress: Progress | None,
    workers: int, skip_damaged: bool,
) -> list[str]:  # fmt: skip
    """Convert every chunk that does not stand in `work`; returns the damaged records."""
    work.mkdir(exist_ok=True)
    tasks = [
        delayed(_chunk)(archive, places, work, digest, skip_damaged)
        for places, digest in zip(chunks, digests, strict=True)
    ]
    damaged: list[str] = []
    for done, lost in enumerate(Parallel(n_jobs=min(workers, len(tasks)), return_as="generator")(tasks), start=1):
        damaged += lost
        if progress:
            progress(min(done * CHUNK, len(archive.places)), len(archive.places))
    return damaged


def _chunk(archive: Archive, places: Sequence[int], work: Path, digest: str, skip_damaged: bool) -> list[str]:
    """Convert these records into two files of `work`, unless they stand there; returns the damaged ones."""
    curves = _file(work, places, "curves")
    stored = _stored(curves)
    if stored.get("digest") == digest and (skip_damaged or not stored["damaged"]):
        return list(stored["damaged"])
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
    _write(_file(work, places, "finals"), FINALS, [((), rows.finals())], about, level=1)
    _write(curves, CURVES, rows.curves(), about, level=1)  # last: it says that the chunk is done
    return damaged


class _Rows:
    """The rows of one chunk, collected by group (training set, schedule, split)."""

    def __init__(self) -> None:
        self._finals: list[tuple[Any, ...]] = []
        self._curves: dict[tuple[str, int, str], list[tuple[int, int, Any, Any]]] = {}

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

    def curves(self) -> Iterator[tuple[tuple[str, int, str], pa.Table]]:
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


def _assemble(work: Path, target: Path, parts: Sequence[Path], about: dict[str, Any]) -> None:
    """Put the chunks together in `target`, in whose place older tables stood until then."""
    whole = work / "whole"
    whole.mkdir(exist_ok=True)
    half = len(parts) // 2
    finals = pa.concat_tables([pq.read_table(part) for part in parts[:half]]).unify_dictionaries()
    _write(whole / "finals.parquet", FINALS, _by_group(finals), about)
    _write(whole / "curves.parquet", CURVES, _by_block(parts[half:]), about)
    shutil.rmtree(work / "older", ignore_errors=True)  # of a conversion that was killed after the next two lines
    if target.exists():
        os.replace(target, work / "older")
    os.replace(whole, target)
    shutil.rmtree(work)


def _by_group(finals: pa.Table) -> Iterator[tuple[tuple[str, int, str], pa.Table]]:
    frame = finals.to_pandas()
    for group in _sorted({*zip(frame["train_set"], frame["schedule"], frame["split"], strict=True)}):
        train_set, schedule, split = group
        own = (frame["train_set"] == train_set) & (frame["schedule"] == schedule) & (frame["split"] == split)
        rows = frame[own].sort_values(["index", "seed"])
        yield group, pa.Table.from_pandas(rows, FINALS, preserve_index=False)


def _by_block(parts: Sequence[Path]) -> Iterator[tuple[tuple[str, int, str], pa.Table]]:
    """The rows of a few chunks at a time, group by group."""
    for block in _split(parts, BLOCK):
        found: dict[tuple[str, int, str], list[pa.Table]] = {}
        for part in block:
            with pq.ParquetFile(part) as file:
                for place, (train_set, schedule, split, _, _) in enumerate(_stored(part)["groups"]):
                    found.setdefault((train_set, schedule, split), []).append(file.read_row_group(place))
        for group in _sorted(found):
            yield group, pa.concat_tables(found.pop(group)).unify_dictionaries()


def _sorted(groups: Any) -> list[tuple[str, int, str]]:
    order = list(TRAIN_SETS)
    return sorted(groups, key=lambda group: (order.index(group[0]), -group[1], group[2]))


def _write(path: Path, schema: pa.Schema, groups: Any, about: dict[str, Any], level: int = 9) -> None:
    """Store tables, a row group each, under `path` at once; what each holds is said in the file's metadata."""
    numbers = [field.name for field in schema if pa.types.is_floating(field.type)]
    held = []
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with pq.ParquetWriter(
        temporary,
        schema,
        compression="zstd",
        compression_level=level,
        use_dictionary=[column for column in schema.names if column not in numbers],
        column_encoding=dict.fromkeys(numbers, "BYTE_STREAM_SPLIT"),
        write_page_checksum=True,
    ) as writer:
        for group, table in groups:
            ends = [table["index"][0].as_py(), table["index"][-1].as_py()] if len(table) else [-1, -1]
            writer.write_table(table, row_group_size=max(1, len(table)))
            held.append([*group, *ends] if group else [])
        writer.add_key_value_metadata({ABOUT: json.dumps(about | {"groups": held})})
    os.replace(temporary, path)


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    if not pa.types.is_dictionary(kind):
        return pa.array(np.asarray(values) if not pa.types.is_string(kind) else list(values)).cast(kind)
    return pa.array(list(values), pa.string()).dictionary_encode().cast(kind)


def _split(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _file(work: Path, places: Sequence[int], kind: str) -> Path:
    return work / f"{kind}-{places[0]:06d}-{places[-1]:06d}.parquet"


def _digest(archive: Archive, places: Sequence[int]) -> str:
    """SHA-256 of these records, their names and their number."""
    sha = hashlib.sha256(f"{VERSION} {archive.space.name}".encode())
    for place in places:
        content = hashlib.sha256(archive.file(place).read_bytes()).hexdigest()
        sha.update(f"{place} {archive.names[place]} {content}\n".encode())
    return sha.hexdigest()


def _stored(path: Path) -> dict[str, Any]:
    """How a chunk was made; nothing where it is not there whole."""
    try:
        found = json.loads((pq.read_metadata(path).metadata or {})[ABOUT])
    except (pa.ArrowException, OSError, KeyError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _stands(target: Path, archive: Archive, digest: str, skip_damaged: bool) -> bool:
    """Whether the tables in `target` are those of these very records."""
    about = _stored(target / "finals.parquet")
    same = about.get("digest") == digest and (skip_damaged or not about["damaged"])
    try:
        return bool(same and converted(target, archive.space))
    except BadInput:  # damaged since: made again
        return False


def _summary(target: Path, archive: Archive, seconds: float, again: bool = False) -> Summary:
    paths = [target / "finals.parquet", target / "curves.parquet"]
    about = _stored(paths[0])
    finals, curves = (pq.read_metadata(path).num_rows for path in paths)
    size = sum(path.stat().st_size for path in paths)
    damaged = tuple(about["damaged"])
    return Summary(target, about["architectures"], archive.space.total, finals, curves, size, seconds, damaged, again)
