"""From the stored tables of a sweep to its report: figures, tables, one page in HTML and one in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from harness.files.paths import demand_no_links, relative_path
from harness.report.config import ReportConfig
from harness.report.drawing import draw_figures
from harness.report.elements import Grid
from harness.report.index import SWEEP, ranked_entry, write_page_entry
from harness.report.numbers import NONE, words
from harness.report.page import fill
from harness.report.renderers import csv, plain
from harness.report.sweep import sentences
from harness.report.sweep.ranked_table import best_table, budgets_table, gathered_table, targets_table
from harness.report.sweep.sweep_tables import SweepTables, read
from harness.report.text import Text
from harness.schema.visible import visible
from harness.storage.files import write_text

FIGURES = ["tau_by_setting", "critical_difference"]


TARGETS_NOTE = (
    "The same scores at the last step, mean over run seeds; learned predictors never saw those accuracies. Standard "
    "deviations between seeds are in tables/gathered_targets.csv."
)

LOOKS = ("font_size", "dpi")
"""What of a run's own report is taken over for that of the sweep."""


def write(results: Path, out: Path) -> Path:
    """Path of the index.html that was written, with report.md, tables/ and figures/ next to it.

    `results` is the folder with the tables of a sweep; equal tables give equal bytes. Files of an earlier report in
    `out` are replaced, others left alone. Raises BadInput where a table or a column is missing, and where something in
    `out` is a symbolic link.
    """
    demand_no_links("reports", out, "figures", "tables")
    tables = read(results)
    looks = {key: tables.status["report"][key] for key in LOOKS if key in tables.status["report"]}
    figures = draw_figures(tables, out / "figures", ReportConfig(figures=FIGURES, **looks))
    _write_tables(tables, out / "tables")
    values = _context(tables, out) | {"figures": figures}
    write_text(out / "report.md", fill("sweep.md.jinja", values))
    write_text(out / "index.html", fill("sweep.html.jinja", values))
    _write_entry(tables, out / "index.html")
    return out / "index.html"


def _write_entry(tables: SweepTables, page: Path) -> None:
    """What the list of pages says of the sweep: the predictor of highest mean τ over its settings."""
    best = tables.order.head(1).to_dict("records")
    counts = set(tables.jobs["n"].dropna())
    whole = is_whole(tables)
    write_page_entry(page, SWEEP, plain(sentences.question(tables)), {
        "n": int(counts.pop()) if len(counts) == 1 else None,
        "state": "complete" if whole else "partial",
        "best": ranked_entry(_with_ends(tables, best[0])) if best and pd.notna(best[0]["tau"]) else None,
        "studied": None,
    })  # fmt: skip


def _with_ends(tables: SweepTables, best: dict[Any, Any]) -> dict[Any, Any]:
    """The predictor's mean τ; with its interval where there is one setting."""
    rows = tables.last[tables.last["predictor"] == best["predictor"]]
    one = len(tables.settings) == 1
    ends = (float(rows[end].iloc[0]) if one else float("nan") for end in ("low", "high"))
    return best | dict(zip(("tau_low", "tau_high"), ends, strict=True))


def is_whole(tables: SweepTables) -> bool:
    """Whether every job that was asked for is complete."""
    return bool((tables.jobs["state"] == "complete").all()) and len(tables.jobs) >= int(tables.status["asked"])


def _write_tables(tables: SweepTables, folder: Path) -> None:
    """The tables of the page as CSV, those for a paper as LaTeX too, and every gathered number as CSV."""
    ranked, best = gathered_table(tables), best_table(tables)
    write_text(folder / "ranked.tex", ranked.latex())
    write_text(folder / "settings.tex", best.latex())
    numbers = {"ranked": ranked.numbers, "settings": best.numbers, "jobs": tables.jobs, "gathered": tables.gathered,
               "gathered_targets": tables.gathered_targets, "ranks": tables.ranks}  # fmt: skip
    for name, frame in numbers.items():
        write_text(folder / f"{name}.csv", csv(frame))


def _context(tables: SweepTables, out: Path) -> dict[str, Any]:
    """Everything the templates may name."""
    return {
        "title": visible(tables.place.name if tables.place.name != "gathered" else out.name),
        "swept": sentences.title(tables),
        "counts": sentences.counts(tables),
        "whole": is_whole(tables),
        "question": sentences.question(tables),
        "answer": sentences.answer(tables),
        "cautions": sentences.cautions(tables) if tables.settings else [],
        "grids": _grids(tables),
        "jobs": _jobs(tables, out),
        "run": _run(tables),
        "environment": {str(key): str(value) for key, value in tables.status["environment"].items()},
    }


def _grids(tables: SweepTables) -> list[Grid]:
    """The tables of the page: the best of each setting, all predictors, and τ at every budget; none without runs."""
    if not tables.settings:
        return []
    several = len(tables.settings) > 1
    best = (
        "The predictor of highest mean τ at the last step of each setting. Δτ is paired, to the best other baseline of "
        "the setting. The best of many is subject to selection bias (winner's curse): expect less on new runs."
    )
    note = (
        f"Kendall τ-b at the last step, mean over run seeds, with {tables.percent()} intervals in brackets; higher is "
        f"better. Rank: {_rank_key(tables)}, 1 is best."
    )
    if not several:
        note += (
            " sd: between run seeds. Δτ is paired, over the same architectures and draws, to the best other baseline."
        )
    grids = [Grid("Best in each setting", best_table(tables), best, wide=True, heading=False)] if several else []
    grids.append(Grid("Ranked table", gathered_table(tables), note, wide=True, heading=False))
    for setting in tables.settings:
        if (tables.gathered["setting"] == setting).sum() > len(tables.at(setting)):
            title = Text("Mean τ at every budget", f", {setting}" if several else "")
            grids.append(Grid(title, budgets_table(tables, setting), folded=True, wide=True))
        if (tables.gathered_targets["setting"] == setting).any():
            title = Text("Mean τ with further ground truths", f", {setting}" if several else "")
            grids.append(Grid(title, targets_table(tables, setting), TARGETS_NOTE, folded=True, wide=True))
    return grids


def _rank_key(tables: SweepTables) -> str:
    """What the column of ranks is."""
    many = tables.blocks_explained()
    return "in the one run" if many == "1 run" else f"average over {many}"


def _jobs(tables: SweepTables, out: Path) -> list[dict[str, str]]:
    """The rows of the table of jobs; `link` leads from the page to the job's own report, if that is there."""
    rows = []
    for job in tables.jobs.to_dict("records"):
        page = (tables.place / str(job["report"]) / "index.html") if job["report"] else None
        link = _link(page.resolve(), out.resolve()) if page and page.is_file() else ""
        texts = {key: visible(str(job[key])) for key in ("job", "setting", "state", "reason")}
        rows.append(texts | {"seed": _count(job["seed"]), "n": _count(job["n"]), "link": link})
    return rows


def _count(value: int | None) -> str:
    return NONE if pd.isna(value) else str(value)


def _link(page: Path, out: Path) -> str:
    path = Path(relative_path(page, out))
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())  # a colon would make it another scheme


def _run(tables: SweepTables) -> dict[str, str]:
    """How it was run and judged."""
    status = tables.status
    friedman = status["friedman"]["statistic"]
    known = {
        "command": status.get("command"),
        "varied": _varied(status["varied"], status["followed"]),
        "run seeds": ", ".join(map(str, tables.seeds)),
        "interval": f"{plain(tables.percent())}, {status['bootstrap']} draws",
        "seed of the draws": status.get("seed"),
        "ranks are over": tables.blocks_explained() if status["blocks"] else None,
        "Friedman's statistic": f"{friedman:.2f} (p = {status['friedman']['p']:.2g})" if friedman is not None else None,
        "Nemenyi's critical difference": _two(status["critical_difference"]),
        "training, the same in all runs": _flat(status["recipe"]),
        "network, the same in all runs": _flat(status["network"]),
    }
    return {key: visible(str(value)) for key, value in known.items() if value not in (None, "")}


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
