"""Where the compiled step comes from, and what happens where nothing can compile it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.train.native.library import FLAGS, CannotCompile, compiler, library

needs_compiler = pytest.mark.skipif(compiler() is None, reason="needs a C compiler: cc, gcc or clang")


@pytest.fixture
def no_library(monkeypatch, tmp_path) -> Iterator[None]:
    """Nothing is compiled yet, and nothing that this compiles, without optimisation, is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("harness.train.native.library.FLAGS", ("-O0", *FLAGS[1:]))
    library.cache_clear()
    yield
    library.cache_clear()


@pytest.mark.usefixtures("no_library")
def test_a_compiler_that_fails_is_named_and_leaves_no_file(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CC", "false")
    with pytest.raises(CannotCompile, match="false failed with status 1"):
        library()
    assert not list(tmp_path.rglob("*.so"))


@needs_compiler
@pytest.mark.usefixtures("no_library")
def test_a_cache_that_cannot_be_written_is_named(monkeypatch, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(CannotCompile, match="cannot be kept in"):
        library()


def cache_of(tmp_path: Path) -> Path:
    return tmp_path / "harness" / "native"


@needs_compiler
@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_the_cache_is_made_for_its_user_alone_whatever_the_umask(tmp_path, umask: int) -> None:
    (tmp_path / "harness").mkdir()  # others' folders above it keep what the umask gives
    before = os.umask(umask)
    try:
        library()
    finally:
        os.umask(before)
    modes = {path.suffix: stat.S_IMODE(path.lstat().st_mode) for path in cache_of(tmp_path).iterdir()}
    assert stat.S_IMODE(cache_of(tmp_path).lstat().st_mode) == 0o700
    assert modes[".so"] == 0o600 and not modes.get(".lock", 0) & 0o077


def compiled(tmp_path: Path) -> Path:
    """A compiled step, forgotten by this process, so that the next call finds it on the disk."""
    library()
    library.cache_clear()
    return next(cache_of(tmp_path).glob("*.so"))


@needs_compiler
@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_compiled_file_that_others_may_write_is_not_loaded(tmp_path, mode: int) -> None:
    compiled(tmp_path).chmod(mode)
    with pytest.raises(CannotCompile, match="others may write to it"):
        library()


@needs_compiler
@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize("mode", [0o720, 0o702])
def test_a_cache_that_others_may_write_is_not_used(tmp_path, mode: int) -> None:
    cache_of(tmp_path).mkdir(parents=True)
    cache_of(tmp_path).chmod(mode)
    with pytest.raises(CannotCompile, match="others may write to it") as caught:
        library()
    assert "\n" not in str(caught.value) and not list(tmp_path.rglob("*.so"))


@needs_compiler
@pytest.mark.usefixtures("no_library")
def test_a_cache_in_a_folder_that_all_may_write_is_not_used(tmp_path) -> None:
    (tmp_path / "harness").mkdir()
    (tmp_path / "harness").chmod(0o777)
    with pytest.raises(CannotCompile, match="the folder above it"):
        library()


@needs_compiler
@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize("of", ["folder", "file", "lock"])
def test_links_in_the_cache_are_not_followed(tmp_path, of: str) -> None:
    path = compiled(tmp_path)
    path = {"folder": path.parent, "file": path, "lock": path.with_suffix(".lock")}[of]
    if not path.exists():  # some versions of filelock remove theirs
        path.write_text("")
    moved = path.rename(tmp_path / "elsewhere")
    path.symlink_to(moved)
    with pytest.raises(CannotCompile, match="no link"):
        library()


@needs_compiler
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize("of", ["folder", "file"])
def test_what_belongs_to_another_user_is_not_loaded(tmp_path, of: str) -> None:
    path = compiled(tmp_path)
    os.chown(path if of == "file" else path.parent, 12345, 12345)
    with pytest.raises(CannotCompile, match="belongs to another user"):
        library()
