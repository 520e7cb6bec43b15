"""Settings of a run, nested as they are stored, as lines that a reader can take in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.numbers import words


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings in one level, with `recipe: batch` for keys; null settings are left out."""
    found: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix}{words(str(key))}"
        if isinstance(value, Mapping):
            found |= flat(value, f"{name}: ")
        elif value is not None and value != []:
            found[name] = "; ".join(map(_said, value)) if _is_table(value) else _said(value)
    return found


def _is_table(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, Mapping) for each in value)


def _said(value: object) -> str:
    """A setting in words: the entries of a list or mapping one behind the other, without brackets."""
    if isinstance(value, Mapping):
        return ", ".join(f"{words(str(key))} {each}" for key, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
