"""The pages of the report, filled from two templates that stand beside this file."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.report.content import sections
from harness.report.elements import Drawn
from harness.report.numbers import counted, words
from harness.report.run_tables import RunTables
from harness.report.style.dark import both
from harness.report.tables import DisplayTable


def write_pages(
    tables: RunTables,
    out: Path,
    said: Mapping[str, str],
    drawn: Sequence[Drawn],
    sheets: Mapping[str, DisplayTable],
    stamp: str,
) -> Path:
    """Write index.html, which carries `stamp`, and report.md into `out`; gives the path of the first."""
    values = context(tables, said, drawn, sheets) | {"stamp": stamp}
    for name, template, escaping in (("index.html", "page.html.jinja", True), ("report.md", "page.md.jinja", False)):
        environment = Environment(
            loader=PackageLoader("harness.report", "."), autoescape=escaping, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        )  # fmt: skip
        environment.filters |= {"prose": prose, "cell": cell, "svg": svg, "words": words}
        (out / name).write_text(environment.get_template(template).render(values), encoding="utf-8")
    return out / "index.html"


def context(
    tables: RunTables, said: Mapping[str, str], drawn: Sequence[Drawn], sheets: Mapping[str, DisplayTable]
) -> dict[str, Any]:
    """Everything the templates may name."""
    return {
        "bench": str(tables.status["bench"]),
        "dataset": str(tables.status["dataset"]),
        "state": str(tables.status.get("state", "unknown")),
        "counts": _counts(tables),
        "sections": sections(tables, said, drawn, sheets),
        "style": (files("harness.report") / "page.css").read_text(encoding="utf-8"),
        "script": (files("harness.report") / "page.js").read_text(encoding="utf-8"),
    }


def _counts(tables: RunTables) -> str:
    budgets = tables.metrics["step"].nunique()
    last = counted(tables.last_step, "step")
    return f"{len(tables.architectures)} architectures, {tables.metrics['predictor'].nunique()} predictors, " + (
        f"{budgets} budgets up to {last}" if budgets > 1 else f"one budget, {last}"
    )


def prose(text: str) -> Markup:
    """HTML of a sentence: names in backticks as code, β_eff with its subscript, numbers unbroken, all escaped."""
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    html = re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", html)
    html = re.sub(r" = (?=\d)", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}", html)
    html = re.sub(r"(\[[^\[\] ]+,) ([^\[\] ]+\])", "\\1\N{NO-BREAK SPACE}\\2", html)
    return Markup(html.replace("β_eff", "β<sub>eff</sub>"))


def cell(text: object) -> str:
    """The text safe in a cell of a GitHub Markdown table: nothing in it ends the cell, the row or starts a mark-up."""
    flat = " ".join(str(text).split())
    return re.sub(r"([\\`*_\[\]<>|~#$])", r"\\\1", flat)


def svg(text: str) -> str:
    """A data address of an SVG that turns dark with the page, so that the page asks for no further file."""
    return "data:image/svg+xml;base64," + base64.b64encode(both(text).encode()).decode()
