"""Where the compiled step comes from, and what happens where nothing can compile it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.runs.engine import PAYS_FROM, Engine
from harness.schema import BadInput
from harness.train.native.library import CannotCompile, compiler, library
from harness.train.recipe import Recipe

needs_compiler = pytest.mark.skipif(compiler() is None, reason="needs a C compiler: cc, gcc or clang")


@pytest.fixture
def no_library(monkeypatch, tmp_path) -> Iterator[None]:
    """Nothing is compiled yet, and nothing that this compiles is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    library.cache_clear()
    yield
    library.cache_clear()


@pytest.mark.usefixtures("no_library")
def test_without_a_compiler_auto_is_torch_and_native_is_refused(monkeypatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    assert Engine().kernels_for(Recipe(steps=1), 10_000) == "torch"
    with pytest.raises(
        BadInput, match=r"engine\.kernels: must be 'torch' or 'auto', since .*no-such-compiler.* got 'native'"
    ):
        Engine(kernels="native").kernels_for(Recipe(steps=1), 10_000)


@needs_compiler
@pytest.mark.usefixtures("no_library")
def test_auto_compiles_nothing_for_a_run_that_would_not_win_the_time_back(monkeypatch, tmp_path) -> None:
    assert Engine().kernels_for(Recipe(steps=1), PAYS_FROM - 1) == "torch"
    assert not list(tmp_path.rglob("*.so"))
    Engine().kernels_for(Recipe(steps=1), PAYS_FROM)
    assert len(list(tmp_path.rglob("*.so"))) == 1


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


def test_native_is_refused_where_it_cannot_count() -> None:
    recipe = Recipe(steps=1, precision="bfloat16")
    assert Engine().kernels_for(recipe, 10_000) == "torch"
    with pytest.raises(BadInput, match=r"engine\.kernels: must be .*float32 \(got 'native'"):
        Engine(kernels="native").kernels_for(recipe, 10_000)
    with pytest.raises(BadInput, match=r"engine\.kernels: must be 'auto' or 'native' or 'torch' \(got 'fast'"):
        Engine(kernels="fast")
