"""Downloads from a server that truncates, corrupts, stalls and worse."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import namedtuple
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from harness.files import Download, downloads
from tests.files.misbehaving import (
    Page,
    Site,
    corrupted,
    cut,
    dripping,
    in_turn,
    misplaced,
    piecewise,
    ranged,
    redirect,
    slowly,
    stalling,
    status,
    unbounded,
    web_page,
    whole,
)
from tests.noticed import Noticed

CONTENT = bytes(range(256)) * 8
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
NAME, PART = "cats.bin", ".cats.bin.part"

pytestmark = pytest.mark.usefixtures("hurried")


def cats(site: Site, *paths: str) -> Download:
    return Download(NAME, CHECKSUM, tuple(f"{site.url}{path}" for path in paths or ("/cats",)))


def left(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.iterdir()}


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(whole(CONTENT), id="plain"),
        pytest.param(ranged(CONTENT), id="with ranges"),
        pytest.param(unbounded(CONTENT), id="of untold length"),
        pytest.param(in_turn(cut(ranged(CONTENT), 700), ranged(CONTENT)), id="cut off, then with ranges"),
        pytest.param(in_turn(cut(whole(CONTENT), 700), whole(CONTENT)), id="cut off, then without"),
        pytest.param(in_turn(status(503), whole(CONTENT)), id="busy at first"),
        pytest.param(in_turn(cut(whole(CONTENT), 700), misplaced(CONTENT)), id="another range than asked for"),
        pytest.param(in_turn(whole(CONTENT, 2057), ranged(CONTENT)), id="claims too much, then is honest"),
        pytest.param(in_turn(cut(whole(CONTENT), 700), piecewise(CONTENT, 900)), id="less than was asked for"),
        pytest.param(redirect("/elsewhere"), id="moved"),
    ],
)
def test_a_file_that_can_be_had_is_had_whole_and_nothing_else_is_left(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: Page
) -> None:
    monkeypatch.setattr(downloads, "PROGRESS", 100)
    site.pages |= {"/cats": page, "/elsewhere": ranged(CONTENT)}
    assert downloads.download(cats(site), tmp_path) is None
    assert left(tmp_path) == {NAME: CONTENT}


FAILING = [
    pytest.param(corrupted(whole(CONTENT)), "checksum mismatch", {}, id="corrupted"),
    pytest.param(whole(CONTENT[:-1]), "checksum mismatch", {}, id="shorter"),
    pytest.param(whole(CONTENT, 2000), "checksum mismatch", {}, id="claims too little"),
    pytest.param(cut(unbounded(CONTENT), 700), "checksum mismatch", {}, id="cut off, of untold length"),
    pytest.param(status(404), "status 404", {}, id="absent"),
    pytest.param(status(500), "status 500", {}, id="broken"),
    pytest.param(redirect("/cats"), "TooManyRedirects", {}, id="turns in circles"),
    pytest.param(web_page(CONTENT), "a web page", {}, id="a web page"),
    pytest.param(cut(whole(CONTENT), 700), "interrupted", {PART: CONTENT[:700]}, id="always cut off"),
    pytest.param(whole(CONTENT, 2057), "interrupted", {PART: CONTENT}, id="always claims too much"),
    pytest.param(stalling(whole(CONTENT), 700), "stall", {PART: CONTENT[:700]}, id="stalls"),
    pytest.param(dripping(CONTENT, 0.05), "stall", None, id="drips"),
]


def hurry(monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    """Stalls in tenths of seconds, where there is one; anywhere else a busy machine would be taken for one."""
    if reason == "stall":
        monkeypatch.setattr(downloads, "STALL", 0.5)


@pytest.mark.parametrize(("page", "reason", "remains"), FAILING)
def test_a_file_that_cannot_be_had_is_not_there_under_its_name(
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: Page,
    reason: str,
    remains: dict[str, bytes] | None,
) -> None:
    site.pages["/cats"] = page
    hurry(monkeypatch, reason)
    found = downloads.download(cats(site), tmp_path)
    assert found is not None and reason in found and "127.0.0.1" in found and "\n" not in found
    assert NAME not in left(tmp_path)
    assert remains is None or left(tmp_path) == remains


@pytest.mark.parametrize(("page", "reason", "remains"), FAILING)
def test_the_next_address_gives_what_the_first_does_not(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: Page, reason: str, remains: object
) -> None:
    hurry(monkeypatch, reason)
    site.pages |= {"/cats": page, "/mirror": ranged(CONTENT)}
    assert downloads.download(cats(site, "/cats", "/mirror"), tmp_path) is None
    assert left(tmp_path) == {NAME: CONTENT}


def test_an_address_where_nobody_answers_is_passed_over(site: Site, tmp_path: Path) -> None:
    site.pages["/cats"] = whole(CONTENT)
    dead = Download(NAME, CHECKSUM, ("http://127.0.0.1:1/cats", "nonsense://x", f"{site.url}/cats"))
    assert downloads.download(dead, tmp_path) is None
    nobody = downloads.download(Download("dogs.bin", CHECKSUM, ("http://127.0.0.1:1/dogs",)), tmp_path)
    assert nobody is not None and "127.0.0.1:1: no connection" in nobody


def test_a_download_goes_on_at_another_address_where_the_first_stopped(site: Site, tmp_path: Path) -> None:
    site.pages |= {"/cats": cut(whole(CONTENT), 700), "/mirror": ranged(CONTENT)}
    assert downloads.download(cats(site, "/cats", "/mirror"), tmp_path) is None
    assert site.asked == [("/cats", None), ("/mirror", "bytes=700-")]


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        pytest.param(CONTENT[:700], ["bytes=700-"], id="the beginning"),
        pytest.param(CONTENT, ["bytes=2048-"], id="all of it"),
        pytest.param(b"", [None], id="nothing"),
        pytest.param(b"dogs", ["bytes=4-", None], id="the beginning of another file"),
        pytest.param(CONTENT + b"dogs", ["bytes=2052-", None], id="more than there is"),
    ],
)
def test_what_an_earlier_download_left_is_used_if_it_fits(
    site: Site, tmp_path: Path, kept: bytes, asked: list[str | None]
) -> None:
    (tmp_path / PART).write_bytes(kept)
    site.pages["/cats"] = ranged(CONTENT)
    assert downloads.download(cats(site), tmp_path) is None
    assert left(tmp_path) == {NAME: CONTENT}
    assert [span for _, span in site.asked] == asked


@pytest.mark.parametrize(("progress", "arrives"), [(200, True), (2**20, False)])
def test_a_line_that_breaks_often_is_used_as_long_as_enough_comes(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, progress: int, arrives: bool
) -> None:
    monkeypatch.setattr(downloads, "PROGRESS", progress)
    site.pages["/cats"] = cut(ranged(CONTENT), 300)
    assert (downloads.download(cats(site), tmp_path) is None) == arrives
    assert len(site.asked) == (7 if arrives else downloads.ROUNDS)
    assert left(tmp_path) == ({NAME: CONTENT} if arrives else {PART: CONTENT[:600]})


def test_an_address_that_has_no_such_file_is_not_asked_again(site: Site, tmp_path: Path) -> None:
    site.pages |= {"/wrong": corrupted(whole(CONTENT)), "/busy": status(503)}
    downloads.download(cats(site, "/absent", "/wrong", "/busy"), tmp_path)
    assert [path for path, _ in site.asked] == ["/absent", "/wrong", "/busy", "/busy"]


def test_a_file_that_is_there_is_never_written_over(site: Site, tmp_path: Path) -> None:
    site.pages["/cats"] = whole(CONTENT)
    (tmp_path / NAME).write_bytes(b"the user's own")
    assert downloads.download(cats(site), tmp_path) is None
    assert (left(tmp_path), site.asked) == ({NAME: b"the user's own"}, [])


def test_a_file_that_does_not_fit_on_the_disk_is_not_begun(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages["/cats"] = whole(CONTENT)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("Usage", "free")(2047))
    found = downloads.download(cats(site), tmp_path)
    assert found is not None and "no space left" in found and str(tmp_path) in found
    assert left(tmp_path) == {}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is needed")
def test_a_disk_that_fills_up_is_an_error_in_one_line(site: Site, tmp_path: Path) -> None:
    site.pages["/cats"] = unbounded(CONTENT)
    (tmp_path / PART).symlink_to("/dev/full")
    found = downloads.download(cats(site), tmp_path)
    assert found is not None and "No space left" in found and "\n" not in found


def test_a_folder_that_may_not_be_written_is_an_error_in_one_line(site: Site, tmp_path: Path) -> None:
    site.pages["/cats"] = whole(CONTENT)
    tmp_path.chmod(0o500)
    root = os.geteuid() == 0  # who may write anywhere
    if root:
        os.seteuid(65534)
    try:
        found = downloads.download(cats(site), tmp_path)
    finally:
        if root:
            os.seteuid(0)
        tmp_path.chmod(0o700)
    assert found is not None and "Permission denied" in found and "\n" not in found


SCRIPT = """
import sys
from pathlib import Path
from harness.files import Download, downloads
sys.exit(downloads.download(Download("cats.bin", sys.argv[1], (sys.argv[2],)), Path(sys.argv[3])))
"""


def process(site: Site, place: Path) -> subprocess.Popen[bytes]:
    """Another process that fetches the file and has begun to."""
    other = subprocess.Popen([sys.executable, "-c", SCRIPT, CHECKSUM, f"{site.url}/cats", str(place)])
    end, part = time.monotonic() + 60, place / PART
    while not (part.exists() and part.read_bytes() == CONTENT[:700]):
        assert time.monotonic() < end and other.poll() is None
        time.sleep(0.01)
    return other


def test_of_two_processes_one_fetches_and_the_other_waits(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, said = threading.Event(), Noticed("waiting for another process")
    monkeypatch.setattr(sys, "stderr", said)
    site.pages["/cats"] = slowly(CONTENT, 700, event)
    other = process(site, tmp_path)
    found: list[str | None] = []
    waiting = threading.Thread(target=lambda: found.append(downloads.download(cats(site), tmp_path)))
    waiting.start()
    assert said.noticed.wait(60) and waiting.is_alive()
    event.set()
    waiting.join(60)
    assert (other.wait(60), found) == (0, [None])
    assert left(tmp_path) == {NAME: CONTENT}
    assert len(site.asked) == 1


def test_a_killed_download_leaves_its_part_and_the_next_one_goes_on(site: Site, tmp_path: Path) -> None:
    event = threading.Event()
    site.pages["/cats"] = slowly(CONTENT, 700, event)
    killed = process(site, tmp_path)
    killed.kill()
    killed.wait(60)
    event.set()
    assert left(tmp_path) == {PART: CONTENT[:700], f".{NAME}.lock": b""}
    site.pages["/cats"] = ranged(CONTENT)
    assert downloads.download(cats(site), tmp_path) is None
    assert left(tmp_path) == {NAME: CONTENT}
    assert site.asked[-1] == ("/cats", "bytes=700-")


@pytest.mark.parametrize(("terminal", "shown"), [(True, ["cats.bin", "2.0/2.0 kB"]), (False, ["cats.bin: fetching"])])
def test_a_bar_is_drawn_in_a_terminal_and_a_line_printed_elsewhere(
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    terminal: bool,
    shown: list[str],
) -> None:
    site.pages["/cats"] = whole(CONTENT)
    drawn = io.StringIO()
    console = partial(Console, file=drawn, force_terminal=terminal, width=100)
    monkeypatch.setattr(downloads, "Console", lambda **settings: console())
    assert downloads.download(cats(site), tmp_path) is None
    text = drawn.getvalue() + capsys.readouterr().err
    assert all(part in text for part in shown)
