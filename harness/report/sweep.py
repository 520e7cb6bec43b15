"""From the stored tables of a sweep to its report: figures, tables, one page in HTML and one in Markdown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.report import sweep_summary as summary
from harness.report.latex import latex
from harness.report.numbers import NONE, words
from harness.report.page import cell, prose, svg
from harness.report.sweep_ranking import gathered_sheet, jobs_sheet, settings_sheet
from harness.report.sweep_tables import SweepTables, read
from harness.report.write import Report, draw

FIGURES = ["tau_by_setting", "critical_difference"]


LOOKS = ("font_size", "dpi")
"""What of a run's own report is taken over for that of the sweep."""


def write(results: Path, out: Path) -> Path:
    """Path of the index.html that was written, with report.md, tables/ and figures/ beside it.

    `results` is the folder with the tables of a sweep; equal tables give equal bytes. Files of an earlier report in
    `out` are replaced, others left alone. Raises BadInput where a table or a column is missing.
    """
    tables = read(results)
    (out / "figures").mkdir(parents=True, exist_ok=True)
    looks = {key: tables.status["report"][key] for key in LOOKS if key in tables.status["report"]}
    drawn = draw(cast(Any, tables), out / "figures", Report(figures=FIGURES, **looks))
    _write_tables(tables, out / "tables")
    values = _context(tables, out) | {"figures": drawn}
    for name, template, escaping in (("index.html", "sweep.html.jinja", True), ("report.md", "sweep.md.jinja", False)):
        environment = Environment(
            loader=PackageLoader("harness.report", "."), autoescape=escaping, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        )  # fmt: skip
        environment.filters |= {"prose": prose, "cell": cell, "svg": svg, "words": words}
        (out / name).write_text(environment.get_template(template).render(values), encoding="utf-8")
    return out / "index.html"


def _write_tables(tables: SweepTables, folder: Path) -> None:
    """The sheets of the page as CSV, those for a paper as LaTeX too, and every gathered number as CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    sheets = {"ranked": gathered_sheet(tables), "settings": settings_sheet(tables)}
    for name, sheet in sheets.items():
        (folder / f"{name}.tex").write_text(latex(sheet, left=2 if name == "ranked" else 1), encoding="utf-8")
    numbers = {"ranked": sheets["ranked"], "settings": summary.settings_table(tables), "jobs": tables.jobs,
               "gathered": tables.gathered, "ranks": tables.ranks}  # fmt: skip
    for name, frame in numbers.items():
        frame.to_csv(folder / f"{name}.csv", index=False)


def _context(tables: SweepTables, out: Path) -> dict[str, Any]:
    """Everything the templates may name."""
    room = files("harness.report")
    return {
        "title": tables.place.name if tables.place.name != "gathered" else out.name,
        "counts": summary.counts(tables),
        "whole": bool((tables.jobs["state"] == "complete").all()) and len(tables.jobs) >= int(tables.status["asked"]),
        "question": summary.question(tables),
        "answer": summary.answer(tables),
        "cautions": summary.cautions(tables) if tables.settings else [],
        "several": len(tables.settings) > 1,
        "settings": settings_sheet(tables),
        "ranked": _sortable(tables),
        "percent": tables.percent(),
        "jobs": _jobs(tables, out),
        "run": _run(tables),
        "environment": {str(key): str(value) for key, value in tables.status["environment"].items()},
        "style": (room / "page.css").read_text(encoding="utf-8"),
        "script": (room / "page.js").read_text(encoding="utf-8"),
    }


def _sortable(tables: SweepTables) -> dict[str, Any]:
    """The gathered sheet with, beside every text, the number by which a click on the heading sorts."""
    sheet = gathered_sheet(tables)
    words_ = {"predictor", "family", "baseline"}
    rows = [[(str(text), str(text) if name in words_ else _key(str(text))) for name, text in row.items()]
            for row in sheet.to_dict("records")]  # fmt: skip
    return {"columns": list(map(str, sheet.columns)), "words": words_, "rows": rows}


def _key(text: str) -> str:
    """The number at the beginning of a text, empty where there is none."""
    first = text.partition(" ")[0].replace("\N{MINUS SIGN}", "-")
    return "" if first in (NONE, "") else str(float(first))


def _jobs(tables: SweepTables, out: Path) -> list[dict[str, str]]:
    """The rows of the table of jobs; `link` leads from the page to the job's own report, if that is there."""
    rows = []
    for row, job in zip(jobs_sheet(tables).to_dict("records"), tables.jobs.to_dict("records"), strict=True):
        page = (tables.place / str(job["report"]) / "index.html") if job["report"] else None
        link = Path(os.path.relpath(page.resolve(), out.resolve())).as_posix() if page and page.is_file() else ""
        rows.append({str(key): str(value) for key, value in row.items()} | {"link": link})
    return rows


def _run(tables: SweepTables) -> dict[str, str]:
    """How it was run and judged."""
    status = tables.status
    friedman = status["friedman"]["statistic"]
    said = {
        "command": status.get("command"),
        "varied": ", ".join(status["varied"]) or "the run seed alone",
        "run seeds": ", ".join(map(str, tables.seeds)),
        "interval": f"{tables.percent()}, {status['bootstrap']} draws",
        "seed of the draws": status.get("seed"),
        "runs that are ranked": status["blocks"],
        "Friedman's statistic": f"{friedman:.2f} (p = {status['friedman']['p']:.2g})" if friedman is not None else None,
        "Nemenyi's critical difference": _two(status["critical_difference"]),
        "training, first run": _flat(status["recipe"]),
        "network, first run": _flat(status["network"]),
    }
    return {key: str(value) for key, value in said.items() if value not in (None, "")}


def _two(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _flat(values: Mapping[str, Any]) -> str:
    """The settings of the first run on one line."""
    texts = {key: " and ".join(map(str, value)) if isinstance(value, list) else str(value)
             for key, value in values.items() if value is not None}  # fmt: skip
    return ", ".join(f"{words(key)} {text}" for key, text in texts.items())
