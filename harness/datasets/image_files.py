"""Image files on disk: found by class, and known by name, size and time of change."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from harness.schema import BadInput, demand, digest

from .pixels import ENDINGS


def classes(folder: Path) -> dict[str, list[Path]]:
    """The image files in each class folder of `folder`, both sorted by name; a class folder may have folders in it.

    Other files, and everything whose name begins with a dot, are passed over. Raises BadInput for a folder without
    class folders, and for a class without images.
    """
    found = {}
    for place in sorted(folder.iterdir()):
        if place.is_dir() and not place.name.startswith("."):
            inside = (p for p in place.rglob("*") if p.suffix.lower() in ENDINGS and not _hidden(p, place))
            found[place.name] = sorted(p for p in inside if p.is_file())
            demand(bool(found[place.name]), "dataset.path", f"images ({', '.join(ENDINGS)}) in {place}", "none")
    demand(bool(found), "dataset.path", "a folder with one folder of images a class", str(folder))
    return found


def state(paths: Sequence[Path]) -> str:
    """SHA-256 (hex) of names, sizes and times of change: the same as long as nobody wrote to the files.

    Raises BadInput for a file that is not there.
    """
    try:
        stats = [(os.fspath(path.absolute()), path.stat()) for path in paths]
    except OSError as error:
        raise BadInput(f"data: {error.filename} is needed, got none ({error.strerror})") from error
    return digest([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
