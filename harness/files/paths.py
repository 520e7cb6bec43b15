"""Relative paths, names as parts of paths, and checks that folders can be made, be written, and lead nowhere else."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.schema import BadInput, demand, digest

LONGEST = 200
"""Bytes of a part of a path that comes from a name; file systems allow 255."""

FOREIGN = frozenset('/\\:*?"<>|')
"""What ends a part of a path, or is no part of one, on one of the systems that folders are exchanged between."""

LONGEST_NAME = 255
"""Bytes of one file or folder name on the usual file systems."""

LONGEST_PART = 100
"""Bytes of a name that is a part of such a name."""


def relative_path(path: Path, start: Path) -> str:
    """`path` relative to `start`; absolute where no relative path exists, as between two drives of Windows."""
    try:
        return os.path.relpath(path, start)
    except ValueError:
        return str(path.absolute())


def is_folder(path: Path) -> bool:
    """Whether there is a folder at `path`; False too for a name that no folder can have."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def demand_folder(key: str, path: Path) -> None:
    """Raise BadInput, naming `key`, if `path` or one of its parents is a file or a folder where nothing can be written.

    Nothing is made: a file without a name is opened in the nearest folder that exists.
    """
    _demand_names(key, path)
    nearest = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    demand(nearest.is_dir(), key, "a folder", f"the file {nearest}")
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise BadInput(f"{key}: must be a folder that can be written (got {nearest}: {error.strerror})") from error


def demand_writable(key: str, path: Path) -> None:
    """Raise BadInput, naming `key`, if no file can be written at `path`."""
    _demand_names(key, path)
    demand(not path.is_dir(), key, "a file", f"the folder {path}")
    demand_folder(key, path.parent)


def demand_name(key: str, name: object) -> None:
    """Raise BadInput, naming `key`, unless `name` can be a part of a folder's name: letters, digits and - _ . alone."""
    fits = isinstance(name, str) and re.fullmatch(r"[\w-][\w.-]*", name) and len(os.fsencode(name)) <= LONGEST_PART
    wanted = f"at most {LONGEST_PART} bytes of letters, digits, '-', '_' and '.' (it names folders)"
    demand(bool(fits), key, wanted, name)


def _demand_names(key: str, path: Path) -> None:
    """Raise BadInput where a part of the path is a name that no file system has."""
    demand("\0" not in str(path), key, "a path", str(path))
    too_long = max(len(os.fsencode(part)) for part in ("", *path.parts)) > LONGEST_NAME
    demand(not too_long, key, f"a path whose names have at most {LONGEST_NAME} bytes", str(path))


def path_part(name: str) -> str:
    """The name as one part of a path, which leads neither up nor down; unchanged where it is one already.

    Separators, control and format characters and a dot at the beginning become underscores; a changed name ends in
    the beginning of a digest, so that two names never share a folder.
    """
    kept = "".join(c if c.isprintable() and c not in FOREIGN else "_" for c in name)
    kept = f"_{kept[1:]}" if kept[:1] in (".", "") else kept
    if kept == name and len(kept.encode()) <= LONGEST:
        return kept
    return f"{kept.encode()[: LONGEST - 9].decode(errors='ignore')}-{digest(name)[:8]}"


def page_folder(reports: Path, *names: str) -> Path:
    """The folder below `reports` of the page that the names say, one part of the path each.

    Raises BadInput where one of these folders is a symbolic link.
    """
    folder = reports
    for name in names:
        folder = folder / path_part(name)
        _demand_no_link("reports", folder)
    return folder


def demand_no_links(key: str, folder: Path, *below: str) -> None:
    """Raise BadInput, naming `key`, if `folder`, or anything directly in it or in its folders `below`, is a link.

    Call it before files are written there: who made the folder may have linked them to any file of the reader's.
    """
    _demand_no_link(key, folder)
    for place in (folder, *(folder / name for name in below)):
        for entry in _entries(place):
            demand(not entry.is_symlink(), key, "a folder without symbolic links", f"the link {entry.path}")


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    if folder.is_dir():
        with os.scandir(folder) as entries:
            found: Iterable[os.DirEntry[str]] = sorted(entries, key=lambda entry: entry.name)
        yield from found


def _demand_no_link(key: str, path: Path) -> None:
    demand(not path.is_symlink(), key, "no symbolic link", str(path))
