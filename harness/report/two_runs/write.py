"""From two results folders to one report: figures, tables, one page in HTML and one in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from harness.files.paths import demand_no_links
from harness.report.config import ReportConfig
from harness.report.drawing import draw_figures
from harness.report.elements import Drawn, Grid
from harness.report.index import PAIR, ranked_entry, write_page_entry
from harness.report.page import fill
from harness.report.renderers import csv, plain
from harness.report.text import Content
from harness.report.two_runs import sentences
from harness.report.two_runs.run_pair import LETTERS, RunPair
from harness.report.two_runs.tables import differences_table, settings_table
from harness.storage.files import write_text

OWN = "tau_of_two_runs"
"""The figure of both runs together."""

FIGURES, TABLES = "figures", "tables"


def write(both: RunPair, out: Path, report: ReportConfig) -> Path:
    """Path of the index.html that was written, with report.md, tables/ and figures/ next to it.

    The figures of `report` are drawn of each run, in figures/a and figures/b, and stand side by side. Equal tables give
    equal bytes. Raises BadInput where something in `out` is a symbolic link.
    """
    demand_no_links("reports", out, FIGURES, TABLES)
    looks = ReportConfig(figures=[OWN], font_size=report.font_size, dpi=report.dpi)
    (own,) = draw_figures(both, out / FIGURES, looks)
    drawn = [
        draw_figures(run, out / FIGURES / letter.lower(), report)
        for run, letter in zip(both.runs, LETTERS, strict=True)
    ]
    tables = {"differences": differences_table(both), "settings": settings_table(both)}
    for name, table in tables.items():
        write_text(out / TABLES / f"{name}.csv", csv(table.numbers))
        write_text(out / TABLES / f"{name}.tex", table.latex())
    values = _context(both, own, list(zip(*drawn, strict=True)))
    write_text(out / "report.md", fill("two_runs.md.jinja", values))
    write_text(out / "index.html", fill("two_runs.html.jinja", values))
    _write_entry(both, out / "index.html")
    return out / "index.html"


def _write_entry(both: RunPair, page: Path) -> None:
    """What the list of pages says of the comparison: the best predictor of the second run."""
    best = both.runs[1].final.head(1).to_dict("records")[0]
    n = len(both.pairing.shared) if both.pairing.is_paired else None
    entry = {
        "n": n,
        "state": "complete",
        "best": ranked_entry(best) if pd.notna(best["tau"]) else None,
        "studied": None,
    }
    write_page_entry(page, PAIR, plain(sentences.question(both)), entry)


def _context(both: RunPair, own: Drawn, pairs: Sequence[tuple[Drawn, ...]]) -> dict[str, Any]:
    """Everything the templates may name."""
    differences = (
        f"τ: Kendall τ-b with {both.runs[0].percent} intervals; higher is better. Δτ: positive where the predictor "
        "ranks better in B. Detectable: minimum detectable difference at 80\N{NO-BREAK SPACE}% power (uncorrected)."
    )
    if both.is_tested:
        differences += (
            " p: two-sided permutation test that swaps a predictor's two ranks of an architecture; Holm: adjusted for "
            "all predictors of the table."
        )
    settings = (
        "Where files lie and how pages look is not listed, nor are the settings of a part that one run alone has."
    )
    return {
        "names": both.names,
        "question": sentences.question(both),
        "runs": sentences.runs(both),
        "pairing": sentences.pairing(both),
        "answer": sentences.answer(both),
        "differences": Grid("Paired differences" if both.pairing.is_paired else "Unpaired differences",
                            differences_table(both), differences, wide=True, heading=False),
        "settings": Grid("Settings that differ", settings_table(both), settings, wide=True, heading=False),
        "own": own,
        "pairs": pairs,
        "differ": [_other_sentences(first.caption, second.caption) for first, second in pairs],
        "letters": LETTERS,
    }  # fmt: skip


def _other_sentences(first: Content, second: Content) -> str:
    """The sentences of the second caption that the first does not have."""
    known, *others = (re.split(r"(?<=[.!?]) (?=\S)", plain(caption)) for caption in (first, second))
    return " ".join(text for text in others[0] if text not in known)
