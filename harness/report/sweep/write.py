"""From the stored tables of a sweep to its report: figures, tables, one page in HTML and one in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.files.paths import relative_path
from harness.report.config import ReportConfig
from harness.report.elements import Grid
from harness.report.latex import latex
from harness.report.numbers import words
from harness.report.page import cell, prose, svg
from harness.report.sweep import sentences as summary
from harness.report.sweep.ranked_table import budgets_sheet, gathered_sheet, jobs_sheet, settings_sheet
from harness.report.sweep.sweep_tables import SweepTables, read
from harness.report.write import draw

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
    drawn = draw(tables, out / "figures", ReportConfig(figures=FIGURES, **looks))
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
    ranked = gathered_sheet(tables)
    (folder / "ranked.tex").write_text(latex(ranked.text, ranked.left), encoding="utf-8")
    (folder / "settings.tex").write_text(latex(settings_sheet(tables)), encoding="utf-8")
    numbers = {"ranked": ranked.numbers, "settings": summary.settings_table(tables), "jobs": tables.jobs,
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
        "rank_key": _rank_key(tables),
        "budgets": [
            (setting, budgets_sheet(tables, setting).text)
            for setting in tables.settings
            if (tables.gathered["setting"] == setting).sum() > len(tables.at(setting))
        ],
        "percent": tables.percent(),
        "jobs": _jobs(tables, out),
        "run": _run(tables),
        "environment": {str(key): str(value) for key, value in tables.status["environment"].items()},
        "style": (room / "page.css").read_text(encoding="utf-8"),
        "script": (room / "page.js").read_text(encoding="utf-8"),
    }


def _sortable(tables: SweepTables) -> dict[str, Any]:
    """The gathered sheet with, beside every text, the number by which a click on the heading sorts."""
    grid = Grid("", gathered_sheet(tables))
    columns = [str(column["name"]) for column in grid.columns()]
    words_ = [column for column in columns if column not in grid.sheet.keys]
    return {"columns": columns, "words": words_, "rows": grid.rows()}


def _rank_key(tables: SweepTables) -> str:
    """What the column of ranks is."""
    many = tables.blocks_explained()
    return "in the one run" if many == "1 run" else f"average over {many}"


def _jobs(tables: SweepTables, out: Path) -> list[dict[str, str]]:
    """The rows of the table of jobs; `link` leads from the page to the job's own report, if that is there."""
    rows = []
    for row, job in zip(jobs_sheet(tables).to_dict("records"), tables.jobs.to_dict("records"), strict=True):
        page = (tables.place / str(job["report"]) / "index.html") if job["report"] else None
        link = _link(page.resolve(), out.resolve()) if page and page.is_file() else ""
        rows.append({str(key): str(value) for key, value in row.items()} | {"link": link})
    return rows


def _link(page: Path, out: Path) -> str:
    path = Path(relative_path(page, out))
    return path.as_uri() if path.is_absolute() else path.as_posix()


def _run(tables: SweepTables) -> dict[str, str]:
    """How it was run and judged."""
    status = tables.status
    friedman = status["friedman"]["statistic"]
    said = {
        "command": status.get("command"),
        "varied": _varied(status["varied"], status["followed"]),
        "run seeds": ", ".join(map(str, tables.seeds)),
        "interval": f"{tables.percent()}, {status['bootstrap']} draws",
        "seed of the draws": status.get("seed"),
        "ranks are over": tables.blocks_explained() if status["blocks"] else None,
        "Friedman's statistic": f"{friedman:.2f} (p = {status['friedman']['p']:.2g})" if friedman is not None else None,
        "Nemenyi's critical difference": _two(status["critical_difference"]),
        "training, the same in all runs": _flat(status["recipe"]),
        "network, the same in all runs": _flat(status["network"]),
    }
    return {key: str(value) for key, value in said.items() if value not in (None, "")}


def _varied(named: list[str], followed: list[str]) -> str:
    """Every key that differs between the jobs: those that name the settings, then those that follow from them."""
    first = ", ".join(named) or "the run seed alone"
    return f"{first}; and with it {', '.join(followed)}" if followed else first


def _two(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _flat(values: Mapping[str, Any]) -> str:
    """Settings on one line."""
    texts = {key: " and ".join(map(str, value)) if isinstance(value, list) else str(value)
             for key, value in values.items() if value is not None}  # fmt: skip
    return ", ".join(f"{words(key)} {text}" for key, text in texts.items())
