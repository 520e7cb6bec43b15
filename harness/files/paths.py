"""Relative paths, and a check that a folder can be made."""

from __future__ import annotations

import os
from pathlib import Path

from harness.schema import demand


def relative_path(path: Path, start: Path) -> str:
    """`path` relative to `start`; absolute where no relative path exists, as between two drives of Windows."""
    try:
        return os.path.relpath(path, start)
    except ValueError:
        return str(path.absolute())


def demand_folder(key: str, path: Path) -> None:
    """Raise BadInput, naming `key`, if `path` or one of its parents is a file."""
    nearest = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    demand(nearest.is_dir(), key, "a folder", f"the file {nearest}")
