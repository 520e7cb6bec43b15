"""Judge scores of any origin against accuracies: no network, no training.

harness compare SCORES ACCURACIES [--seeds COLUMN] [--lower PREDICTOR]... [--out FOLDER]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.endings import carry_out
from harness.cli.terminal import console
from harness.files.paths import demand_folder, page_folder
from harness.schema.visible import visible

if TYPE_CHECKING:
    from harness.runs.comparison import Comparison, Given

REPORTS = Path("reports")
"""Where pages lie, and the list of runs, unless --out says otherwise."""

RESULTS = "results"
"""Folder of the stored tables next to the page that is drawn from them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 2 with one line on stderr where a table is not as it must be."""
    parser = argparse.ArgumentParser(
        prog="python -m harness compare",
        description="Judge scores of any origin against accuracies: Kendall tau with intervals, noise ceiling, paired "
        "tests, subsets, and a page. Nothing is trained.",
    )
    parser.add_argument(
        "scores", help="CSV, Parquet or JSON file: a column architecture, and a column of numbers for each predictor"
    )
    parser.add_argument(
        "accuracies",
        help="CSV, Parquet or JSON file: columns architecture and accuracy (percent, or fractions if none is above 1); "
        "with a column seed, a row for each training, which gives the noise ceiling",
    )
    parser.add_argument("--seeds", metavar="COLUMN", help="the column of the accuracies that names the training's seed")
    parser.add_argument(
        "--lower", action="append", default=[], metavar="PREDICTOR",
        help="a predictor of which lower scores are better (may be repeated)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="folder of the page (default: reports/compared/SCORES-ACCURACIES)"
    )
    given = parser.parse_args(arguments)

    def command() -> int:
        from harness.runs.comparison import Given

        return _compare(Given(given.scores, given.accuracies, given.seeds, given.lower), given.out)

    return carry_out(command)


def _compare(given: Given, out: Path | None) -> int:
    """Carry out the comparison, print the ranked table and where the page is."""
    from harness.evaluate.settings import Evaluation
    from harness.report.index import write_index
    from harness.report.run_files import read
    from harness.report.screen import print_answer
    from harness.runs.comparison import compare

    folder = out or page_folder(REPORTS, "compared", "-".join(given.names))
    demand_folder("out", folder)
    compared = compare(given, Evaluation(studied=[]))
    page, screen = write_page(compared, folder), console()
    if out is None:
        write_index(REPORTS)
    screen.print(visible("\n".join([*compared.notes, f"tables {folder / RESULTS}", ""]), lines=True), soft_wrap=True)
    print_answer(read(folder / RESULTS), screen, page=visible(str(page)))
    return 0


def write_page(compared: Comparison, out: Path) -> Path:
    """The page in `out` on a comparison, whose tables are stored next to it in `RESULTS`."""
    from harness.report.config import OF_GIVEN, ReportConfig
    from harness.report.write import page_lock, write

    look = ReportConfig(figures=[*OF_GIVEN])
    with page_lock(out):
        compared.write(out / RESULTS, vars(look))
        return write(out / RESULTS, out, look)
