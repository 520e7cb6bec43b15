"""Files that are needed: found, checked, fetched, or one line that says how to get them."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import pytest

from harness import files
from harness.files import Download, Source
from harness.schema import BadInput
from tests.files.misbehaving import Site, status, whole

CONTENT = b"sixteen images of cats"
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
CATS = Download("cats.bin", CHECKSUM, ("https://example.org/cats.bin",))

pytestmark = pytest.mark.usefixtures("hurried")


def served(site: Site, name: str = "cats.bin", checksum: str | None = CHECKSUM) -> Download:
    site.pages[f"/{name}"] = whole(CONTENT)
    return Download(name, checksum, (f"{site.url}/{name}",))


def test_a_missing_file_is_downloaded_once(site: Site, tmp_path: Path) -> None:
    download = served(site)
    (path,) = files.fetch([download], str(tmp_path / "data"), "cats")
    assert path == tmp_path / "data" / "cats.bin"
    assert path.read_bytes() == CONTENT
    assert files.fetch([download], str(tmp_path / "data"), "cats") == [path]
    assert len(site.asked) == 1


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256", "sha512"])
def test_checksums_are_of_the_kind_they_say(tmp_path: Path, kind: str) -> None:
    (tmp_path / "cats.bin").write_bytes(CONTENT)
    right = hashlib.new(kind, CONTENT).hexdigest()
    assert files.has_checksum(tmp_path / "cats.bin", f"{kind}:{right}")
    assert files.has_checksum(tmp_path / "cats.bin", f"{kind}:{right.upper()}")
    assert not files.has_checksum(tmp_path / "cats.bin", f"{kind}:{hashlib.new(kind, b'dogs').hexdigest()}")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"sixteen images of dogs", "checksum mismatch"), (None, "404")],
    ids=["corrupted", "absent"],
)
def test_a_failed_download_says_why_in_one_line_and_leaves_nothing(
    site: Site, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    download = served(site)
    site.pages["/cats.bin"] = whole(content) if content else status(404)
    data = tmp_path / "data"
    with pytest.raises(BadInput, match=reason) as caught:
        files.fetch([download], str(data), "cats")
    assert "\n" not in str(caught.value)
    assert list(data.iterdir()) == []


def test_only_what_is_still_missing_is_named(site: Site, tmp_path: Path) -> None:
    absent = Download("dogs.bin", CHECKSUM, (f"{site.url}/dogs.bin",))
    with pytest.raises(BadInput, match=r"dogs\.bin") as caught:
        files.fetch([served(site), absent], str(tmp_path / "data"), "cats")
    assert "cats.bin" not in str(caught.value)


def test_offline_the_message_names_file_folder_checksum_address_and_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "my data"
    command = f"`python -m harness.data fetch cats --data '{place}'`"
    there = ("cats.bin", str(place), CHECKSUM, "https://example.org/cats.bin", command, "cats.npz")
    with pytest.raises(BadInput) as caught:
        files.fetch([CATS], str(place), "cats", ["cats.npz"], network=False)
    assert all(part in str(caught.value) for part in (*there, "--offline"))
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    with pytest.raises(BadInput) as caught:
        files.fetch([CATS], str(place), "cats", ["cats.npz"])
    assert all(part in str(caught.value) for part in (*there, "HARNESS_OFFLINE=1"))
    assert "\n" not in str(caught.value)
    assert not place.exists()


def test_offline_what_is_there_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    (tmp_path / "cats.bin").write_bytes(CONTENT)
    assert files.fetch([CATS], str(tmp_path), "cats") == [tmp_path / "cats.bin"]


def test_a_folder_that_cannot_be_written_is_an_error_in_one_line(site: Site, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, not a folder")
    with pytest.raises(BadInput, match=r"File exists|Not a directory") as caught:
        files.fetch([served(site)], str(tmp_path / "data"), "cats")
    assert "\n" not in str(caught.value)


def test_a_file_with_another_checksum_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "cats.bin").write_bytes(b"the user's own")
    with pytest.raises(BadInput, match=r"checksum mismatch: .*cats\.bin"):
        files.fetch([CATS], str(tmp_path), "cats")
    assert (tmp_path / "cats.bin").read_bytes() == b"the user's own"


def test_a_folder_in_the_place_of_a_file_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "cats.bin" / "inside").mkdir(parents=True)
    with pytest.raises(BadInput, match=r"cannot read .*cats\.bin"):
        files.fetch([CATS], str(tmp_path), "cats")


def test_a_misspelt_offline_switch_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_OFFLINE", "yes")
    with pytest.raises(BadInput, match="HARNESS_OFFLINE"):
        files.fetch([CATS], str(tmp_path), "cats")


def test_a_file_without_a_published_checksum_is_never_trusted_in_silence(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    download = served(site, checksum=None)
    with pytest.raises(BadInput, match=r"no published checksum for cats\.bin.*--unverified"):
        files.fetch([download], str(tmp_path), "cats")
    assert site.asked == []
    with caplog.at_level(logging.WARNING):
        (path,) = files.fetch([download], str(tmp_path), "cats", unverified=True)
    assert path.read_bytes() == CONTENT
    assert "not verified" in caplog.text
    caplog.clear()
    files.fetch([download], str(tmp_path), "cats")
    assert "not verified" in caplog.text


def test_of_several_alternatives_the_first_that_is_there_is_taken_and_checked(site: Site, tmp_path: Path) -> None:
    source = Source("images", ((served(site),), ("cats.npz",)))
    (tmp_path / "cats.npz").write_bytes(b"1")
    assert files.obtain(source, str(tmp_path), "cats") == [tmp_path / "cats.npz"]
    assert site.asked == []
    (tmp_path / "cats.bin").write_bytes(b"damaged")
    with pytest.raises(BadInput, match="checksum mismatch"):
        files.obtain(source, str(tmp_path), "cats")


def test_where_no_alternative_is_there_the_first_that_can_be_fetched_is(site: Site, tmp_path: Path) -> None:
    first, second = served(site), served(site, "dogs.bin")
    source = Source("images", (("cats.npz",), (first, "labels.npz"), (second,), (first,)))
    assert files.obtain(source, str(tmp_path), "cats") == [tmp_path / "dogs.bin"]


def test_what_cannot_be_fetched_at_all_is_one_line_that_says_where_it_comes_from(tmp_path: Path) -> None:
    source = Source("archive", (("cats.npz", "labels.npz"), ("cats",)), "made by the authors, cats.example.org")
    with pytest.raises(BadInput) as caught:
        files.obtain(source, str(tmp_path), "cats-archive")
    message = str(caught.value)
    for part in (
        "missing files cats.npz and labels.npz",
        str(tmp_path),
        "cats.example.org",
        "accepted alternatives: cats",
    ):
        assert part in message
    assert f"`python -m harness.data check cats-archive --data {tmp_path}`" in message
