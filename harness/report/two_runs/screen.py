"""What the terminal shows of two runs: the best predictors of both, and last what changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.renderers import terminal
from harness.report.terminal_table import Column, fitting, lines_of, names_in_colour
from harness.report.two_runs import sentences
from harness.report.two_runs.run_pair import RunPair
from harness.report.two_runs.tables import DIFFERENCE, differences_table

if TYPE_CHECKING:
    from rich.console import Console

ROWS = 10
"""Predictors that are printed at most; the page has all."""

IMPORTANCE = {"predictor": 0, "τ, A": 0, "τ, B": 0, DIFFERENCE: 0, "p (Holm)": 1, "family": 2, "n": 3}
"""Columns that are printed, and which of them come in first where the terminal is wide."""


def print_pair(both: RunPair, console: Console) -> None:
    """Print the predictors of highest mean τ with their differences, then the answer in sentences."""
    table = differences_table(both)
    shown = table.head(ROWS)
    families = [str(name) for name in both.differences["family"]]
    columns = []
    for at, (heading, cells) in enumerate(shown.columns.items()):
        if heading in IMPORTANCE:
            texts = [terminal(cell) for cell in cells]
            named = names_in_colour(texts, families[: len(texts)], console) if heading == "predictor" else texts
            columns.append(Column(heading, named, right=not shown.is_word(at), importance=IMPORTANCE[heading]))
    lines = [*sentences.runs(both), sentences.question(both)]
    console.print("\n".join(lines_of(text, console.width) for text in lines), markup=False, highlight=False)
    how = "paired" if both.pairing.is_paired else "unpaired"
    console.print()
    title = f"Kendall τ in both runs and its difference, {how}, {both.runs[0].percent} intervals"
    console.print(fitting(title, columns, console.width), markup=False, highlight=False)
    answer = [sentences.pairing(both), *sentences.answer(both)]
    text = "\n".join(["", *(lines_of(each, console.width) for each in answer)])
    console.print(text, markup=False, highlight=False)
    if len(table) > ROWS:
        console.print(f"{len(table) - ROWS} more predictors in the report", markup=False, highlight=False)
