"""From stored tables to a report folder: figures, tables, one page in HTML and one in Markdown."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report.config import ReportConfig, figure_module
from harness.report.run_tables import RunTables, read
from harness.schema import digest, settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from harness.report.elements import Drawn
    from harness.report.sweep.sweep_tables import SweepTables


def write(results: Path, out: Path, report: ReportConfig) -> Path:
    """Path of the index.html that was written, with report.md, tables/ and figures/ beside it.

    `results` is the folder of stored tables, of which alone everything is drawn; equal tables give equal bytes.
    Files of an earlier report in `out` are replaced, others left alone. Raises BadInput where a table or a column is
    missing.
    """
    from harness.report import sentences
    from harness.report.page import write_pages
    from harness.report.paper import write_sentences
    from harness.report.tables import write_sheets

    tables = read(results)
    if report.tensorboard:
        from harness.report.event_files import write_board

        write_board(tables, out / "tensorboard")
    (out / "figures").mkdir(parents=True, exist_ok=True)
    drawn = draw(tables, out / "figures", report)
    sheets, said = write_sheets(tables, out / "tables"), sentences.named(tables)
    captions = {figure.name: f"Not drawn: {figure.missing}." if figure.missing else figure.caption for figure in drawn}
    write_sentences(said, captions, out / "tables" / "sentences.tex")
    return write_pages(tables, out, said, drawn, sheets, _stamp(results, report))


def stands(results: Path, out: Path, report: ReportConfig) -> bool:
    """Whether the page in `out` was already drawn from just these results with just this configuration."""
    page = out / "index.html"
    return page.is_file() and f'content="{_stamp(results, report)}"' in page.read_text(encoding="utf-8")[:1000]


def _stamp(results: Path, report: ReportConfig) -> str:
    """Names the run, the configuration and the code that a page was drawn from."""
    return digest([(results / "status.json").read_text(encoding="utf-8"), settings(report), _code()])[:16]


@cache
def _code() -> dict[str, str]:
    """Digests of this room's files, templates and styles among them."""
    folder = Path(__file__).parent
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".css", ".js", ".jinja"))
    return {str(path.relative_to(folder)): digest(path.read_text(encoding="utf-8")) for path in files}


def draw(tables: RunTables | SweepTables, folder: Path, report: ReportConfig) -> list[Drawn]:
    """Draw every figure of the report into the folder as PNG and PDF; gives what the pages need of each."""
    import matplotlib

    from harness.report.elements import Drawn
    from harness.report.figures import NothingToDraw
    from harness.report.style import palette

    drawn = []
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a reader's own matplotlibrc changes nothing
        matplotlib.rcParams.update(palette.settings(report.font_size))  # type: ignore[arg-type]
        for name in report.figures:
            module, stem = importlib.import_module(figure_module(name)), name.rsplit(".", 1)[-1]
            said: dict[str, Any] = {
                "caption": module.caption(tables, report),
                "section": getattr(module, "SECTION", ""),
            }
            try:
                figure = module.draw(tables, report)
            except NothingToDraw as nothing:
                for ending in ("png", "pdf"):
                    (folder / f"{stem}.{ending}").unlink(missing_ok=True)
                drawn.append(Drawn(stem, **said, missing=str(nothing)))
                continue
            svg = save(figure, folder / stem, report.dpi)
            drawn.append(Drawn(stem, **said, svg=svg, width=float(figure.get_figwidth())))
    return drawn


def save(figure: Figure, stem: Path, dpi: int) -> str:
    """Write PNG and PDF without dates or versions, so that the bytes change only with the tables; gives the SVG."""
    from io import StringIO

    figure.savefig(f"{stem}.png", dpi=dpi, metadata={"Software": None})
    figure.savefig(f"{stem}.pdf", dpi=dpi, metadata={"CreationDate": None, "Creator": None, "Producer": None})
    text = StringIO()
    figure.savefig(text, format="svg", dpi=dpi, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return text.getvalue()
