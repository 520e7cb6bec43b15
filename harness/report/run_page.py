"""The page of one run, in HTML and in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.report.content import sections
from harness.report.elements import Drawn
from harness.report.explore.embedded import embed, pack
from harness.report.explore.glossary import glossary
from harness.report.numbers import counted
from harness.report.page import fill
from harness.report.run_tables import RunTables
from harness.report.tables import DisplayTable
from harness.report.text import Text
from harness.storage.files import write_text


def write_pages(
    tables: RunTables,
    out: Path,
    sentences: Mapping[str, Text],
    drawn: Sequence[Drawn],
    displayed: Mapping[str, DisplayTable],
    stamp: str,
) -> Path:
    """Write index.html, which carries `stamp`, and report.md into `out`; gives the path of the first."""
    values = {
        "bench": str(tables.status["bench"]),
        "dataset": str(tables.status["dataset"]),
        "state": str(tables.status.get("state", "unknown")),
        "counts": _counts(tables),
        "sections": sections(tables, sentences, drawn, displayed),
        "stamp": stamp,
        "command": sentences["command"],
    }
    write_text(out / "report.md", fill("page.md.jinja", values))
    carried = {"embedded": pack(embed(tables)), "glossary": glossary(tables)}
    write_text(out / "index.html", fill("page.html.jinja", values | carried, EXPLORER))
    return out / "index.html"


EXPLORER = tuple(f"explore/{name}" for name in ("explore.css", "data.js", "drawing.js", "ranking.js", "scatter.js",
                                                "architectures.js", "start.js"))  # fmt: skip
"""Styles and scripts of a page that is explored, in the order in which they need one another."""


def _counts(tables: RunTables) -> str:
    budgets = tables.metrics["step"].nunique()
    last = counted(tables.last_step, "step")
    of = f"{len(tables.architectures)} architectures, {tables.metrics['predictor'].nunique()} predictors"
    if tables.given:
        return of
    return f"{of}, {budgets} budgets up to {last}" if budgets > 1 else f"{of}, one budget, {last}"
