"""The tables of the report as files: CSV with the numbers, LaTeX with what a paper prints."""

from __future__ import annotations

from pathlib import Path

from harness.report.latex import latex
from harness.report.run_tables import RunTables
from harness.report.tables.choices import pairs, selection, subsets
from harness.report.tables.comparisons import ablations, ceiling, differences, given
from harness.report.tables.costs import budgets_in_seconds, initial, time_to_tau
from harness.report.tables.display_table import DisplayTable
from harness.report.tables.failures import failures
from harness.report.tables.rankings import budgets, every_metric, ranked, short

__all__ = ["DisplayTable", "write_sheets"]

SHEETS = {
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
}
"""What makes each sheet, by the name of its files."""


def write_sheets(tables: RunTables, folder: Path) -> dict[str, DisplayTable]:
    """Write every sheet as CSV and LaTeX into the folder; gives them by name."""
    folder.mkdir(parents=True, exist_ok=True)
    sheets = {name: make(tables) for name, make in SHEETS.items()}
    for name, sheet in sheets.items():
        sheet.numbers.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g", lineterminator="\n")
        (folder / f"{name}.tex").write_text(latex(sheet.text, sheet.left), encoding="utf-8")
    return sheets
