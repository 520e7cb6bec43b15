"""Labels next to the points that they name, never on one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

LINE = 1.25
"""Height of a line of text, in units of its font size."""

DISTANCE = 11.0
"""From a point to its label, in points."""


@dataclass(frozen=True)
class Label:
    """A text right of the point (x, y), in data units, in this colour; size in points."""

    text: str
    x: float
    y: float
    colour: str
    size: float


@cache
def width(text: str, size: float) -> float:
    """Width of a text in points."""
    if not text.strip():
        return 0.0
    return float(TextPath((0, 0), text, size=size, prop=FontProperties(family="STIXGeneral")).get_extents().width)


def place_labels(axes: Axes, labels: Sequence[Label]) -> None:
    """Write labels right of their points, moved up or down so that none meets another, with a hairline to the point.

    Where points are close together their labels share one column. Axes must have their final place and limits, as the
    labels are fitted to them.
    """
    points = 72 / axes.figure.dpi
    places = axes.transData.transform([(label.x, label.y) for label in labels]) * points
    room = np.array([width(label.text, label.size) + DISTANCE + 7 for label in labels])
    box = axes.get_window_extent()
    for group in clusters(places[:, 0], room):
        line = LINE * max(labels[at].size for at in group)
        heights = spread(places[group, 1], line, box.y0 * points + line / 2, box.y1 * points - line / 2)
        for at, height in zip(group, heights, strict=True):
            shift = places[group, 0].max() + DISTANCE - places[at, 0], height - places[at, 1]
            _write(axes, labels[at], (float(shift[0]), float(shift[1])))


def _write(axes: Axes, label: Label, shift: tuple[float, float]) -> None:
    line = {"arrowstyle": "-", "lw": 0.35, "color": label.colour, "alpha": 0.55, "shrinkA": 0.5, "shrinkB": 2.5,
            "relpos": (0, 0.5)}  # fmt: skip
    axes.annotate(
        label.text, (label.x, label.y), xytext=shift, textcoords="offset points", va="center", ha="left",
        fontsize=label.size, color=label.colour, annotation_clip=False, arrowprops=line, zorder=6,
        bbox={"boxstyle": "square,pad=0.06", "fc": "white", "ec": "none"},
    )  # fmt: skip


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


def clusters(places: NDArray[np.float64], room: NDArray[np.float64]) -> list[list[int]]:
    """Indices of points grouped from left to right, so that a group's texts (`room` wide) end before the next."""
    groups: list[list[int]] = []
    for at in np.argsort(places, kind="stable"):
        if groups and places[at] < max(places[groups[-1]]) + max(room[groups[-1]]):
            groups[-1].append(int(at))
        else:
            groups.append([int(at)])
    return groups
