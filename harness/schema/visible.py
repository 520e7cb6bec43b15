"""Characters that a screen obeys or hides, made visible."""

from __future__ import annotations

import unicodedata
from typing import Any


def visible(text: str, lines: bool = False) -> str:
    r"""The text with control, format (bidirectional, zero-width) and unassigned characters as escapes: \x1b, \u202e.

    With `lines`, ends of lines and tabs stay. Spaces of every width stay. What is visible already is not changed.

    >>> print(visible("\x1b[31mred\u202e"))
    \x1b[31mred\u202e
    """
    if text.isprintable():
        return text
    return "".join(c if _stays(c) or (lines and c in "\n\t") else _escaped(c) for c in text)


def _stays(letter: str) -> bool:
    return letter.isprintable() or unicodedata.category(letter) == "Zs"


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def visible_value(value: Any) -> Any:
    """A document of mappings, lists and texts with every text, keys too, made visible."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible_value(key): visible_value(each) for key, each in value.items()}
    return [visible_value(each) for each in value] if isinstance(value, list) else value
