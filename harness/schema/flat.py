"""Nested settings by their dotted keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def flat(config: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """The values of a composed configuration by their dotted keys, in its order, as the command line writes them.

    >>> dict(flat({"train": {"epochs": 2, "steps": None}}))
    {'train.epochs': '2', 'train.steps': 'null'}
    """
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _text(value)


def _text(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
