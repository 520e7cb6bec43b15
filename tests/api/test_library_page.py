"""Every example of docs/library.md runs as it stands; those of packages that are not installed here are Python."""

from __future__ import annotations

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "library.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
IN_WORDS = ("lightning", "accelerate")
"""Packages of which examples only show where their own loops call ours."""


def about(code: str) -> str:
    return " ".join(re.findall(r"harness\.(\w+)", code))


HEAVY = ("torchvision", "harness.run(")
"""What examples of seconds contain."""


@pytest.mark.parametrize(
    "code",
    [pytest.param(code, marks=pytest.mark.slow if any(h in code for h in HEAVY) else (), id=about(code))
     for code in EXAMPLES],
)  # fmt: skip
def test_an_example_runs(code: str, torchvision, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    imported = {a.name for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import) for a in node.names}
    others = {node.module for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)}
    if {*imported, *others} & {*IN_WORDS}:
        return
    assert all(find_spec(name) for name in imported)
    here = code.replace("overrides=[", 'overrides=["engine.workers=1", ')  # starting processes takes most of the time
    exec(compile(here, "docs/library.md", "exec"), {})
    assert capsys.readouterr().out


def test_every_public_function_has_an_example() -> None:
    import harness

    shown = set(re.findall(r"harness\.(\w+)\(", "".join(EXAMPLES)))
    assert shown >= {name for name in harness.__all__ if name[0].islower() and not name.startswith("_")}
