"""Tables and sentences in a terminal: columns come in by importance while they fit, lines break between words alone."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.report.numbers import NO_BREAK
from harness.report.renderers import plain, terminal_words
from harness.report.text import Content
from harness.schema.families import family

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

DISC = "\N{BLACK CIRCLE}"

FAINTEST = 2.0
"""The least contrast (WCAG) of a disc with a black and with a white ground; a paler one has the terminal's colour."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its cells are texts, or what rich makes of one.

    `importance` 0 is always shown; the others come in from 1 on, while the table fits the terminal.
    """

    heading: str
    cells: Sequence[Any]
    right: bool = True
    importance: int = 0

    @property
    def width(self) -> int:
        """Letters of the widest cell."""
        from rich.cells import cell_len

        return max(cell_len(str(cell)) for cell in (self.heading, *self.cells))


def fitting(title: str, columns: Sequence[Column], width: int) -> Table:
    """A table without lines in a terminal of this width; no cell is cut to let another column in."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, title_justify="left", title=plain(title))
    shown = [column for column in columns if column.importance == 0]
    for column in sorted(columns, key=lambda column: column.importance):
        taken = sum(each.width + 1 for each in shown) - 1
        if column.importance and taken + 1 + column.width <= width:
            shown.append(column)
    kept = [column for column in columns if column in shown]
    for column in kept:
        table.add_column(column.heading, justify="right" if column.right else "left", no_wrap=True)
    for row in zip(*(column.cells for column in kept), strict=True):
        table.add_row(*row)
    return table


def names_in_colour(names: Sequence[str], families: Sequence[str], console: Console) -> Sequence[Any]:
    """Names of predictors, each behind a disc in its family's colour where the terminal has colours.

    The names keep the terminal's own colour, which can be read on its ground, whatever that is.
    """
    from rich.text import Text

    if console.color_system is None or console.no_color:
        return [Text(name) for name in names]
    return [
        Text.assemble((DISC, shade(of)), f" {name}") for name, of in zip(names, families, strict=True)
    ]  # fmt: skip


def shade(of: str) -> str:
    """The one of a family's two colours that is the better seen on black and on white; empty where neither is."""
    known = [colour for colour in (family(of).colour, family(of).dark) if colour]
    best = max(known, key=_seen)
    return best if _seen(best) >= FAINTEST else ""


def _seen(colour: str) -> float:
    """The lower of the colour's contrasts with black and with white (WCAG 2.2)."""
    values = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    luminance = sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return min((luminance + 0.05) / 0.05, 1.05 / (luminance + 0.05))


def lines_of(content: Content, width: int) -> str:
    """A sentence on lines of at most `width` letters: no interval and no equation is broken."""
    lines = textwrap.wrap(terminal_words(content), width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace(NO_BREAK, " ")
