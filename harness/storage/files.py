"""Files written whole or not at all, and the checksums that vouch for them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.schema import SCHEMA_VERSION
from harness.schema.visible import visible

if TYPE_CHECKING:
    import pandas as pd


TEMPORARY = ".tmp"
"""How temporary files end, whose names begin with a dot."""

A_DAY = 24 * 60 * 60  # seconds

SUMS = "SHA256SUMS"
"""Name of the file that vouches for every other file of a folder, in the format of sha256sum."""


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` fill a temporary file next to `path`, then rename it into place.

    The content is on the disk before the name is, and the name before this returns: what is written afterwards to
    vouch for the file (its checksum) never survives a crash that the file does not. An OSError names `path`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=TEMPORARY, dir=path.parent)
        os.close(handle)
        try:
            write(Path(temporary))
            os.chmod(temporary, 0o644)
            flush(Path(temporary))
            os.replace(temporary, path)
            flush(path.parent)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:  # a full disk names no file
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def remove_temporary(folder: Path) -> None:
    """Delete temporary files of `write_atomically` that a killed process left below `folder` at least a day ago."""
    for path in folder.rglob(f".*{TEMPORARY}"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > A_DAY:
                path.unlink()


def flush(path: Path) -> None:
    """Have the operating system write a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of the content of a file. Raises OSError where it cannot be read."""
    if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe or a device never ends
        raise OSError(f"{path.name} is not a file")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sidecar(path: Path) -> Path:
    """The file that holds the checksum of `path`: NAME.sha256, for `sha256sum --check`."""
    return path.with_name(f"{path.name}.sha256")


def write_sidecar(path: Path) -> None:
    """Store the checksum of `path` next to it; call it after `path` is written."""
    write_text(sidecar(path), f"{sha256_of(path)}  {path.name}\n")


def sidecar_digest(path: Path) -> str:
    """The checksum that the sidecar of `path` states. Raises OSError without one, ValueError for another content."""
    sums = read_sums(sidecar(path))
    if list(sums) != [path.name]:
        raise ValueError(f"{sidecar(path).name} is not the checksum of {path.name}")
    return sums[path.name]


def sidecar_fault(path: Path) -> str | None:
    """Why `path` is not the file that its sidecar vouches for; None where it is. Never raises."""
    try:
        wanted = sidecar_digest(path)
        return None if sha256_of(path) == wanted else "checksum mismatch"
    except FileNotFoundError as error:
        return f"missing file {Path(error.filename).name}"
    except (OSError, ValueError) as error:
        return _reason(error)


def write_sums(folder: Path, names: Sequence[str] | None = None) -> None:
    """Store the checksums of all files directly in `folder`, or of those of these names, as SHA256SUMS; call it last.

    Of all files those whose names start with a dot or end in `.damaged` are left out.
    """
    (folder / SUMS).unlink(missing_ok=True)
    files = sorted(path for path in folder.iterdir() if path.is_file() and (names is None or path.name in names))
    kept = [path for path in files if path.name[0] != "." and path.suffix != ".damaged"]
    write_text(folder / SUMS, "".join(f"{sha256_of(path)}  {path.name}\n" for path in kept))


def sums_faults(folder: Path) -> dict[str, str]:
    """Each file of `folder` that is not what SHA256SUMS vouches for, with the reason; empty where all are.

    A missing or unreadable SHA256SUMS is one fault under its own name. A file that it does not list is none. Never
    raises.
    """
    try:
        sums = read_sums(folder / SUMS)
    except FileNotFoundError:
        return {SUMS: "missing file"}
    except (OSError, ValueError) as error:
        return {SUMS: _reason(error)}
    faults = {}
    for name, wanted in sums.items():
        try:
            if sha256_of(folder / name) != wanted:
                faults[name] = "checksum mismatch"
        except FileNotFoundError:
            faults[name] = "missing file"
        except OSError as error:
            faults[name] = _reason(error)
    return faults


def read_sums(path: Path) -> dict[str, str]:
    """Checksum by file name. Raises ValueError for a file that is not in the format of sha256sum, or names paths."""
    if path.exists() and not path.is_file():  # a pipe or a device never ends
        raise ValueError(f"{path.name} is not a file")
    text = path.read_text("utf-8")
    lines = [re.fullmatch(r"([0-9a-f]{64}) [ *]([^/\0]+)", line) for line in text.split("\n")[:-1]]
    found = {match[2]: match[1] for match in lines if match}
    if not found or len(found) < len(lines) or text[-1] != "\n":  # the last: it was cut
        raise ValueError(f"{path.name} is not in the format of sha256sum")
    return found


def put_aside(path: Path, reason: str) -> None:
    """Rename a damaged file, and its sidecar, to NAME.damaged and print one line that says which and why."""
    done = f"moved to {path.name}.damaged"
    try:
        for file in (path, sidecar(path)):
            if os.path.lexists(file):
                os.replace(file, file.with_name(f"{file.name}.damaged"))
    except OSError as error:
        done = f"cannot be moved aside ({_reason(error)})"
    print(visible(f"{path}: {reason}; {done}"), file=sys.stderr)


def _reason(error: Exception) -> str:
    """An exception as a part of one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Store a table as Parquet, whole or not at all, with the schema version in its metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    about = {**(arrow.schema.metadata or {}), b"schema_version": str(SCHEMA_VERSION).encode()}
    write_atomically(path, lambda file: pq.write_table(arrow.replace_schema_metadata(about), file))


def write_text(path: Path, text: str) -> None:
    """Store a text file, whole or not at all."""
    write_atomically(path, lambda file: file.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Store a value as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, default=_plain) + "\n")


def _plain(value: object) -> object:
    import numpy as np

    if isinstance(value, np.generic):
        return value.item()
    return str(value)
