"""The source of a measure as part of a trace's identity."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from harness.schema import Measure, digest


def source_digest(measure: Measure) -> str:
    """Digest of the file that defines the measure and of those beside it that it imports: edited, it measures
    something else."""
    file = getattr(sys.modules[type(measure).__module__], "__file__", None)
    return _digest_of(file) if file else ""


@cache
def _digest_of(file: str) -> str:
    """As it was when this process first asked: an edit in the middle of a run does not tear it apart."""
    texts: dict[str, str] = {}
    waiting = [Path(file)]
    while waiting:
        path = waiting.pop()
        if path.name not in texts and path.is_file():
            texts[path.name] = path.read_text(encoding="utf-8")
            waiting += [path.with_name(f"{name}.py") for name in _siblings(texts[path.name])]
    return digest(texts)


def _siblings(text: str) -> Iterator[str]:
    """Modules of the same folder that a source imports by relative names."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            yield from [node.module.partition(".")[0]] if node.module else [alias.name for alias in node.names]
