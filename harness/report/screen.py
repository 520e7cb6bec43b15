"""What a run prints when it ends: the best predictors, which to use, and last the answer in sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.report.numbers import number, seconds
from harness.report.ranked_table import ranked_table
from harness.report.renderers import plain, terminal
from harness.report.run_tables import RunTables
from harness.report.sentences.verdict import cost, verdict
from harness.report.tables.display_table import scores
from harness.report.tables.needs import by_needs
from harness.report.text import Score, Text, joined, score
from harness.schema import Estimate
from harness.schema.columns import PLAIN_ENDS
from harness.schema.families import family

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WITHOUT_NAMES = 50
"""Columns that a row of the ranked table takes next to the predictor's name."""

WIDE = 38
"""Columns that family, regret and seconds take."""


OF_TARGET = 22
"""Columns that the interval of one further ground truth takes."""


def print_answer(tables: RunTables, console: Console, rows: int | None = None) -> None:
    """Print the ranked table at the last budget, then which predictor to use, then the answer; for 80 columns or more.

    Of the ranking the first `rows` (None: all), the best baseline and the best predictor under study are shown, with
    their places.
    """
    for table in (_ranking(tables, console, rows), _targets(tables, console, rows), _needs(tables)):
        if table.row_count:
            console.print(table, markup=False, highlight=False)
    hidden = len(tables.final) - len(_shown(tables, rows))
    more = [f"{hidden} more predictors in the report"] if hidden > 0 else []
    sentences = [terminal(text) for text in (*verdict(tables), cost(tables)) if text]
    console.print("\n".join(["", *sentences, _ceiling(tables), *more]), markup=False, highlight=False)


def _shown(tables: RunTables, rows: int | None) -> list[int]:
    """Places of the predictors that are printed, from 0."""
    final = tables.final
    baselines = final[final["baseline"] & final["tau"].notna()]
    always = {tables.best_studied, None if baselines.empty else baselines["predictor"].iloc[0]}
    return [at for at, name in enumerate(final["predictor"]) if rows is None or at < rows or name in always]


def _ranking(tables: RunTables, console: Console, rows: int | None) -> Table:
    """The ranked table; the difference is paired, to the best baseline at that budget.

    Family, regret of the first choice and seconds come in where the terminal is wide enough: no number is ever cut.
    Names have the colours of their families where there are colours.
    """
    table, places = ranked_table(tables), _shown(tables, rows)
    records = [{str(key): value for key, value in row.items()} for row in table.iloc[places].to_dict("records")]
    longest = max(len(str(row["predictor"])) for row in records)
    wide = console.width >= longest + WITHOUT_NAMES + WIDE
    some_failed = any(row["failed"] for row in records)
    numbers = ["τ", "n", *["fail"] * some_failed, "Δτ to baseline", *["regret@1", "seconds"] * wide]
    shown = _table(f"Kendall τ {tables.moment}, {tables.percent} intervals", ["predictor", *["family"] * wide], numbers)
    regret = _regret(tables)
    for place, row in zip(places, records, strict=True):
        of_family = family(str(row["family"]))
        cells = [*[of_family.label] * wide, terminal(score(row, "tau")), str(row["n"])]
        cells += [str(row["failed"])] * some_failed + [terminal(score(row, "difference", sign=True))]
        cells += [number(regret.get(str(row["predictor"]), math.nan)), seconds(row["seconds"])] if wide else []
        shown.add_row(f"{place + 1}", _coloured(str(row["predictor"]), of_family.name), *cells)
    return shown


def _targets(tables: RunTables, console: Console, rows: int | None) -> Table:
    """τ of the same scores with further ground truths, in the order of the ranking; no row where there is none.

    With intervals where the terminal is wide enough.
    """
    by_target, final = tables.taus_by_target, tables.final
    shown = _table("", ["predictor"], [f"τ, {name}" for name in by_target])
    shown.title = "\nThe same scores, other ground truths"
    places = _shown(tables, rows) if by_target else []
    names = [str(final["predictor"].iloc[place]) for place in places]
    wide = console.width >= max(map(len, names), default=0) + len(by_target) * OF_TARGET
    for place, name in zip(places, names, strict=True):
        cells = [terminal(scores(found, "tau", ends=PLAIN_ENDS)[place]) for found in by_target.values()]
        cells = cells if wide else [number(found["tau"].iloc[place]) for found in by_target.values()]
        shown.add_row(f"{place + 1}", _coloured(name, str(final["family"].iloc[place])), *cells)
    return shown


def _table(title: str, words: list[str], numbers: list[str]) -> Table:
    """A table without lines, with a column for the place in front."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, title_justify="left", title=plain(title))
    table.add_column("", justify="right", no_wrap=True)
    for heading in words:
        table.add_column(heading, no_wrap=True)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _coloured(name: str, of_family: str) -> Any:
    from rich.text import Text as Letters

    shade = family(of_family)
    return Letters(terminal(name), style=shade.dark or shade.colour)


def _regret(tables: RunTables) -> dict[str, float]:
    """Regret of the first choice at the last budget, in percentage points, by predictor."""
    first = tables.at_end(tables.selection).query("k == 1")
    return {str(name): float(value) for name, value in zip(first["predictor"], first["regret"], strict=True)}


def _needs(tables: RunTables) -> Table:
    """Which predictor to use with how much training and how many labels."""
    from rich.table import Table

    found = by_needs(tables)
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, title_justify="left", title="\nWhich to use")
    for at, heading in enumerate(found.columns):
        table.add_column(heading, justify="left" if found.is_word(at) else "right", no_wrap=True)
    for row in zip(*found.columns.values(), strict=True):
        table.add_row(*map(terminal, row))
    return table


def _ceiling(tables: RunTables) -> str:
    """The noise ceiling on one line, or why there is none."""
    kinds = tables.ceilings()
    if not kinds:
        return terminal(f"Noise ceiling: none ({tables.why_no_ceiling}).")
    if not tables.band:
        return "Noise ceiling: none above 0 (the seeds of the ground truth do not agree)."
    names = {"retraining": "test–retest"}
    parts = [
        Text(f"{names.get(kind, kind)} ", Score(Estimate(row["tau"], row["low"], row["high"])))
        for kind, row in kinds.items()
    ]
    return terminal(Text("Noise ceiling: ", joined(parts, ", "), "."))
