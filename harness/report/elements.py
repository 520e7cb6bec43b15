"""What a section of the page is made of; both templates draw every kind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

from harness.report.tables.display_table import DisplayTable
from harness.report.text import Content, Text, sort_key


@dataclass(frozen=True)
class Drawn:
    """One figure of the page: its SVG text, or the reason why there is none; `section` is where it belongs."""

    name: str
    caption: Content
    svg: str = ""
    width: float = 0.0
    missing: str = ""
    section: str = ""


@dataclass(frozen=True)
class Plate:
    """A figure with its number on the page."""

    kind: ClassVar[str] = "plate"
    number: int
    figure: Drawn


@dataclass(frozen=True)
class Grid:
    """A table; `folded` ones are opened by the reader, `wide` ones may leave the column of text."""

    kind: ClassVar[str] = "grid"
    title: Content
    table: DisplayTable
    note: Content = ""
    folded: bool = False
    wide: bool = False
    heading: bool = True

    def columns(self) -> list[dict[str, Any]]:
        """Name of each column, whether it is words, whether it is sorted by numbers, and whether it is now."""
        table, names = self.table, list(self.table.columns)
        numeric = {name: table.is_number(name) for name in names}
        first = next((name for name in names if numeric[name] and _is_descending(table.columns[name])), None)
        return [
            {"name": name, "word": table.is_word(at), "number": numeric[name], "sorted": name == first,
             "long": name in ("reason", "note") or _longest(table.columns[name]) > LONG}
            for at, name in enumerate(names)
        ]  # fmt: skip

    def rows(self) -> list[list[tuple[Content, str]]]:
        """Every cell, with the number by which a click on the heading sorts; empty for words and missing numbers."""
        return [[(cell, _sorted_by(cell)) for cell in row] for row in zip(*self.table.columns.values(), strict=True)]


LONG = 40
"""Letters of a word from which a column may break it, on paper at any letter."""


def _longest(cells: Sequence[Content]) -> int:
    return max((len(cell) for cell in cells if isinstance(cell, str)), default=0)


def _sorted_by(cell: Content) -> str:
    key = sort_key(cell)
    return "" if key is None or not math.isfinite(key) else f"{key:.7g}"


def _is_descending(cells: Sequence[Content]) -> bool:
    """Whether a column falls from its first row to its last, missing numbers at the end: it is what sorts the table."""
    keys = [key if key is not None and math.isfinite(key) else -math.inf for key in map(sort_key, cells)]
    return len(keys) > 1 and keys[0] > keys[-1] and all(a >= b for a, b in pairwise(keys))


@dataclass(frozen=True)
class Facts:
    """Names and values."""

    kind: ClassVar[str] = "facts"
    title: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Verbatim:
    """A text as it stands, folded."""

    kind: ClassVar[str] = "verbatim"
    title: str
    text: str


@dataclass(frozen=True)
class Bullets:
    """Remarks, one below the other."""

    kind: ClassVar[str] = "bullets"
    title: str
    lead: Content
    items: Sequence[Text]


Block = Plate | Grid | Facts | Verbatim | Bullets


@dataclass(frozen=True)
class Section:
    """A question of the page and its answer: sentences, then tables and figures."""

    name: str
    title: Content
    text: Sequence[Content]
    blocks: Sequence[Block] = field(default_factory=list)
