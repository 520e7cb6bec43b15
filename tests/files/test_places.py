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
    (tmp_path / "second").touch()
    (tmp_path / "third").touch()
    assert files.find(str(tmp_path), "first", "second", "third") == tmp_path / "second"
    assert files.find(str(tmp_path), "first") is None


def test_an_empty_folder_is_not_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    assert files.find(str(tmp_path), "images") is None
    (tmp_path / "images" / "cat.png").touch()
    assert files.find(str(tmp_path), "images") == tmp_path / "images"


def test_an_alternative_is_present_when_all_of_its_files_are(tmp_path: Path) -> None:
    packed = Download("cats.tar", "md5:0", ("https://example.org/cats.tar",))
    source = Source("images", ((packed,), ("train.npz", "test.npz"), (str(tmp_path / "elsewhere.bin"),)))
    data = str(tmp_path / "data")
    (tmp_path / "data").mkdir()
    assert files.present(source, data) is None
    (tmp_path / "elsewhere.bin").touch()
    assert files.present(source, data) == [tmp_path / "elsewhere.bin"]
    (tmp_path / "data" / "train.npz").touch()
    assert files.present(source, data) == [tmp_path / "elsewhere.bin"]
    (tmp_path / "data" / "test.npz").touch()
    assert files.present(source, data) == [tmp_path / "data" / "train.npz", tmp_path / "data" / "test.npz"]
    (tmp_path / "data" / "cats.tar").touch()
    assert files.present(source, data) == [tmp_path / "data" / "cats.tar"]


def test_a_name_that_no_file_can_have_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="too long"):
        files.find(str(tmp_path), "x" * 300)
