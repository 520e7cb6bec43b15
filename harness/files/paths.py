"""How one place of the disk leads to another, and whether a folder can be made."""

from __future__ import annotations

import os
from pathlib import Path

from harness.schema import demand


def way(path: Path, start: Path) -> str:
    """The path relative to `start`; the absolute one where there is no way, as between two drives of Windows."""
    try:
        return os.path.relpath(path, start)
    except ValueError:
        return str(path.absolute())


def demand_folder(key: str, path: Path) -> None:
    """Raises BadInput, naming `key`, where `path` is no folder and cannot become one, as a file is in the way."""
    there = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    demand(there.is_dir(), key, "a folder", f"the file {there}")
