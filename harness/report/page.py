"""The pages of the report, filled from two templates that stand beside this file."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.report import summary
from harness.report.numbers import seconds, words
from harness.report.sheets import Sheet
from harness.report.tables import Tables

if TYPE_CHECKING:
    from harness.report.write import Drawn

SHOWN_FAILURES = 40
"""Rows of the failure table on the page; tables/failures.csv has them all."""


def write_pages(tables: Tables, out: Path, drawn: Sequence[Drawn], sheets: Mapping[str, Sheet], stamp: str) -> Path:
    """Write index.html, which carries `stamp`, and report.md into `out`; gives the path of the first."""
    values = context(tables, drawn, sheets) | {"stamp": stamp}
    for name, template, escaping in (("index.html", "page.html.jinja", True), ("report.md", "page.md.jinja", False)):
        environment = Environment(
            loader=PackageLoader("harness.report", "."), autoescape=escaping, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        )  # fmt: skip
        environment.filters |= {"prose": prose, "cell": cell, "svg": svg, "words": words}
        (out / name).write_text(environment.get_template(template).render(values), encoding="utf-8")
    return out / "index.html"


def context(tables: Tables, drawn: Sequence[Drawn], sheets: Mapping[str, Sheet]) -> dict[str, Any]:
    """Everything the templates may name."""
    failed = sheets["failures"].text
    return {
        "bench": str(tables.status["bench"]),
        "dataset": str(tables.status["dataset"]),
        "state": str(tables.status.get("state", "unknown")),
        "counts": _counts(tables),
        "question": summary.question(tables),
        "answer": summary.answer(tables),
        "ranked": _sortable(sheets["ranked"]),
        "step": tables.last_step,
        "ceiling": sheets["ceiling"].text,
        "figures": drawn,
        "failures": failed.head(SHOWN_FAILURES),
        "more_failures": max(len(failed) - SHOWN_FAILURES, 0),
        "failed_rows": len(tables.failures),
        "truth": _flat(tables.status["truth"]),
        "run": _run(tables),
        "environment": tables.environment,
        "config": tables.config.rstrip(),
        "derived": summary.derived(tables),
        "style": (files("harness.report") / "page.css").read_text(encoding="utf-8"),
        "script": (files("harness.report") / "page.js").read_text(encoding="utf-8"),
    }


def _counts(tables: Tables) -> str:
    steps = tables.metrics["step"].nunique()
    return (
        f"{len(tables.architectures)} architectures, {tables.metrics['predictor'].nunique()} predictors, "
        f"{steps} budget{'s' if steps > 1 else ''} up to {tables.last_step} steps"
    )


def _sortable(sheet: Sheet) -> dict[str, Any]:
    """The ranked sheet with, beside every text, the number by which a click on the heading sorts."""
    keys = {"τ": "tau", "τ, better half": "tau_half", "τ, best fifth": "tau_fifth", "Δτ to best baseline": "difference",
            "Spearman": "spearman", "n": "n", "failed": "failed", "seconds": "seconds"}  # fmt: skip
    rows = [
        [
            (str(text), "" if pd.isna(key := number.get(keys.get(str(name), ""), text)) else str(key))
            for name, text in row.items()
        ]
        for row, number in zip(sheet.text.to_dict("records"), sheet.numbers.to_dict("records"), strict=True)
    ]
    return {"columns": list(sheet.text.columns), "rows": rows, "left": sheet.left}


def _run(tables: Tables) -> dict[str, str]:
    """How it was run: the status without what the page says elsewhere."""
    said = {"truth", "bench", "dataset"}
    plain = {key: value for key, value in tables.status.items() if key not in said}
    if "seconds" in plain:
        plain["seconds"] = seconds(float(plain["seconds"]))
    return _flat(plain)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings in one level, with `recipe: batch` for keys; null settings are left out."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix}{words(str(key))}"
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{name}: ")
        elif value is not None:
            flat[name] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return flat


def prose(text: str) -> Markup:
    """HTML of a sentence: names in backticks as code, β_eff with its subscript, numbers unbroken, all escaped."""
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    html = re.sub(r" = (?=\d)", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}", html.replace("95 %", "95\N{NO-BREAK SPACE}%"))
    html = re.sub(r"(\[[^\[\] ]+,) ([^\[\] ]+\])", "\\1\N{NO-BREAK SPACE}\\2", html)
    return Markup(html.replace("β_eff", "β<sub>eff</sub>"))


def cell(text: object) -> str:
    """The text safe in a cell of a GitHub Markdown table: nothing in it ends the cell, the row or starts a mark-up."""
    flat = " ".join(str(text).split())
    return re.sub(r"([\\`*_\[\]<>|~#$])", r"\\\1", flat)


def svg(text: str) -> str:
    """A data address of an SVG, so that the page asks for no further file."""
    return "data:image/svg+xml;base64," + base64.b64encode(text.encode()).decode()
