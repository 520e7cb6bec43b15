"""What a section of the page is made of; both templates draw every kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd

from harness.report.tables.display_table import DisplayTable


@dataclass(frozen=True)
class Drawn:
    """One figure of the page: its SVG text, or the reason why there is none; `section` is where it belongs."""

    name: str
    caption: str
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
    title: str
    sheet: DisplayTable
    note: str = ""
    folded: bool = False
    wide: bool = False
    heading: bool = True

    def columns(self) -> list[dict[str, Any]]:
        """Name of each column, whether it is set left, whether it is sorted by numbers, and whether it is now."""
        names = [str(name) for name in self.sheet.text.columns]
        first = next((name for name in ("τ", "Δτ") if name in self.sheet.keys), None)
        return [
            {"name": name, "word": self.sheet.words(at), "number": name in self.sheet.keys, "sorted": name == first,
             "long": name in ("reason", "note")}
            for at, name in enumerate(names)
        ]  # fmt: skip

    def rows(self) -> list[list[tuple[str, str]]]:
        """Text of every cell, with the number by which a click on the heading sorts; a missing number is empty."""
        texts = [[str(text) for text in row] for row in self.sheet.text.itertuples(index=False, name=None)]
        keys = [self.sheet.keys.get(str(name)) for name in self.sheet.text.columns]
        return [
            [
                (text, text if of is None else "" if pd.isna(of[at]) else f"{of[at]:.9g}")
                for text, of in zip(row, keys, strict=True)
            ]
            for at, row in enumerate(texts)
        ]

    @property
    def sortable(self) -> bool:
        return bool(self.sheet.keys)


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
    lead: str
    items: Sequence[str]


Block = Plate | Grid | Facts | Verbatim | Bullets


@dataclass(frozen=True)
class Section:
    """A question of the page and its answer: sentences, then tables and figures."""

    name: str
    title: str
    text: Sequence[str]
    blocks: Sequence[Block] = field(default_factory=list)
