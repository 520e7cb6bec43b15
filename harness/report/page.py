"""The pages of the report, filled from two templates that lie next to this file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.report.content import sections
from harness.report.elements import Drawn
from harness.report.explore.embedded import embed, pack
from harness.report.numbers import counted, words
from harness.report.renderers import html, html_cell, markdown, markdown_block, markdown_cell, plain
from harness.report.run_tables import RunTables
from harness.report.style.compact import address, compact
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
    }
    write_text(out / "report.md", fill("page.md.jinja", values))
    carried = {"embedded": pack(embed(tables))}
    write_text(out / "index.html", fill("page.html.jinja", values | carried, EXPLORER))
    return out / "index.html"


EXPLORER = tuple(f"explore/{name}" for name in ("explore.css", "data.js", "drawing.js", "ranking.js", "scatter.js",
                                                "architectures.js", "start.js"))  # fmt: skip
"""Styles and scripts of a page that is explored, in the order in which they need one another."""


def fill(template: str, values: Mapping[str, Any], more: Sequence[str] = ()) -> str:
    """A page from its template; those in HTML get the style and the script, and escape what they are given.

    `more` are further files of styles and scripts.
    """
    is_html = template.endswith(".html.jinja")
    environment = Environment(
        loader=PackageLoader("harness.report", "."), autoescape=is_html, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {
        "prose": html if is_html else markdown,
        "cell": html_cell if is_html else markdown_cell,
        "plain": plain,
        "block": markdown_block,
        "svg": svg,
        "words": words,
    }
    room = files("harness.report")
    shared = {}
    if is_html:
        texts = {name: (room / name).read_text(encoding="utf-8") for name in ("page.css", "page.js", *more)}
        shared = {key: "\n".join(text for name, text in texts.items() if name.endswith(ending))
                  for key, ending in (("style", ".css"), ("script", ".js"))}  # fmt: skip
        shared["policy"] = _policy(f"\n{shared['script']}")
    return environment.get_template(template).render({**shared, **values})


def _policy(script: str) -> str:
    """What a browser may load for the page: nothing but what is in it, and no script but ours."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    images, styles = "img-src 'self' data:", "style-src 'unsafe-inline'"
    return f"default-src 'none'; {images}; {styles}; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _counts(tables: RunTables) -> str:
    budgets = tables.metrics["step"].nunique()
    last = counted(tables.last_step, "step")
    of = f"{len(tables.architectures)} architectures, {tables.metrics['predictor'].nunique()} predictors"
    if tables.given:
        return of
    return f"{of}, {budgets} budgets up to {last}" if budgets > 1 else f"{of}, one budget, {last}"


def svg(text: str) -> Markup:
    """A data address of an SVG that turns dark with the page, so that the page asks for no further file.

    It goes between double quotes, which `address` leaves none of.
    """
    return Markup(address(compact(text)))
