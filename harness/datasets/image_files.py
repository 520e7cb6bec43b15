"""Image files on disk: found by class, and identified by name, size and modification time."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.schema import BadInput, demand, digest

from .pixels import ENDINGS


def classes(folder: Path) -> dict[str, list[Path]]:
    """The image files in each class folder of `folder`, both sorted by name; a class folder may be nested.

    Other files, and everything whose name begins with a dot, are skipped. Raises BadInput for a folder without
    class folders, and for a class without images.
    """
    found = {}
    for place in _class_folders(folder):
        found[place.name] = sorted(path for path in _inside(place) if path.suffix.lower() in ENDINGS)
        demand(
            bool(found[place.name]),
            "dataset.path",
            f"a folder with images ({', '.join(ENDINGS)}) in each class folder",
            f"{place} without",
        )
    demand(bool(found), "dataset.path", "a folder with one folder of images per class", str(folder))
    return found


def warn_of_skipped(folders: Iterable[Path]) -> None:
    """Log one warning for the files in `folders` that `classes` skips, hidden ones excepted."""
    places = [place for folder in folders for place in _class_folders(folder)]
    endings = Counter(path.suffix.lower() or "no ending" for place in places for path in _inside(place))
    strange = {ending: count for ending, count in endings.most_common() if ending not in ENDINGS}
    if strange:
        logging.getLogger(__name__).warning(
            "dataset.path: skipping %d files (%s); supported: %s",
            sum(strange.values()),
            ", ".join(f"{count} {ending}" for ending, count in [*strange.items()][:5]),
            ", ".join(ENDINGS),
        )


def state(paths: Sequence[Path]) -> str:
    """SHA-256 (hex) of names, sizes and modification times: unchanged as long as the files are not written.

    Raises BadInput for a missing file.
    """
    try:
        stats = [(os.fspath(path.absolute()), path.stat()) for path in paths]
    except OSError as error:
        raise BadInput(f"data: cannot read {error.filename} ({error.strerror})") from error
    return digest([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])


def _class_folders(folder: Path) -> list[Path]:
    return [place for place in sorted(folder.iterdir()) if place.is_dir() and not place.name.startswith(".")]


def _inside(place: Path) -> Iterator[Path]:
    """Every file below `place`, at any depth, except hidden ones."""
    return (path for path in place.rglob("*") if not _hidden(path, place) and path.is_file())


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
