"""Where the compiled step comes from, and what happens where nothing can compile it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.train.native.library import CannotCompile, compiler, library

needs_compiler = pytest.mark.skipif(compiler() is None, reason="needs a C compiler: cc, gcc or clang")


@pytest.fixture
def no_library(monkeypatch, tmp_path) -> Iterator[None]:
    """Nothing is compiled yet, and nothing that this compiles is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
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
