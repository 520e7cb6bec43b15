"""Folders that cannot be written are refused before anything is done in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.files import paths
from harness.schema import BadInput


def read_only(**_):
    raise OSError(30, "Read-only file system")


def test_a_folder_that_can_be_made_is_accepted_and_not_made(tmp_path: Path) -> None:
    paths.demand_folder("results", tmp_path / "a" / "b")
    paths.demand_writable("out", tmp_path / "a" / "truth.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_folder_is_refused_with_the_reason(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", read_only)
    with pytest.raises(BadInput, match=r"^results: must be a folder that can be written \(got /.*: Read-only file sys"):
        paths.demand_folder("results", tmp_path / "a" / "b")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs Linux")
def test_a_folder_of_the_system_is_refused_for_root_too() -> None:
    with pytest.raises(BadInput, match=r"^results: must be a folder that can be written \(got /proc: "):
        paths.demand_folder("results", Path("/proc/runs"))


def test_a_file_in_place_of_a_folder_and_a_folder_in_place_of_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"^results: must be a folder \(got 'the file "):
        paths.demand_folder("results", tmp_path / "file" / "x")
    with pytest.raises(BadInput, match=r"^out: must be a file \(got 'the folder "):
        paths.demand_writable("out", tmp_path)
