"""The tables of the report as files: CSV with the numbers, LaTeX with what a paper prints."""

from __future__ import annotations

from pathlib import Path

from harness.report.renderers import csv
from harness.report.run_tables import RunTables
from harness.report.tables.architectures import architectures
from harness.report.tables.choices import pairs, selection, subsets
from harness.report.tables.comparisons import ablations, ceiling, differences, given
from harness.report.tables.costs import budgets_in_seconds, initial, time_to_tau
from harness.report.tables.display_table import DisplayTable
from harness.report.tables.elsewhere import elsewhere
from harness.report.tables.failures import failures
from harness.report.tables.needs import by_needs
from harness.report.tables.rankings import budgets, every_metric, ranked, short
from harness.storage.files import write_text

__all__ = ["DisplayTable", "write_tables"]

TABLES = {
    "needs": by_needs,
    "ranked": ranked,
    "metrics": every_metric,
    "short": short,
    "budgets": budgets,
    "budgets_in_seconds": budgets_in_seconds,
    "differences": differences,
    "ceiling": ceiling,
    "time_to_tau": time_to_tau,
    "initial_cost": initial,
    "subsets": subsets,
    "selection": selection,
    "pairs": pairs,
    "partial": given,
    "ablations": ablations,
    "failures": failures,
    "architectures": architectures,
    "elsewhere": elsewhere,
}
"""What makes each table, by the name of its files."""


def write_tables(tables: RunTables, folder: Path) -> dict[str, DisplayTable]:
    """Write every table as CSV and LaTeX into the folder; gives them by name."""
    made = {name: make(tables) for name, make in TABLES.items()}
    for name, table in made.items():
        write_text(folder / f"{name}.csv", csv(table.numbers))
        write_text(folder / f"{name}.tex", table.latex())
    return made
