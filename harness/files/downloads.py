"""Resumable downloads from several mirrors, one process at a time.

Pooch verifies checksums and renames, but it neither resumes nor notices a stalled transfer: `Resumable` is a downloader
for it that does both.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pooch
import requests
import urllib3
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from harness.files.lock import exclusive_lock
from harness.files.places import Download, exists

CONNECT = 20.0  # seconds until a server has to answer
STALL = 60.0  # seconds without a byte, or below SLOW bytes a second, until a transfer counts as stalled
SLOW = 1000  # bytes a second
ROUNDS = 2  # rounds over all mirrors without progress until the download fails
PAUSE = 1.0  # seconds between two rounds
PROGRESS = 2**20  # new bytes that count as progress
CHUNK = 2**18  # bytes


def download(wanted: Download, place: Path) -> str | None:
    """None once the file is in the folder `place`, else the reason for the failure.

    A partial transfer is kept as `.NAME.part` and resumed by the next download, from any mirror; the file gets its name
    when it is complete and its checksum is verified.
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(place / f".{wanted.name}.lock", wanted.name, "fetching"):
            if exists(place / wanted.name):  # another process was first
                return None
            if (place / wanted.name).is_file():  # empty: pooch would accept it if no checksum is known
                (place / wanted.name).unlink()
            return _from_any(wanted, place)
    except OSError as error:  # of the folder: no space, no permission
        return f"download failed: {place}: {error.strerror or error}"


def _from_any(wanted: Download, place: Path) -> str | None:
    """None once the file is complete, else the reason for the failure. Raises OSError for errors of the folder."""
    pooch.get_logger().setLevel("WARNING")  # the progress bar reports instead
    reasons: dict[str, str] = {}
    exhausted: set[str] = set()
    idle_rounds = 0
    with _bar(wanted.name) as bar:
        transfer = Resumable(place / f".{wanted.name}.part", bar)
        while True:
            before = transfer.most
            for url in (url for url in wanted.urls if url not in exhausted):
                if (failure := _from_one(url, wanted, place, transfer)) is None:
                    return None
                reasons[url], again = failure
                exhausted |= set() if again else {url}
            idle_rounds = 0 if transfer.most - before >= PROGRESS else idle_rounds + 1
            if idle_rounds == ROUNDS or exhausted == set(wanted.urls):
                causes = "; ".join(f"{_site(url)}: {why}" for url, why in reasons.items())
                resumable = "; re-run the same command to resume" if transfer.received() else ""
                return f"download failed: {causes}{resumable}"
            time.sleep(PAUSE)


def _from_one(url: str, wanted: Download, place: Path, transfer: Resumable) -> tuple[str, bool] | None:
    """None once the file is complete, else the reason and whether this mirror is worth another try."""
    try:
        pooch.retrieve(url, wanted.checksum, fname=wanted.name, path=place, downloader=transfer)
        return None
    except requests.HTTPError as error:
        status = 0 if error.response is None else error.response.status_code
        return f"status {status}", status >= 500 or status in (408, 429)
    except requests.ConnectTimeout:
        return f"no answer within {CONNECT:.0f} s", True
    except requests.Timeout:
        return f"a stall of {STALL:.0f} s", True
    except (requests.exceptions.SSLError, requests.TooManyRedirects, requests.exceptions.InvalidURL) as error:
        return type(error).__name__, False
    except _WebPage:
        return "a web page instead of the file", False
    except requests.exceptions.ChunkedEncodingError as error:
        return f"interrupted ({error})", True
    except requests.RequestException as error:
        return "no connection" if isinstance(error, requests.ConnectionError) else type(error).__name__, True
    except ValueError:  # pooch: checksum mismatch; it has deleted the file
        return "checksum mismatch", transfer.resumed


def _site(url: str) -> str:
    return urlsplit(url).netloc


class _WebPage(requests.RequestException):
    """The server sent an HTML page instead of the file: a log-in, say."""


class Resumable:
    """A downloader for pooch that appends to `part`, resuming where it ends, and renames it when complete."""

    def __init__(self, part: Path, bar: Progress) -> None:
        self.part, self.bar, self.task = part, bar, bar.task_ids[0]
        self.most = self.received()
        self.resumed = False

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Fetch `url` into `output_file`, an empty file whose name pooch has chosen. Raises RequestException."""
        os.unlink(output_file)  # a killed process leaves only the part
        try:
            self._fill(url)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise requests.Timeout(error) from error
        except urllib3.exceptions.HTTPError as error:
            raise requests.exceptions.ChunkedEncodingError(type(error).__name__) from error
        finally:
            self.most = max(self.most, self.received())
            if not self.received():
                self.part.unlink(missing_ok=True)
        os.replace(self.part, output_file)

    def received(self) -> int:
        """Bytes in the part."""
        return self.part.stat().st_size if self.part.exists() else 0

    def _fill(self, url: str) -> None:
        """Complete the part."""
        have, self.resumed = self.received(), False
        # a compressed transfer would not yield the bytes of the checksum
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=headers, stream=True, timeout=(CONNECT, STALL)) as response:
            first, total = _range(response)
            if have and response.status_code == 416 and total == have:  # killed between last byte and rename
                self.resumed = True
            elif have and response.status_code in (206, 416) and first != have:  # not the requested range
                self.part.unlink()
                self._fill(url)
            else:
                response.raise_for_status()
                if response.headers.get("Content-Type", "").startswith("text/html"):
                    raise _WebPage
                self.resumed = have > 0 and response.status_code == 206
                self._copy(response, have if self.resumed else 0, total)

    def _copy(self, response: requests.Response, start: int, total: int | None) -> None:
        """Append the body after the first `start` bytes of the part; `total` is the size of the whole file."""
        need, room = (total or start) - start, shutil.disk_usage(self.part.parent).free
        if need > room:
            raise OSError(errno.ENOSPC, f"no space left: {decimal(need)} needed, {decimal(room)} free")
        have, mark, since = start, start, time.monotonic()
        with self.part.open("ab" if start else "wb") as file:
            while chunk := response.raw.read1(CHUNK, decode_content=False):
                file.write(chunk)
                file.flush()  # a killed process keeps all received bytes
                have += len(chunk)
                self.bar.update(self.task, completed=have, total=total)
                if (now := time.monotonic()) - since >= STALL:
                    if have - mark < SLOW * STALL:
                        raise requests.Timeout("stalled")
                    mark, since = have, now
        if total is not None and have != total:
            raise requests.exceptions.ChunkedEncodingError(f"{have} of {total} bytes")


def _range(response: requests.Response) -> tuple[int | None, int | None]:
    """First byte of a partial response, and size of the whole file, where the server states them."""
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", ""))
    if found:
        first, total = found.groups()
        return (None if first is None else int(first)), (None if total == "*" else int(total))
    length = response.headers.get("Content-Length", "")
    return None, int(length) if length.isdigit() and response.status_code == 200 else None


@contextmanager
def _bar(name: str) -> Iterator[Progress]:
    """A progress bar in a terminal; one printed line elsewhere."""
    console = Console(stderr=True, markup=False, emoji=False)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(compact=True))
    with Progress(TextColumn(name, markup=False), *columns, console=console, disable=not console.is_terminal) as bar:
        bar.add_task(name, total=None)
        if not console.is_terminal:
            print(f"{name}: fetching", file=sys.stderr)
        yield bar
