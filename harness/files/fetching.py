"""Files that are needed: found, checked, downloaded where they are missing, or one line that says how to get them."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from harness.files.places import Download, Source, folder, name_of, present, there
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
    """Paths of files in the data folder, each with the right checksum; those that are missing are downloaded first.

    A file appears there whole or not at all. Without `network`, or with HARNESS_OFFLINE=1, nothing is downloaded.
    `name` is what `python -m harness.data fetch` calls the files (e.g. "cifar10" or "nasbench201-table") and `instead`
    names others that would do as well; both are for the message. A file whose checksum nobody published is downloaded
    only if `unverified`. Raises BadInput where a file cannot be had or has another checksum.
    """
    place = folder(data)
    missing = [download for download in downloads if not there(place / download.name)]
    failure = _forbidden(missing, network, unverified)
    for download in missing:
        failure = failure or _download(download, place)
    if failure:
        missing = [download for download in missing if not there(place / download.name)]
        raise lacking(missing, place, name, failure, instead)
    for download in downloads:
        _check(download, place / download.name)
    return [place / download.name for download in downloads]


def obtain(
    source: Source, data: str | None, name: str, *, network: bool = True, unverified: bool = False
) -> list[Path]:
    """Paths of the first alternative of `source` that is in the data folder, checked where it can be.

    Where none is there the first one that is downloads alone is fetched. The other arguments are as in `fetch`. Raises
    BadInput.
    """
    found = present(source, data)
    for alternative in source.any_of:
        paths = [folder(data) / name_of(part) for part in alternative]
        downloads = [part for part in alternative if isinstance(part, Download)]
        if paths == found or (found is None and len(downloads) == len(alternative)):
            fetch(downloads, data, name, _others(source, alternative), network=network, unverified=unverified)
            return paths
    first = source.any_of[0]
    raise lacking(first, folder(data), name, source.note, _others(source, first))


def lacking(parts: Sequence[Download | str], place: Path, name: str, why: str, instead: Sequence[str] = ()) -> BadInput:
    """The one line for files that are needed and not there."""
    verb, them = ("is", "it") if len(parts) == 1 else ("are", "them")
    command = f"python -m harness.data fetch {shlex.quote(name)} --data {shlex.quote(str(place))}"
    if not all(isinstance(part, Download) for part in parts):
        command = command.replace("data fetch", "data check")
    return BadInput(
        f"data: {' and '.join(map(str, parts))} {verb} needed in {place} and not there{f' ({why})' if why else ''}; put"
        f" {them} there, or run `{command}`{'' if 'data check' in command else ' with a network'}"
        + (f"; in place of {them} would do: {', '.join(instead)}" if instead else "")
    )


def offline() -> bool:
    """Whether HARNESS_OFFLINE forbids downloads. Raises BadInput for a misspelt value."""
    value = os.environ.get("HARNESS_OFFLINE", "")
    demand(value in ("", "0", "1"), "HARNESS_OFFLINE", "'1' (no downloads) or '0'", value)
    return value == "1"


def has_checksum(path: Path, checksum: str) -> bool:
    """Whether the file at `path` has the checksum ("md5:..." or "sha256:..."). Raises BadInput if it is unreadable."""
    import pooch

    kind, _, wanted = checksum.partition(":")
    try:
        return bool(pooch.file_hash(str(path), alg=kind) == wanted.lower())
    except OSError as error:
        raise BadInput(f"data: must be a readable file {path} (got {error.strerror})") from error


def _others(source: Source, alternative: tuple[Download | str, ...]) -> list[str]:
    return [" with ".join(map(name_of, other)) for other in source.any_of if other is not alternative]


def _forbidden(missing: Sequence[Download], network: bool, unverified: bool) -> str | None:
    """Why nothing is downloaded, if so."""
    if not missing:
        return None
    if not network or offline():
        return f"{'HARNESS_OFFLINE=1' if network else '--offline'} forbids the download"
    unknown = [download.name for download in missing if download.checksum is None]
    if unknown and not unverified:
        return f"nobody published a checksum of {' and '.join(unknown)}: only fetch with --unverified takes it"
    return None


def _download(download: Download, place: Path) -> str | None:
    from .downloads import download as get  # with it comes requests, which most runs never need

    return get(download, place)


def _check(download: Download, path: Path) -> None:
    if download.checksum is None:
        logging.getLogger(__name__).warning("%s: not verified, as nobody published a checksum", path)
        return
    what = f"{download.name} with {download.checksum} in {path.parent} (delete a damaged one and run again)"
    demand(has_checksum(path, download.checksum), "data", what, "a file with another checksum")
