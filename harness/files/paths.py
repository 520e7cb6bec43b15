"""Relative paths, and a check that folders can be made and files be written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from harness.schema import BadInput, demand


def relative_path(path: Path, start: Path) -> str:
    """`path` relative to `start`; absolute where no relative path exists, as between two drives of Windows."""
    try:
        return os.path.relpath(path, start)
    except ValueError:
        return str(path.absolute())


def demand_folder(key: str, path: Path) -> None:
    """Raise BadInput, naming `key`, if `path` or one of its parents is a file or a folder where nothing can be written.

    Nothing is made: a file without a name is opened in the nearest folder that exists.
    """
    nearest = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    demand(nearest.is_dir(), key, "a folder", f"the file {nearest}")
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise BadInput(f"{key}: must be a folder that can be written (got {nearest}: {error.strerror})") from error


def demand_writable(key: str, path: Path) -> None:
    """Raise BadInput, naming `key`, if no file can be written at `path`."""
    demand(not path.is_dir(), key, "a file", f"the folder {path}")
    demand_folder(key, path.parent)
