"""What the report says and shows, as values; renderers.py turns them into HTML, Markdown, LaTeX or terminal text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.report.numbers import number
from harness.schema import Estimate


@dataclass(frozen=True)
class Name:
    """A name from the configuration, such as that of a predictor or a setting; set as code."""

    text: str


@dataclass(frozen=True)
class Symbol:
    """A mathematical symbol that formats write differently."""

    text: str
    html: str
    latex: str


@dataclass(frozen=True)
class Number:
    """A number without an interval; `form` writes it."""

    value: float
    form: Callable[[float], str] = number


@dataclass(frozen=True)
class Score:
    """An estimate with its interval, in two decimals; `sign` writes + as well, as differences need."""

    estimate: Estimate
    sign: bool = False


Part = str | Name | Symbol | Number | Score


@dataclass(frozen=True, init=False)
class Text:
    """A sentence, or several: a sequence of parts. Empty texts are false."""

    parts: tuple[Part, ...]

    def __init__(self, *parts: Part | Text) -> None:
        flat = [each for part in parts for each in (part.parts if isinstance(part, Text) else (part,))]
        object.__setattr__(self, "parts", tuple(part for part in flat if part != ""))

    def __bool__(self) -> bool:
        return bool(self.parts)


@dataclass(frozen=True, init=False)
class Points(Text):
    """Several statements: one text where there is a line for it, a list where there is a page."""

    points: tuple[Text, ...]

    def __init__(self, texts: Iterable[Text]) -> None:
        object.__setattr__(self, "points", tuple(text for text in texts if text))
        super().__init__(joined(self.points))


Content = Text | Part
"""What a renderer takes: a text or a single part of one."""

BETA_EFF = Symbol("β_eff", "β<sub>eff</sub>", r"$\beta_\mathrm{eff}$")

SYMBOLS = {symbol.text: symbol for symbol in (BETA_EFF,)}
"""Symbols by their plain text."""


def score(row: Mapping[Any, Any], name: str, sign: bool = False) -> Score:
    """The estimate in a row's columns `name`, `name`_low and `name`_high."""
    return Score(Estimate(*(float(row[f"{name}{end}"]) for end in ("", "_low", "_high"))), sign)


def joined(texts: Iterable[Content | None], between: str = " ") -> Text:
    """The texts that are there, one after the other."""
    kept = [text for text in texts if text]
    return Text(*(each for at, text in enumerate(kept) for each in ((between, text) if at else (text,))))


def listed(texts: Sequence[Content], last: str = "and") -> Text:
    """Texts in a row: a, b and c."""
    return joined([joined(texts[:-1], ", "), *texts[-1:]], f" {last} ")


def sort_key(content: Content | int) -> float | None:
    """The number by which a table is sorted at this cell; None for words."""
    if isinstance(content, Score):
        return content.estimate.value
    if isinstance(content, Number):
        return content.value
    return None
