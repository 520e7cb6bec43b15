"""Relative paths, and checks that folders can be made, files be written, and names be parts of such names."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from harness.schema import BadInput, demand

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
