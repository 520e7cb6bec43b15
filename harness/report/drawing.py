"""Figures on paper and on the page: PNG, PDF and SVG of every figure of a report."""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.processes.workers import OneMachine, Workers
from harness.report.config import NothingToDraw, ReportConfig, figure_module
from harness.report.elements import Drawn
from harness.report.style.theme import theme
from harness.schema.progress import Count, uncounted
from harness.storage.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure


METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""What each kind of file would say of the day and the program, so that equal figures would not be equal files."""


def draw_figures(
    tables: Any,
    folder: Path,
    report: ReportConfig,
    progress: Count = uncounted,
    workers: Workers = OneMachine(),  # noqa: B008  a frozen value
) -> list[Drawn]:
    """Draw every figure of the report into the folder as PNG and PDF; gives what the pages need of each.

    `tables` are those of a run or of a sweep, as the figures that the report names take them. How many `workers` there
    are changes no byte; they write into the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return workers.in_order(partial(_draw, tables, folder, report), report.figures, progress)


def _draw(tables: Any, folder: Path, report: ReportConfig, name: str) -> Drawn:
    """Draw one figure; where there is nothing to draw, its earlier files are deleted."""
    module, stem = importlib.import_module(figure_module(name)), name.rsplit(".", 1)[-1]
    with theme(report.font_size):
        caption, section = module.caption(tables, report), getattr(module, "SECTION", "")
        try:
            figure = module.draw(tables, report)
        except NothingToDraw as nothing:
            for ending in METADATA:
                (folder / f"{stem}.{ending}").unlink(missing_ok=True)
            return Drawn(stem, caption, section=section, missing=str(nothing))
        svg = save(figure, folder / stem, report.dpi)
    return Drawn(stem, caption, svg, float(figure.get_figwidth()), section=section)


def save(figure: Figure, stem: Path, dpi: int) -> str:
    """Write PNG and PDF without dates or versions, so that the bytes change only with the tables; gives the SVG."""
    from io import StringIO

    figure.draw_without_rendering()  # lays it out
    figure.set_layout_engine(None)  # once for all three; with "none" each savefig would draw twice

    for ending, metadata in METADATA.items():
        save_as = partial(figure.savefig, format=ending, dpi=dpi, metadata=metadata)
        write_atomically(stem.with_name(f"{stem.name}.{ending}"), save_as)
    text = StringIO()
    figure.savefig(text, format="svg", dpi=dpi, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return text.getvalue()
