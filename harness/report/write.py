"""From stored tables to a report folder: figures, tables, one page in HTML and one in Markdown."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

from harness.files.lock import exclusive_lock
from harness.files.paths import demand_no_links
from harness.processes.workers import OneMachine, Workers
from harness.report.config import ReportConfig
from harness.report.run_files import read
from harness.report.text import Name, Text
from harness.schema import digest, settings
from harness.schema.progress import Count, uncounted
from harness.storage.files import SUMS, sums_faults, write_sums

FIGURES, TABLES = "figures", "tables"
"""Folders of a report."""

PAGES = ("index.html", "report.md", "index.json")
"""Files next to them; with each folder's SHA256SUMS, which is written last."""


def page_lock(out: Path) -> AbstractContextManager[None]:
    """No other process writes the page in `out` during the block; this one waits for another, and says so."""
    demand_no_links("reports", out)
    out.mkdir(parents=True, exist_ok=True)
    return exclusive_lock(out / ".lock", str(out), "writing", keep=True)


def write(
    results: Path,
    out: Path,
    report: ReportConfig,
    progress: Count = uncounted,
    workers: Workers = OneMachine(),  # noqa: B008  a frozen value
) -> Path:
    """Path of the index.html that was written, with report.md, index.json, tables/ and figures/ next to it.

    `results` is the folder of stored tables, of which alone everything is drawn; equal tables give equal bytes, but
    for TensorBoard's event files. Files of an earlier report in `out` are replaced, others left alone. Raises BadInput
    where a table or a column is missing, and where something in `out` is a symbolic link. `progress` counts figures,
    which `workers` draw.
    """
    from harness.report.drawing import draw_figures
    from harness.report.index import write_entry
    from harness.report.paper import write_sentences, write_shown
    from harness.report.run_page import write_pages
    from harness.report.sentences import write_all
    from harness.report.tables import write_tables

    demand_no_links("reports", out, FIGURES, TABLES, "tensorboard")
    tables = read(results)
    for folder in (out, out / FIGURES, out / TABLES):  # from here on the page is not whole
        (folder / SUMS).unlink(missing_ok=True)
    if report.tensorboard:
        from harness.report.event_files import write_events

        write_events(tables, out / "tensorboard")
    drawn = draw_figures(tables, out / FIGURES, report, progress, workers)
    displayed, sentences = write_tables(tables, out / TABLES), write_all(tables)
    captions = {
        figure.name: Text("Not drawn: ", figure.missing, ".") if figure.missing else Text(figure.caption)
        for figure in drawn
    }
    write_sentences(sentences, captions, out / TABLES / "sentences.tex")
    write_shown(tables.short_list, out / TABLES / "shown.tex")
    sentences["command"] = Text(Name(f"python -m harness.report {results.name}"))
    page = write_pages(tables, out, sentences, drawn, displayed, _stamp(results, report))
    write_entry(tables, page)
    for name in (FIGURES, TABLES):
        write_sums(out / name)
    write_sums(out, PAGES)
    return page


def is_current(results: Path, out: Path, report: ReportConfig) -> bool:
    """Whether the page in `out` was drawn from just these results with just this configuration, and is undamaged."""
    page = out / "index.html"
    if not page.is_file() or any(sums_faults(folder) for folder in (out, out / FIGURES, out / TABLES)):
        return False
    return f'content="{_stamp(results, report)}"' in page.read_text(encoding="utf-8", errors="replace")[:1000]


def _stamp(results: Path, report: ReportConfig) -> str:
    """Names the run, the configuration and the code that a page was drawn from."""
    return digest([(results / "status.json").read_text(encoding="utf-8"), settings(report), _code()])[:16]


@cache
def _code() -> dict[str, str]:
    """Digests of this room's files, templates and styles among them."""
    folder = Path(__file__).parent
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".css", ".js", ".jinja"))
    return {str(path.relative_to(folder)): digest(path.read_text(encoding="utf-8")) for path in files}
