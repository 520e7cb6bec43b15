"""The user's cache folder."""

from __future__ import annotations

from pathlib import Path

from harness.schema import BadInput


def user_cache() -> Path:
    """The folder for this program's files in the user's cache folder; it need not exist.

    Raises BadInput where the user has no home folder: HOME is not set and the system knows no such user.
    """
    import pooch

    try:
        found = Path(pooch.os_cache("harness"))
    except RuntimeError:  # of platformdirs; its earlier versions give the ~ back
        found = Path("~")
    if found.parts[0].startswith("~"):
        raise BadInput(
            "HOME: must be a folder (got none); set HOME or XDG_CACHE_HOME, or data=FOLDER for the data folder"
        )
    return found


def expanded(path: str) -> Path:
    """The path with the home folder for ~. Raises BadInput where there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise BadInput(
            f"{path}: must be a path without ~ where no home folder is known (got none); set HOME"
        ) from error
