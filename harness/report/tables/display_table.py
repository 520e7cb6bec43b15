"""One table of the report in the two forms it is read in."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pandas as pd

from harness.report.numbers import NONE, number, probability
from harness.report.renderers import latex_cell, latex_escaped
from harness.report.text import Content, Number, Score, sort_key
from harness.schema import Estimate


@dataclass(frozen=True)
class DisplayTable:
    """A table twice: `numbers` for machines, with all rows; `columns` as people read it, which may be fewer.

    `columns` maps headings to cells, which stay values until a renderer writes them. The first `left` columns, and
    those named in `words`, are words. Columns named in `aside` are left out where a page is narrow and cannot scroll
    far (Markdown).
    """

    numbers: pd.DataFrame
    columns: Mapping[str, Sequence[Content]]
    left: int = 1
    words: tuple[str, ...] = ("note",)
    aside: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def of(self, predictors: Collection[str]) -> DisplayTable:
        """The table with the rows of these predictors alone."""
        return self._rows([at for at, name in enumerate(self.columns["predictor"]) if name in predictors])

    def head(self, most: int) -> DisplayTable:
        """The table with its first rows alone."""
        return self._rows(range(min(most, len(self))))

    def _rows(self, kept: Iterable[int]) -> DisplayTable:
        rows = list(kept)
        return replace(self, columns={name: [cells[at] for at in rows] for name, cells in self.columns.items()})

    def without_empty(self, *headings: str) -> DisplayTable:
        """The table without those of these columns that hold nothing."""
        empty = [name for name in headings if all(map(is_empty, self.columns[name]))]
        return replace(self, columns={name: cells for name, cells in self.columns.items() if name not in empty})

    @property
    def is_empty(self) -> bool:
        """Whether there is no row, or nothing but dashes right of the words."""
        return all(is_empty(cell) for cells in list(self.columns.values())[self.left :] for cell in cells)

    def is_word(self, column: int) -> bool:
        """Whether a column, by its place, is set left."""
        return column < self.left or list(self.columns)[column] in self.words

    def is_number(self, heading: str) -> bool:
        """Whether a column is sorted by numbers."""
        return any(sort_key(cell) is not None for cell in self.columns[heading])

    def written(self, render: Callable[[Content], str]) -> pd.DataFrame:
        """The cells as texts of one format."""
        return pd.DataFrame({name: [str(render(cell)) for cell in cells] for name, cells in self.columns.items()})

    def latex(self) -> str:
        r"""A `tabular` with booktabs rules (\usepackage{booktabs}); the first `left` columns are set left."""
        texts = self.written(latex_cell).rename(columns=lambda name: latex_escaped(str(name)))
        form = "l" * self.left + "r" * (texts.shape[1] - self.left)
        return str(texts.to_latex(index=False, escape=False, column_format=form))


def is_empty(cell: Content) -> bool:
    """Whether a cell holds nothing, or a dash."""
    key = sort_key(cell)
    return cell in ("", NONE) if key is None else not math.isfinite(key)


def scores(frame: pd.DataFrame, name: str, sign: bool = False, ends: tuple[str, str] | None = None) -> list[Content]:
    """Estimates from the columns `name`, `name`_low and `name`_high, or those that `ends` names."""
    values = frame[[name, *(ends or (f"{name}_low", f"{name}_high"))]].to_numpy(dtype=float)
    return [Score(Estimate(*map(float, row)), sign) for row in values]


def quantities(values: Iterable[float], form: Callable[[float], str] = number) -> list[Content]:
    """Numbers that `form` writes."""
    return [Number(float(value), form) for value in values]


def p_values(table: pd.DataFrame, name: str, floor: float) -> list[Content]:
    """Probabilities in the column `name`; bounds where the test's own p, in the column `p`, is not above its floor."""
    at_floor = table["p"].to_numpy(dtype=float) <= floor * (1 + 1e-9)
    return [
        Number(value, partial(probability, floor=value if low else 0.0))
        for value, low in zip(table[name].to_numpy(dtype=float), at_floor, strict=True)
    ]


def strings(values: Iterable[object]) -> list[Content]:
    """Words as they stand; nothing where one is missing."""
    return ["" if value is None or value is pd.NA or value != value else str(value) for value in values]
