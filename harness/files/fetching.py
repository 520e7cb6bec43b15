"""Files that are needed: found, checked, downloaded where they are missing, or one line that says how to get them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pooch

from harness.schema import BadInput, demand

from .places import Download, Source, folder, name_of, present


def fetch(downloads: Sequence[Download], data: str | None, name: str, instead: Sequence[str] = ()) -> list[Path]:
    """Paths of files in the data folder, each with the right checksum; those that are missing are downloaded first.

    A file appears there whole or not at all. With HARNESS_OFFLINE=1 nothing is downloaded. `name` is what
    `python -m harness.data fetch` calls them (e.g. "cifar10" or "nasbench201-table") and `instead` names files that
    would do as well; both are for the message. Raises BadInput where a file cannot be had or has another checksum.
    """
    place = folder(data)
    missing = [download for download in downloads if not (place / download.name).exists()]
    failure = "HARNESS_OFFLINE=1 forbids the download" if missing and offline() else None
    for download in missing:
        failure = failure or _download(download, place)
    if failure:
        missing = [download for download in missing if not (place / download.name).exists()]
        raise lacking(missing, place, name, failure, instead)
    for download in downloads:
        _check(download, place / download.name)
    return [place / download.name for download in downloads]


def obtain(source: Source, data: str | None, name: str) -> list[Path]:
    """Paths of the first alternative of `source` that is in the data folder, checked where it can be.

    Where none is there the first one that is downloads alone is fetched. `name` is as in `fetch`. Raises BadInput.
    """
    paths = present(source, data)
    for alternative in source.any_of:
        downloads = [part for part in alternative if isinstance(part, Download)]
        here = paths == [folder(data) / name_of(part) for part in alternative]
        if here or (paths is None and len(downloads) == len(alternative)):
            others = [" with ".join(map(name_of, other)) for other in source.any_of if other is not alternative]
            fetched = fetch(downloads, data, name, others)
            return paths if paths is not None else fetched
    raise lacking(
        source.any_of[0],
        folder(data),
        name,
        source.note,
        [" with ".join(map(name_of, other)) for other in source.any_of[1:]],
    )


def lacking(parts: Sequence[Download | str], place: Path, name: str, why: str, instead: Sequence[str] = ()) -> BadInput:
    """The one line for files that are needed and not there."""
    many = len(parts) != 1
    files = " and ".join(map(str, parts))
    other = f"; in place of {'them' if many else 'it'} would do: {', '.join(instead)}" if instead else ""
    return BadInput(
        f"data: {files} {'are' if many else 'is'} needed in {place} and not there{f' ({why})' if why else ''}; put"
        f" {'them' if many else 'it'} there, or run `python -m harness.data fetch {name} --data {place}` with a"
        f" network{other}"
    )


def offline() -> bool:
    """Whether HARNESS_OFFLINE forbids downloads. Raises BadInput for a misspelt value."""
    value = os.environ.get("HARNESS_OFFLINE", "")
    demand(value in ("", "0", "1"), "HARNESS_OFFLINE", "'1' (no downloads) or '0'", value)
    return value == "1"


def _download(download: Download, place: Path) -> str | None:
    """None once the file is there, else why it is not."""
    if download.checksum is None:
        return f"no checksum of {download.name} is published, so it is not downloaded unasked"
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
    return f"the download failed: {'; '.join(reasons)}"


def _check(download: Download, path: Path) -> None:
    if download.checksum is None:
        return
    kind, _, wanted = download.checksum.partition(":")
    got = pooch.file_hash(str(path), alg=kind)
    what = f"{download.name} with {download.checksum} in {path.parent} (delete a damaged one and run again)"
    demand(got == wanted, "data", what, f"{kind}:{got}")
