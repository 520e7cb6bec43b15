"""Downloads that go on where an earlier one stopped, from several addresses, one process at a time."""

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

from harness.files.lock import alone
from harness.files.places import Download, there

CONNECT = 20.0  # seconds until a server has to answer
STALL = 60.0  # seconds without a byte, or with fewer than SLOW a second, after which a download is given up
SLOW = 1000  # bytes a second
ROUNDS = 2  # times that all addresses are tried in vain before the download has failed
PAUSE = 1.0  # seconds between two rounds
PROGRESS = 2**20  # bytes that have to be new for a round not to have been in vain
CHUNK = 2**18  # bytes


def download(wanted: Download, place: Path) -> str | None:
    """None once the file is in the folder `place`, else why it is not.

    What came of it so far is kept beside it as `.NAME.part`, and gone on with by the next download, from whichever
    address; the file gets its name when it is whole and its checksum holds.
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
        with alone(place / f".{wanted.name}.lock", wanted.name, "fetches"):
            if there(place / wanted.name):  # another process was first
                return None
            if (place / wanted.name).is_file():  # empty: pooch would take it for the file where no checksum is known
                (place / wanted.name).unlink()
            return _from_any(wanted, place)
    except OSError as error:  # the folder's own: no room, no permission
        return f"the download failed: {place}: {error.strerror or error}"


def _from_any(wanted: Download, place: Path) -> str | None:
    """None once the file is there, else why it is not. Raises OSError for what is wrong with the folder."""
    pooch.get_logger().setLevel("WARNING")  # the bar says it
    reasons: dict[str, str] = {}
    hopeless: set[str] = set()
    vain = 0
    with _bar(wanted.name) as bar:
        transfer = Resumable(place / f".{wanted.name}.part", bar)
        while True:
            before = transfer.most
            for url in (url for url in wanted.urls if url not in hopeless):
                if (failure := _from_one(url, wanted, place, transfer)) is None:
                    return None
                reasons[url], again = failure
                hopeless |= set() if again else {url}
            vain = 0 if transfer.most - before >= PROGRESS else vain + 1
            if vain == ROUNDS or hopeless == set(wanted.urls):
                return f"the download failed: {'; '.join(f'{_site(url)}: {why}' for url, why in reasons.items())}"
            time.sleep(PAUSE)


def _from_one(url: str, wanted: Download, place: Path, transfer: Resumable) -> tuple[str, bool] | None:
    """None once the file is there, else why this address did not give it, and whether it may yet."""
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
        return "a web page came in place of the file", False
    except requests.exceptions.ChunkedEncodingError as error:
        return f"cut off ({error})", True
    except requests.RequestException as error:
        return "no connection" if isinstance(error, requests.ConnectionError) else type(error).__name__, True
    except ValueError:  # how pooch reports a checksum; it has deleted what came
        return "what came has another checksum", transfer.resumed


def _site(url: str) -> str:
    return urlsplit(url).netloc


class _WebPage(requests.RequestException):
    """A page for people came: a log-in, say, or a question."""


class Resumable:
    """A downloader for pooch that writes to `part`, goes on where that ends, and hands it over when it is whole."""

    def __init__(self, part: Path, bar: Progress) -> None:
        self.part, self.bar, self.task = part, bar, bar.task_ids[0]
        self.most = self._have()
        self.resumed = False

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Fetch `url` into `output_file`, an empty file whose name pooch has chosen. Raises RequestException."""
        os.unlink(output_file)  # a process that is killed now leaves only the part
        try:
            self._fill(url)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise requests.Timeout(error) from error
        except urllib3.exceptions.HTTPError as error:
            raise requests.exceptions.ChunkedEncodingError(type(error).__name__) from error
        finally:
            self.most = max(self.most, self._have())
            if not self._have():
                self.part.unlink(missing_ok=True)
        os.replace(self.part, output_file)

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _fill(self, url: str) -> None:
        """Make the part whole."""
        have, self.resumed = self._have(), False
        # a packed transfer of a file that is packed itself would not come out as the bytes of the checksum
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=headers, stream=True, timeout=(CONNECT, STALL)) as response:
            first, total = _range(response)
            if have and response.status_code == 416 and total == have:  # killed between the last byte and the renaming
                self.resumed = True
            elif have and response.status_code in (206, 416) and first != have:  # not what was asked for
                self.part.unlink()
                self._fill(url)
            else:
                response.raise_for_status()
                if response.headers.get("Content-Type", "").startswith("text/html"):
                    raise _WebPage
                self.resumed = have > 0 and response.status_code == 206
                self._copy(response, have if self.resumed else 0, total)

    def _copy(self, response: requests.Response, start: int, total: int | None) -> None:
        """Write the body behind the first `start` bytes of the part; `total` is the size of the whole file."""
        need, room = (total or start) - start, shutil.disk_usage(self.part.parent).free
        if need > room:
            raise OSError(errno.ENOSPC, f"no room: {decimal(need)} are needed, {decimal(room)} are free")
        have, mark, since = start, start, time.monotonic()
        with self.part.open("ab" if start else "wb") as file:
            while chunk := response.raw.read1(CHUNK, decode_content=False):
                file.write(chunk)
                file.flush()  # a process that is killed leaves all that came
                have += len(chunk)
                self.bar.update(self.task, completed=have, total=total)
                if (now := time.monotonic()) - since >= STALL:
                    if have - mark < SLOW * STALL:
                        raise requests.Timeout("stalled")
                    mark, since = have, now
        if total is not None and have != total:
            raise requests.exceptions.ChunkedEncodingError(f"{have} of {total} bytes")


def _range(response: requests.Response) -> tuple[int | None, int | None]:
    """First byte of what comes, if that is a part, and size of the whole file, as far as the server says."""
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", ""))
    if found:
        first, total = found.groups()
        return (None if first is None else int(first)), (None if total == "*" else int(total))
    length = response.headers.get("Content-Length", "")
    return None, int(length) if length.isdigit() and response.status_code == 200 else None


@contextmanager
def _bar(name: str) -> Iterator[Progress]:
    """A bar of one task in a terminal; a line elsewhere, for a long download should not look like a hang."""
    console = Console(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(compact=True))
    with Progress(TextColumn(name), *columns, console=console, disable=not console.is_terminal) as bar:
        bar.add_task(name, total=None)
        if not console.is_terminal:
            print(f"{name}: fetching", file=sys.stderr)
        yield bar
