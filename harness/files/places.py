"""The data folder, and the files that a component needs from it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.files.cache import expanded, user_cache
from harness.schema import BadInput


@dataclass(frozen=True)
class Download:
    """A known file: `name` in the data folder, `checksum` ("md5:..." or "sha256:..."), `urls` to try in this order.

    `checksum` is None if none is published: such a file is downloaded only with `--unverified`, and every use of it is
    logged as a warning. Without `urls` it has no public download and is only verified.
    """

    name: str
    checksum: str | None
    urls: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} ({', '.join([self.checksum or 'no published checksum', *self.urls[:1]])})"


@dataclass(frozen=True)
class Source:
    """One group of files that a data set or benchmark needs, with its accepted alternatives, the preferred one first.

    `what` is one word ("images", "table", "curves", "archive"): `python -m harness.data fetch NAME-WHAT` gets it. An
    alternative is all of its files: a Download can be checked and, if it has addresses, fetched; a string names a file
    or folder that is looked for in the data folder (or anywhere, if it is an absolute path) but has no public download.
    `note` states in one line where such a file comes from.

    `state` inspects one existing path of an alternative: it returns "" if it is complete, a description of what a
    partial one holds ("3 of 15,625 records"), and raises BadInput if it is unusable. Without it an existing path counts
    as complete.

    A component that needs files has a method `sources() -> tuple[Source, ...]`; a component without it needs none.
    """

    what: str
    any_of: tuple[tuple[Download | str, ...], ...]
    note: str = ""
    state: Callable[[Path], str] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Availability:
    """Availability of one alternative: `state` is "whole", "partial", "unusable" or "missing", `why` the reason."""

    state: str
    why: str = ""


def folder(data: str | None) -> Path:
    """The data folder: `data`, else $HARNESS_DATA, else the user's cache folder; it need not exist.

    Raises BadInput where that is in the home folder of a user without one.
    """
    named = data or os.environ.get("HARNESS_DATA")
    if named:
        return expanded(named)
    return user_cache()


def find(data: str | None, *names: str) -> Path | None:
    """The first of `names` (non-empty files or folders) that exists in the data folder, or None."""
    return next((path for name in names if exists(path := folder(data) / name)), None)


def present(source: Source, data: str | None) -> list[Path] | None:
    """Paths of the first complete alternative of `source`, else of the first partial one, else None.

    Checksums are not computed.
    """
    states = [availability(source, alternative, data).state for alternative in source.any_of]
    best = next((state for state in ("whole", "partial") if state in states), None)
    return _paths(source.any_of[states.index(best)], data) if best else None


def availability(source: Source, alternative: tuple[Download | str, ...], data: str | None) -> Availability:
    """Availability of an alternative of `source` in the data folder; checksums are not computed."""
    paths = _paths(alternative, data)
    if not all(map(exists, paths)):
        return Availability("missing")
    try:
        gaps = [gap for path in paths if source.state and (gap := source.state(path))]
    except BadInput as error:
        return Availability("unusable", str(error))
    return Availability("partial", "; ".join(gaps)) if gaps else Availability("whole")


def fetchable(alternative: Sequence[Download | str]) -> bool:
    """Whether every file of the alternative has a public download."""
    return all(isinstance(part, Download) and part.urls for part in alternative)


def name_of(part: Download | str) -> str:
    """The name in the data folder."""
    return part.name if isinstance(part, Download) else part


def exists(path: Path) -> bool:
    """Whether `path` is a non-empty file or folder. Raises BadInput if it may not be read."""
    try:
        return next(path.iterdir(), None) is not None if path.is_dir() else path.exists() and path.stat().st_size > 0
    except OSError as error:
        raise BadInput(f"data: cannot read {path} ({error.strerror})") from error


def _paths(alternative: tuple[Download | str, ...], data: str | None) -> list[Path]:
    return [folder(data) / name_of(part) for part in alternative]
