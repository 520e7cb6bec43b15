"""What a run prints when it ends: which predictor to use, the best predictors, and last the answer in sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.report.numbers import number, seconds
from harness.report.ranked_table import ranked_table
from harness.report.renderers import terminal
from harness.report.run_tables import RunTables
from harness.report.sentences.verdict import cost, verdict
from harness.report.tables.display_table import scores
from harness.report.tables.needs import by_needs
from harness.report.terminal_table import Column, fitting, lines_of, names_in_colour
from harness.report.text import Score, Text, joined, score
from harness.schema import Estimate
from harness.schema.columns import PLAIN_ENDS
from harness.schema.families import family

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

OF_TARGET = 22
"""Columns that the interval of one further ground truth takes."""


def print_answer(tables: RunTables, console: Console, rows: int | None = None, page: str = "") -> None:
    """Print which predictor to use, the ranked table at the last budget, then the answer; for 80 columns or more.

    Of the ranking the first `rows` (None: all), the best baseline and the best predictor under study are shown, with
    their places. With ten rows the ranking and the answer fit a terminal of 24 lines. The last line names the `page`,
    if there is one.
    """
    for table in (_needs(tables, console), _targets(tables, console, rows), _ranking(tables, console, rows)):
        if table.row_count:
            console.print(table, markup=False, highlight=False)
            console.print()
    sentences = [*verdict(tables), joined([_ceiling(tables), cost(tables)])]
    lines = [lines_of(text, console.width) for text in sentences if text]
    console.print("\n".join(lines), markup=False, highlight=False)
    if page:
        console.print(f"report {page}", markup=False, highlight=False, soft_wrap=True)


def _shown(tables: RunTables, rows: int | None) -> list[int]:
    """Places of the predictors that are printed, from 0."""
    final = tables.final
    baselines = final[final["baseline"] & final["tau"].notna()]
    always = {tables.best_studied, None if baselines.empty else baselines["predictor"].iloc[0]}
    return [at for at, name in enumerate(final["predictor"]) if rows is None or at < rows or name in always]


def _ranking(tables: RunTables, console: Console, rows: int | None) -> Table:
    """The ranked table; the difference is paired, to the best baseline at that budget.

    Family, failures, regret of the first choice and seconds come in where the terminal is wide enough.
    """
    table, places = ranked_table(tables), _shown(tables, rows)
    shown = table.iloc[places]
    records = [{str(key): value for key, value in row.items()} for row in shown.to_dict("records")]
    names, families = [terminal(str(row["predictor"])) for row in records], [str(row["family"]) for row in records]
    regret = _regret(tables)
    columns = [
        Column("", [str(place + 1) for place in places]),
        Column("predictor", names_in_colour(names, families, console), right=False),
        Column("family", [family(name).label for name in families], right=False, importance=1),
        Column("τ", [terminal(score(row, "tau")) for row in records]),
        Column("n", [str(row["n"]) for row in records]),
        Column("Δτ to baseline", [terminal(score(row, "difference", sign=True)) for row in records]),
        Column("regret@1", [number(regret.get(str(row["predictor"]), math.nan)) for row in records], importance=2),
        Column("seconds", [seconds(row["seconds"]) for row in records], importance=3),
    ]
    if shown["failed"].any():
        columns.insert(5, Column("failed", [str(row["failed"]) for row in records], importance=4))
    hidden = len(tables.final) - len(places)
    more = f" ({hidden} more predictors in the report)" if hidden else ""
    return fitting(f"Kendall τ {tables.moment}, {tables.percent} intervals{more}", columns, console.width)


def _targets(tables: RunTables, console: Console, rows: int | None) -> Table:
    """τ of the same scores with further ground truths, in the order of the ranking; no row where there is none.

    With intervals where the terminal is wide enough.
    """
    by_target, final = tables.taus_by_target, tables.final
    places = _shown(tables, rows) if by_target else []
    names = [terminal(str(final["predictor"].iloc[place])) for place in places]
    families = [str(final["family"].iloc[place]) for place in places]
    wide = console.width >= max(map(len, names), default=0) + len(by_target) * OF_TARGET
    columns = [
        Column("", [str(place + 1) for place in places]),
        Column("predictor", names_in_colour(names, families, console), right=False),
    ]
    for name, found in by_target.items():
        cells = [terminal(cell) for cell in scores(found, "tau", ends=PLAIN_ENDS)]
        cells = cells if wide else [number(tau) for tau in found["tau"]]
        columns.append(Column(f"τ, {name}", [cells[place] for place in places]))
    return fitting("The same scores, other ground truths", columns, console.width)


def _regret(tables: RunTables) -> dict[str, float]:
    """Regret of the first choice at the last budget, in percentage points, by predictor."""
    first = tables.at_end(tables.selection).query("k == 1")
    return {str(name): float(value) for name, value in zip(first["predictor"], first["regret"], strict=True)}


def _needs(tables: RunTables, console: Console) -> Table:
    """Which predictor to use with how much training and how many labels."""
    found = by_needs(tables)
    columns = [
        Column(heading, [terminal(cell) for cell in cells], right=not found.is_word(at), importance=heading == "needs")
        for at, (heading, cells) in enumerate(found.columns.items())
    ]
    return fitting("Which to use", columns, console.width)


def _ceiling(tables: RunTables) -> Text:
    """The noise ceiling, or why there is none."""
    kinds = tables.ceilings()
    if not kinds:
        return Text(f"Noise ceiling: none ({tables.why_no_ceiling}).")
    if not tables.band:
        return Text("Noise ceiling: none above 0 (the seeds of the ground truth do not agree).")
    names = {"retraining": "test–retest"}
    parts = [
        Text(f"{names.get(kind, kind)} ", Score(Estimate(row["tau"], row["low"], row["high"])))
        for kind, row in kinds.items()
    ]
    return Text("Noise ceiling: ", joined(parts, ", "), ".")
