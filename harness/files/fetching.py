"""Needed files: found, verified, downloaded if missing, or an error of one line that says how to get them."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from harness.files.places import Download, Source, availability, exists, fetchable, folder, name_of, present
from harness.schema import BadInput, demand


def fetch(
    downloads: Sequence[Download],
    data: str | None,
    name: str,
    instead: Sequence[str] = (),
    *,
    network: bool = True,
    unverified: bool = False,
) -> list[Path]:
    """Paths of files in the data folder with verified checksums; missing ones are downloaded first.

    A file appears in the folder complete or not at all. Without `network`, or with HARNESS_OFFLINE=1, nothing is
    downloaded. `name` is the files' name for `python -m harness.data fetch` (e.g. "cifar10" or "nasbench201-table") and
    `instead` lists accepted alternatives; both are for the message. A file without a published checksum is downloaded
    only if `unverified`. Raises BadInput if a file is missing or has a wrong checksum.
    """
    place = folder(data)
    missing = [download for download in downloads if not exists(place / download.name)]
    failure = _forbidden(missing, network, unverified)
    for download in missing:
        failure = failure or _download(download, place)
    if failure:
        missing = [download for download in missing if not exists(place / download.name)]
        raise missing_files(missing, place, name, failure, instead)
    for download in downloads:
        _check(download, place / download.name)
    return [place / download.name for download in downloads]


def obtain(
    source: Source, data: str | None, name: str, *, network: bool = True, unverified: bool = False
) -> list[Path]:
    """Paths of the first available alternative of `source` in the data folder, verified if it has checksums.

    If none is available, the first that consists of downloads is fetched. The other arguments are as in `fetch`. Raises
    BadInput.
    """
    found = present(source, data)
    for alternative in source.any_of:
        paths = [folder(data) / name_of(part) for part in alternative]
        downloads = [part for part in alternative if isinstance(part, Download)]
        if paths == found or (found is None and fetchable(alternative)):
            try:
                fetch(downloads, data, name, _others(source, alternative), network=network, unverified=unverified)
            except BadInput as error:
                raise BadInput(f"{error}{_unusable(source, data)}") from error
            return paths
    first = source.any_of[0]
    missing = missing_files(first, folder(data), name, source.note, _others(source, first))
    raise BadInput(f"{missing}{_unusable(source, data)}")


def missing_files(
    parts: Sequence[Download | str], place: Path, name: str, why: str, instead: Sequence[str] = ()
) -> BadInput:
    """The error for missing files: which, where, why, how to get them, and the accepted alternatives."""
    noun, them = ("file", "it") if len(parts) == 1 else ("files", "them")
    verb, purpose = ("fetch", f"Download {them}") if fetchable(parts) else ("check", "Where to get " + them)
    return BadInput(
        f"data: missing {noun} {' and '.join(map(str, parts))} (expected in {place}){f': {why}' if why else ''}."
        f" {purpose}: `python -m harness.data {verb} {shlex.quote(name)} --data {shlex.quote(str(place))}`"
        f" · or copy {them} there" + (f" · accepted alternatives: {', '.join(instead)}" if instead else "")
    )


def offline() -> bool:
    """Whether HARNESS_OFFLINE forbids downloads. Raises BadInput for an unknown value."""
    value = os.environ.get("HARNESS_OFFLINE", "")
    demand(value in ("", "0", "1"), "HARNESS_OFFLINE", "'1' (no downloads) or '0'", value)
    return value == "1"


def has_checksum(path: Path, checksum: str) -> bool:
    """Whether the file at `path` has the checksum ("md5:..." or "sha256:..."). Raises BadInput if unreadable."""
    import pooch

    kind, _, wanted = checksum.partition(":")
    try:
        return bool(pooch.file_hash(str(path), alg=kind) == wanted.lower())
    except OSError as error:
        raise BadInput(f"data: cannot read {path} ({error.strerror})") from error


def _unusable(source: Source, data: str | None) -> str:
    """What is in the data folder but cannot be read, as the end of an error; "" where there is nothing."""
    found = [availability(source, alternative, data) for alternative in source.any_of]
    return "".join(f" · present but unusable: {held.why}" for held in found if held.state == "unusable")


def _others(source: Source, alternative: tuple[Download | str, ...]) -> list[str]:
    return [" with ".join(map(name_of, other)) for other in source.any_of if other is not alternative]


def _forbidden(missing: Sequence[Download], network: bool, unverified: bool) -> str | None:
    """The reason why nothing is downloaded, or None."""
    if not missing:
        return None
    if not network or offline():
        return f"{'HARNESS_OFFLINE=1' if network else '--offline'} forbids the download"
    unknown = [download.name for download in missing if download.checksum is None]
    if unknown and not unverified:
        return f"no published checksum for {' and '.join(unknown)}; download with --unverified"
    return None


def _download(download: Download, place: Path) -> str | None:
    from .downloads import download as get  # imports requests, which most runs never need

    return get(download, place)


def _check(download: Download, path: Path) -> None:
    if download.checksum is None:
        logging.getLogger(__name__).warning("%s: not verified (no published checksum)", path)
        return
    if not has_checksum(path, download.checksum):
        remedy = "Delete it and re-run the command" if download.urls else "Replace it, or set dataset.checksum=null"
        raise BadInput(f"data: checksum mismatch: {path} must have {download.checksum}. {remedy}")
