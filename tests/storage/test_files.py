"""A file is there whole or not at all, and a checksum tells whether it is still what was written."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.storage import files


def written(path: Path, text: str = "some content\n") -> Path:
    files.write_text(path, text)
    files.write_sidecar(path)
    return path


def test_a_writer_that_dies_leaves_no_file(tmp_path) -> None:
    def dies(path) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.write_atomically(tmp_path / "x" / "file", dies)
    assert list((tmp_path / "x").iterdir()) == []


def test_content_reaches_the_disk_before_its_name_and_the_name_before_the_return(tmp_path, monkeypatch) -> None:
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(
        os, "fsync", lambda handle: (done.append(os.readlink(f"/proc/self/fd/{handle}")), fsync(handle))
    )
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("rename"), replace(a, b)))
    files.write_text(tmp_path / "file", "text")
    assert Path(done[0]).name.startswith(".file.")
    assert done[1:] == ["rename", str(tmp_path)]


def test_checksums_are_in_the_format_of_sha256sum(tmp_path) -> None:
    path = written(tmp_path / "a b.parquet")
    written(tmp_path / "c")
    files.write_sums(tmp_path)
    for sums in (files.sidecar(path).name, files.SUMS):
        done = subprocess.run(["sha256sum", "--check", "--strict", sums], cwd=tmp_path, capture_output=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.write_text("other"), "checksum mismatch"),
        (lambda path: path.unlink(), "missing file file"),
        (lambda path: (path.unlink(), path.mkdir()), "IsADirectoryError"),
        (lambda path: files.sidecar(path).unlink(), "missing file file.sha256"),
        (lambda path: files.sidecar(path).write_bytes(b"\xff\xfe"), "UnicodeDecodeError"),
        (lambda path: files.sidecar(path).write_text(""), "not in the format of sha256sum"),
        (lambda path: files.sidecar(path).write_text("0" * 64 + "  other\n"), "is not the checksum of file"),
    ],
)
def test_a_file_that_its_sidecar_does_not_vouch_for_is_found(tmp_path, damage, reason) -> None:
    path = written(tmp_path / "file")
    assert files.sidecar_fault(path) is None
    damage(path)
    assert reason in files.sidecar_fault(path)


def test_a_folder_is_vouched_for_by_one_file(tmp_path) -> None:
    assert files.sums_faults(tmp_path) == {files.SUMS: "missing file"}
    for name in ("a", "b", "c"):
        files.write_text(tmp_path / name, name)
    files.write_sums(tmp_path)
    assert files.sums_faults(tmp_path) == {}
    (tmp_path / "notes").write_text("not listed")
    (tmp_path / "a").write_text("other")
    (tmp_path / "b").unlink()
    assert files.sums_faults(tmp_path) == {"a": "checksum mismatch", "b": "missing file"}
    (tmp_path / files.SUMS).write_text("0" * 64 + "  ../outside\n")
    assert list(files.sums_faults(tmp_path)) == [files.SUMS]


def test_a_damaged_file_is_put_aside_with_its_sidecar_and_one_line(tmp_path, capsys) -> None:
    path = written(tmp_path / "file")
    files.put_aside(path, "checksum mismatch")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file.damaged", "file.sha256.damaged"]
    assert capsys.readouterr().err == f"{path}: checksum mismatch; moved to file.damaged\n"
    written(path)
    files.put_aside(path, "again")
    assert not path.exists()
