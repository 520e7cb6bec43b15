"""What a killed process left in shared memory is cleared; nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.processes import leftovers


@pytest.fixture
def dead() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def shared(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr(leftovers, "SHARED", tmp_path)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    return tmp_path


def left_by(shared: Path, pid: int, space: str | None = None) -> None:
    (shared / f"sem.loky-{pid}-abc").touch()
    folder = shared / f"joblib_memmapping_folder_{pid}_1_2"
    folder.mkdir()
    (folder / "array.pkl").touch()
    if space is not None:
        (shared / f"{leftovers.MARK}{pid}").write_text(space)


def test_what_a_marked_dead_process_left_is_deleted_with_its_mark(shared: Path, dead: int) -> None:
    left_by(shared, dead, leftovers._space())
    assert len(leftovers.clear()) == 2
    assert list(shared.iterdir()) == []


def test_what_a_living_process_uses_stays(shared: Path) -> None:
    left_by(shared, os.getpid(), leftovers._space())
    assert leftovers.clear() == []


def test_what_is_not_marked_is_another_programs_and_stays(shared: Path, dead: int) -> None:
    left_by(shared, dead)
    assert leftovers.clear() == [] and len(list(shared.iterdir())) == 2


def test_a_process_of_another_container_only_looks_dead(shared: Path, dead: int) -> None:
    left_by(shared, dead, "pid:[1] other boot")
    assert leftovers.clear() == [] and len(list(shared.iterdir())) == 3


def test_links_are_not_followed(shared: Path, dead: int, tmp_path_factory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "file").touch()
    (shared / f"{leftovers.MARK}{dead}").write_text(leftovers._space())
    (shared / f"joblib_memmapping_folder_{dead}_1_2").symlink_to(other)
    leftovers.clear()
    assert (other / "file").exists()


def test_a_process_marks_itself_once_and_takes_its_mark_away(shared: Path) -> None:
    code = f"import pathlib; from harness.processes import leftovers as l; l.SHARED = pathlib.Path({str(shared)!r}); "
    code += "l.mark(); l.mark(); print(len(list(l.SHARED.iterdir())))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n" and list(shared.iterdir()) == []
