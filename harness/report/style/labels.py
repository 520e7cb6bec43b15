"""Labels that stand beside what they name and never on one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from harness.report.numbers import words
from harness.report.style.palette import GREY, colour, marker
from harness.schema.families import FAMILIES

if TYPE_CHECKING:
    from harness.report.config import ReportConfig
    from harness.report.run_tables import RunTables

LINE = 1.25
"""Height of a line of text, in units of its font size."""


@dataclass(frozen=True)
class Label:
    """A text to stand right of the point (x, y), in data units, in this colour; size in points."""

    text: str
    x: float
    y: float
    colour: str
    size: float
    bold: bool = False


@cache
def width(text: str, size: float, bold: bool = False) -> float:
    """Width of a text in points."""
    if not text.strip():
        return 0.0
    properties = FontProperties(family="STIXGeneral", weight="bold" if bold else "normal")
    return float(TextPath((0, 0), text, size=size, prop=properties).get_extents().width)


def spread(wanted: Sequence[float] | NDArray[np.float64], gap: float, low: float, high: float) -> NDArray[np.float64]:
    """Places nearest to the wanted ones (least squares) that keep their order, `gap` apart, between `low` and `high`.

    Derived: places minus rank times gap must not decrease, so this is an isotonic regression. Too many to fit are set
    evenly over the whole height.
    """
    aims = np.asarray(wanted, dtype=float)
    if not aims.size:
        return aims
    gap = min(gap, (high - low) / max(len(aims) - 1, 1))
    order = np.argsort(aims, kind="stable")
    ladder = gap * np.arange(len(aims))
    places = np.empty_like(aims)
    places[order] = np.clip(isotonic_regression(aims[order] - ladder).x, low, high - ladder[-1]) + ladder
    return places


def beside(axes: Axes, labels: Sequence[Label], dx: float = 7.0, column: float | None = None) -> None:
    """Write labels right of their points, moved up or down so that none meets another, with a hairline to the point.

    `dx` is the distance in points; `column`, in data units, is where the texts begin if not right of their own point.
    Axes must have their final place and limits, as the texts are fitted to them.
    """
    if not labels:
        return
    points = 72 / axes.figure.dpi
    pixels = axes.transData.transform([(label.x, label.y) for label in labels]) * points
    box = axes.get_window_extent()
    gap = LINE * max(label.size for label in labels)
    heights = spread(pixels[:, 1], gap, box.y0 * points, box.y1 * points)
    start = None if column is None else axes.transData.transform((column, labels[0].y))[0] * points
    for label, (x, y), height in zip(labels, pixels, heights, strict=True):
        axes.annotate(
            label.text,
            (label.x, label.y),
            xytext=(dx if start is None else start + dx - x, height - y),
            textcoords="offset points",
            va="center",
            ha="left",
            fontsize=label.size,
            fontweight="bold" if label.bold else "normal",
            color=label.colour,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "lw": 0.35, "color": label.colour, "alpha": 0.55, "shrinkA": 0.5,
                        "shrinkB": 2.5, "relpos": (0, 0.5)},
            zorder=6,
            bbox={"boxstyle": "square,pad=0.06", "fc": "white", "ec": "none"},
        )  # fmt: skip


def clusters(places: NDArray[np.float64], room: NDArray[np.float64]) -> list[list[int]]:
    """Indices of points grouped from left to right, so that a group's texts (`room` wide) end before the next."""
    groups: list[list[int]] = []
    for at in np.argsort(places, kind="stable"):
        if groups and places[at] < max(places[groups[-1]]) + max(room[groups[-1]]):
            groups[-1].append(int(at))
        else:
            groups.append([int(at)])
    return groups


def unnamed(tables: RunTables, report: ReportConfig) -> str:
    """What a caption says where not every predictor is named; empty where all are."""
    scored = int(tables.final["tau"].notna().sum())
    if scored <= report.names:
        return ""
    return f"; of {scored} predictors the best few and the best of every family are named, the others are in the table"


def family_key(figure: Figure, families: Sequence[str], y: float, columns: int, left: float, hollow: str = "") -> None:
    """The key of families at the foot of a figure: marker and name, in one order everywhere; y, left in fractions.

    `hollow` says what a hollow marker of any family means, in an entry of its own.
    """
    order = [*[family for family in FAMILIES if family in families], *sorted(set(families) - set(FAMILIES))]
    handles = [
        Line2D([], [], ls="", marker=marker(family), ms=4, color=colour(family), label=words(family))
        for family in order
    ]
    if hollow:
        handles.append(Line2D([], [], ls="", marker="o", ms=4, mfc="white", mec=GREY, mew=1.0, label=hollow))
    figure.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(left, y), ncols=columns, handletextpad=0.1,
        columnspacing=1.0, borderpad=0, borderaxespad=0, labelspacing=0.3,
    )  # fmt: skip
