"""Files from outside: where they lie, how they are fetched, how a pickle among them is read without running it."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

import numpy as np
import pooch

from harness.schema import BadInput, demand

_SCALAR = cast(Callable[..., Any], np.float64(0).__reduce__()[0])
_ARRAY = cast(Callable[..., Any], np.empty(0).__reduce__()[0])
_PICKLED: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy.core.multiarray", "scalar"): _SCALAR,
    ("numpy._core.multiarray", "scalar"): _SCALAR,  # since NumPy 2
    ("numpy.core.multiarray", "_reconstruct"): _ARRAY,
    ("numpy._core.multiarray", "_reconstruct"): _ARRAY,
}


@dataclass(frozen=True)
class Download:
    """A public file: `name` in the data folder, `checksum` ("md5:..." or "sha256:..."), `urls` to try in this order."""

    name: str
    checksum: str
    urls: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} ({self.checksum}, {self.urls[0]})"


def folder(data: str | None) -> Path:
    """The data folder: `data`, else $HARNESS_DATA, else the user's cache folder; it need not exist."""
    named = data or os.environ.get("HARNESS_DATA")
    return Path(named).expanduser() if named else Path(pooch.os_cache("harness"))


def find(data: str | None, *names: str) -> Path | None:
    """The first of `names` (files or folders) that lies in the data folder, or None."""
    return next((path for name in names if (path := folder(data) / name).exists()), None)


def fetch(downloads: Sequence[Download], data: str | None, asked: str, instead: Sequence[str] = ()) -> list[Path]:
    """Paths of files in the data folder, each with the right checksum; those that are missing are downloaded first.

    A file appears there whole or not at all. With HARNESS_OFFLINE=1 nothing is downloaded. `asked` is the part of a
    command line that needs the files (e.g. "dataset=cifar10") and `instead` names files that would do as well; both
    are for the message. Raises BadInput where a file cannot be had or has another checksum.
    """
    place = folder(data)
    missing = [download for download in downloads if not (place / download.name).exists()]
    failure = "HARNESS_OFFLINE=1 forbids the download" if missing and _offline() else None
    for download in missing:
        failure = failure or _download(download, place)
    if failure:
        missing = [download for download in missing if not (place / download.name).exists()]
        other = f"; in place of it would do: {', '.join(instead)}" if instead else ""
        raise BadInput(
            f"data: needed in {place}: {' and '.join(map(str, missing))}; not there, and {failure}; put it there or"
            f" run `python -m harness +bench=nasbench201 {asked} data={place}` with a network{other}"
        )
    for download in downloads:
        _check(download, place / download.name)
    return [place / download.name for download in downloads]


def read_pickle(stream: IO[bytes], encoding: str = "ASCII") -> Any:
    """What the pickle in `stream` holds, if that is plain values, ordered dicts and NumPy arrays and scalars alone.

    A pickle is a program; one that names any other global is refused before that is imported. `encoding` is as in
    `pickle.load`. Raises BadInput for such a pickle and for a damaged one.
    """
    try:
        return _Reader(stream, encoding=encoding).load()
    except (pickle.UnpicklingError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"data: a whole pickle is needed, got {type(error).__name__}: {error}") from error


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        demand((module, name) in _PICKLED, "data", "a pickle of plain values and NumPy arrays", f"{module}.{name}")
        return _PICKLED[module, name]


def _offline() -> bool:
    value = os.environ.get("HARNESS_OFFLINE", "")
    demand(value in ("", "0", "1"), "HARNESS_OFFLINE", "'1' (no downloads) or '0'", value)
    return value == "1"


def _download(download: Download, place: Path) -> str | None:
    """None once the file is there, else why it is not."""
    reasons = []
    for url in download.urls:
        try:
            pooch.retrieve(url, download.checksum, fname=download.name, path=place)
            return None
        except OSError as error:  # no network, no such page, no room on the disk
            status = getattr(getattr(error, "response", None), "status_code", None)
            reasons.append(f"{urlsplit(url).netloc}: {error.strerror or status or type(error).__name__}")
        except ValueError:  # how pooch reports a checksum
            reasons.append(f"{urlsplit(url).netloc}: what came has another checksum")
    return f"the download failed ({'; '.join(reasons)})"


def _check(download: Download, path: Path) -> None:
    kind, _, wanted = download.checksum.partition(":")
    got = pooch.file_hash(str(path), alg=kind)
    what = f"{download.name} with {download.checksum} in {path.parent} (delete a damaged one and run again)"
    demand(got == wanted, "data", what, f"{kind}:{got}")
