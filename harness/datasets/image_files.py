"""Image files on disk: found by class, and known by name, size and time of change."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.schema import BadInput, demand, digest

from .pixels import ENDINGS


def classes(folder: Path) -> dict[str, list[Path]]:
    """The image files in each class folder of `folder`, both sorted by name; a class folder may have folders in it.

    Other files, and everything whose name begins with a dot, are passed over. Raises BadInput for a folder without
    class folders, and for a class without images.
    """
    found = {}
    for place in _class_folders(folder):
        found[place.name] = sorted(path for path in _inside(place) if path.suffix.lower() in ENDINGS)
        demand(bool(found[place.name]), "dataset.path", f"images ({', '.join(ENDINGS)}) in {place}", "none")
    demand(bool(found), "dataset.path", "a folder with one folder of images a class", str(folder))
    return found


def tell_passed_over(folders: Iterable[Path]) -> None:
    """Warn, once, of the files in the class folders of `folders` that `classes` passes over; those with a dot aside."""
    places = [place for folder in folders for place in _class_folders(folder)]
    endings = Counter(path.suffix.lower() or "no ending" for place in places for path in _inside(place))
    strange = {ending: count for ending, count in endings.most_common() if ending not in ENDINGS}
    if strange:
        logging.getLogger(__name__).warning(
            "dataset.path: %d files are passed over (%s); read are %s",
            sum(strange.values()),
            ", ".join(f"{count} {ending}" for ending, count in [*strange.items()][:5]),
            ", ".join(ENDINGS),
        )


def state(paths: Sequence[Path]) -> str:
    """SHA-256 (hex) of names, sizes and times of change: the same as long as nobody wrote to the files.

    Raises BadInput for a file that is not there.
    """
    try:
        stats = [(os.fspath(path.absolute()), path.stat()) for path in paths]
    except OSError as error:
        raise BadInput(f"data: must be {error.filename} (got none ({error.strerror}))") from error
    return digest([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])


def _class_folders(folder: Path) -> list[Path]:
    return [place for place in sorted(folder.iterdir()) if place.is_dir() and not place.name.startswith(".")]


def _inside(place: Path) -> Iterator[Path]:
    """Every file below `place`, at any depth, but for hidden ones."""
    return (path for path in place.rglob("*") if not _hidden(path, place) and path.is_file())


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
