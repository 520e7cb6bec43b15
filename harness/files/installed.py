"""What installed packages offer by their entry points, and imports that the working folder cannot answer.

`python -m` puts the working folder first on the path: a module there, or the metadata of a package there, came with
whatever was unpacked there. It is no proof that anything is installed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distributions


def entry_points_of(group: str) -> dict[str, str]:
    """Dotted path by name of each entry point of the group; the first on the path counts, as for imports.

    Packages in the working folder do not count.
    """
    found: dict[str, str] = {}
    for distribution in distributions(path=elsewhere(sys.path)):
        for entry in distribution.entry_points:
            if entry.group == group:
                found.setdefault(entry.name, entry.value.replace(":", ".").strip())
    return found


@contextmanager
def without_working_folder() -> Iterator[None]:
    """Import nothing from the working folder during the block; packages imported before still find their own files."""
    before = list(sys.path)
    sys.path[:] = elsewhere(before)
    try:
        yield
    finally:
        sys.path[:] = before


def elsewhere(path: list[str]) -> list[str]:
    """The folders of an import path without the working folder."""
    here = os.path.realpath(os.curdir)
    return [folder for folder in path if os.path.realpath(folder or os.curdir) != here]
