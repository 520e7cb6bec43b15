"""The public API as a whole: what it costs to import, what type checkers see, examples in its docstrings."""

from __future__ import annotations

import ast
import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import harness

ROOM = Path(harness.__file__).parent
WITH_EXAMPLES = sorted(path for path in ROOM.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8"))


def in_a_fresh_process(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_package_imports_nothing_but_itself() -> None:
    in_a_fresh_process(
        "import sys, harness; dir(harness)\n"
        "assert not {'numpy', 'pandas', 'torch', 'hydra'} & set(sys.modules)\n"
        "assert [m for m in sys.modules if m.startswith('harness')] == ['harness']"
    )


@pytest.mark.slow
def test_what_takes_no_network_needs_no_torch() -> None:
    names = [name for name in harness.__all__ if name not in ("score", "track", "Tracker")]
    in_a_fresh_process(
        f"import sys, harness\nfor name in {names!r}: getattr(harness, name)\nassert 'torch' not in sys.modules\n"
        "import pandas as pd\nnames = list('abcdef')\n"
        "scores = pd.DataFrame({'architecture': names, 'it': range(6)})\n"
        "harness.compare(scores, pd.DataFrame({'architecture': names, 'accuracy': range(6)})).taus\n"
        "assert 'torch' not in sys.modules"
    )


def test_type_checkers_see_just_the_names_that_there_are() -> None:
    stub = ast.parse(Path(harness.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    seen = {
        alias.asname: f"{node.module}"
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == alias.asname
    }
    assert {*seen, "__version__"} == set(harness.__all__) == set(dir(harness))
    for name, home in seen.items():
        assert getattr(harness, name) is getattr(importlib.import_module(home), name)
        assert getattr(harness, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        getattr(harness, "nope")  # noqa: B009 (mypy knows that it is not there)


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: str(path.relative_to(ROOM)))
def test_examples_in_docstrings_run(path: Path, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    name = ".".join(path.relative_to(ROOM.parent).with_suffix("").parts)
    options = doctest.ELLIPSIS
    found = doctest.testmod(importlib.import_module(name), optionflags=options)
    assert found.attempted and not found.failed
