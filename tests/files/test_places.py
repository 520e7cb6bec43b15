"""The data folder, and which of several alternatives lies in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import files
from harness.files import Download, Source
from harness.schema import BadInput


def test_the_configured_folder_wins_over_the_environment_and_that_over_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert files.folder(None) == tmp_path / "cache" / "harness"
    monkeypatch.setenv("HARNESS_DATA", "/somewhere")
    assert files.folder(None) == Path("/somewhere")
    assert files.folder("~/here") == Path.home() / "here"


def test_the_first_name_that_exists_is_found(tmp_path: Path) -> None:
    (tmp_path / "second").write_bytes(b"1")
    (tmp_path / "third").write_bytes(b"1")
    assert files.find(str(tmp_path), "first", "second", "third") == tmp_path / "second"
    assert files.find(str(tmp_path), "first") is None


def test_an_empty_folder_is_not_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    assert files.find(str(tmp_path), "images") is None
    (tmp_path / "images" / "cat.png").write_bytes(b"1")
    assert files.find(str(tmp_path), "images") == tmp_path / "images"


def test_an_alternative_is_present_when_all_of_its_files_are(tmp_path: Path) -> None:
    packed = Download("cats.tar", "md5:0", ("https://example.org/cats.tar",))
    source = Source("images", ((packed,), ("train.npz", "test.npz"), (str(tmp_path / "elsewhere.bin"),)))
    data = str(tmp_path / "data")
    (tmp_path / "data").mkdir()
    assert files.present(source, data) is None
    (tmp_path / "elsewhere.bin").write_bytes(b"1")
    assert files.present(source, data) == [tmp_path / "elsewhere.bin"]
    (tmp_path / "data" / "train.npz").write_bytes(b"1")
    assert files.present(source, data) == [tmp_path / "elsewhere.bin"]
    (tmp_path / "data" / "test.npz").write_bytes(b"1")
    assert files.present(source, data) == [tmp_path / "data" / "train.npz", tmp_path / "data" / "test.npz"]
    (tmp_path / "data" / "cats.tar").write_bytes(b"1")
    assert files.present(source, data) == [tmp_path / "data" / "cats.tar"]


def test_a_name_that_no_file_can_have_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="too long"):
        files.find(str(tmp_path), "x" * 300)


def test_an_empty_file_is_not_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "first").touch()
    (tmp_path / "second").write_bytes(b"1")
    assert files.find(str(tmp_path), "first", "second") == tmp_path / "second"
    assert files.present(Source("images", (("first",),)), str(tmp_path)) is None


def _told(path: Path) -> str:
    if path.read_text() == "bad":
        raise BadInput("data: must be a table (got a poem")
    return "" if path.read_text() == "all" else "3 of 9 records"


@pytest.mark.parametrize(
    ("first", "second", "third", "found"),
    [
        ("bad", "3", "all", "third"),
        ("bad", "3", "bad", "second"),
        ("all", "all", "bad", "first"),
        ("bad", "bad", "bad", None),
    ],
)
def test_a_source_that_looks_into_its_files_puts_whole_ones_before_partial_ones_and_leaves_unusable_ones(
    tmp_path: Path, first: str, second: str, third: str, found: str | None
) -> None:
    for name, content in (("first", first), ("second", second), ("third", third)):
        (tmp_path / name).write_text(content)
    source = Source("archive", (("first",), ("second",), ("third",)), state=_told)
    assert files.present(source, str(tmp_path)) == (None if found is None else [tmp_path / found])
    (tmp_path / "first").write_text("bad")
    assert files.availability(source, ("first",), str(tmp_path)) == files.Availability(
        "unusable", "data: must be a table (got a poem"
    )
