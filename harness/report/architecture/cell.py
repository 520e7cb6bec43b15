"""An architecture's cell as a graph: nodes, and edges coloured and named by their operations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import BoxStyle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from harness.report.architecture.graph_layout import Layout, Point, lay_out
from harness.report.numbers import words
from harness.report.style.labels import width
from harness.report.style.palette import DOUBLE, GREY, INK, SINGLE

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

NOTHING, DOTS = "none", "#A0A0A0"
"""The operation that passes nothing on, and the colour of its dots."""

COLOURS = ("#0072B2", "#B84E00", "#00795A", "#A8467D", "#7A4B1E", "#4A3FA0", "#6B6B00", "#8B1E3F")
"""Okabe and Ito's, darkened until small text in them reads well on white; names stand beside, so they may recur."""

ROW, GAP, EDGE = 0.29, 0.1, 0.04
"""In inches: height of a row of edges, least gap between columns, margin left and right."""

Edge = tuple[str, str, str]


def draw_cell(edges: Sequence[Edge], operations: Sequence[str], report: ReportConfig) -> Figure:
    """The graph of (source, target, operation) edges from left to right, as wide as its names need.

    `operations` are those of the whole run, in an order that gives each the same colour in every figure of it. Edges
    that carry nothing from an input to an output are grey, those that pass nothing on dotted and without a name.
    """
    size = report.font_size - 1
    layout = lay_out([(source, target) for source, target, _ in edges])
    halves = _halves(edges, layout, size)
    wanted = sum(a + b + GAP for a, b in pairwise(halves)) + halves[0] + halves[-1] + 2 * EDGE
    wide = min(max(wanted, SINGLE), DOUBLE)
    if wanted > wide:  # smaller type
        size *= wide / wanted
        halves = _halves(edges, layout, size)
    gap = (wide - 2 * EDGE - halves[0] - halves[-1] - sum(a + b for a, b in pairwise(halves))) / max(len(halves) - 1, 1)
    xs = list(accumulate((a + b + gap for a, b in pairwise(halves)), initial=EDGE + halves[0]))
    low, high = layout.span
    tall = ROW * (high - low + 1.3)
    figure = Figure(figsize=(wide, tall))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    axes.set_xlim(0, wide)
    axes.set_ylim(0, tall)

    def inches(point: Point) -> Point:
        return xs[int(point[0])], (point[1] - low + 0.65) * ROW

    routes = _docked(edges, [[inches(point) for point in route] for route in layout.routes], size)
    for edge, route, carries in zip(edges, routes, carrying(edges), strict=True):
        _edge(axes, edge, route, _colour(edge[2], operations) if carries else GREY, carries, size)
    for node, place in layout.nodes.items():
        _box(axes, node, inches(place), size)
    return figure


def carrying(edges: Sequence[Edge]) -> list[bool]:
    """Whether each edge lies on a path of operations from an input of the graph to an output of it."""
    sources, targets = {source for source, _, _ in edges}, {target for _, target, _ in edges}
    passing = [(source, target) for source, target, operation in edges if operation != NOTHING]
    reached = _spread(sources - targets, passing)
    needed = _spread(targets - sources, [(target, source) for source, target in passing])
    return [operation != NOTHING and s in reached and t in needed for s, t, operation in edges]


def _spread(start: set[str], links: Sequence[tuple[str, str]]) -> set[str]:
    found: set[str] = set()
    fresh = set(start)
    while fresh:
        found |= fresh
        fresh = {b for a, b in links if a in fresh} - found
    return found


def label(operation: str) -> str:
    """The operation's name as a reader wants it: nor_conv_3x3 is nor conv 3×3."""
    return re.sub(r"(?<=\d)x(?=\d)", "×", words(operation))


def _colour(operation: str, operations: Sequence[str]) -> str:
    known = [name for name in operations if name != NOTHING]
    return COLOURS[known.index(operation) % len(COLOURS)]


def _halves(edges: Sequence[Edge], layout: Layout, size: float) -> list[float]:
    """Half the width of the widest node or name in each column, in inches."""
    halves = [0.0] * layout.columns
    for node, (x, _) in layout.nodes.items():
        halves[int(x)] = max(halves[int(x)], _half(node, size))
    for (_, _, operation), route in zip(edges, layout.routes, strict=True):
        if operation != NOTHING:
            at = int(route[_named(route)][0])
            halves[at] = max(halves[at], width(label(operation), size) / 2 / 72)
    return halves


def _half(node: str, size: float) -> float:
    """Half the width of a node in inches."""
    return max(width(words(node), size) / 2 + 4, size * 0.95) / 72


def _named(route: Sequence[Point]) -> int:
    """The place in a route where its name stands: of those between columns of nodes, the middle one."""
    return 2 * ((len(route) - 1) // 4) + 1


def _docked(edges: Sequence[Edge], routes: Sequence[Sequence[Point]], size: float) -> list[list[Point]]:
    """The routes, ended at the sides of their nodes, where those of one side keep apart in the order they come in."""
    docked = [list(route) for route in routes]
    for side, end, beside, sign in ((0, 0, 1, 1), (1, -1, -2, -1)):
        for node in {edge[side] for edge in edges}:
            here = sorted((i for i, edge in enumerate(edges) if edge[side] == node), key=lambda i: routes[i][beside][1])
            gap = min(0.6 * size, 1.5 * size / max(len(here) - 1, 1)) / 72
            for place, i in enumerate(here):
                x, y = routes[i][end]
                docked[i][end] = (x + sign * _half(node, size), y + (place - (len(here) - 1) / 2) * gap)
    return docked


def _box(axes: Axes, name: str, place: Point, size: float) -> None:
    half, tall = _half(name, size), size * 0.95 / 72
    round_box = BoxStyle("Round", pad=0, rounding_size=tall)
    axes.add_patch(
        FancyBboxPatch((place[0] - half, place[1] - tall), 2 * half, 2 * tall, boxstyle=round_box, facecolor="white",
                       edgecolor=INK, linewidth=0.8, zorder=3)
    )  # fmt: skip
    axes.text(*place, words(name), ha="center", va="center_baseline", fontsize=size, color=INK, zorder=4)


def _edge(axes: Axes, edge: Edge, route: Sequence[Point], colour: str, carries: bool, size: float) -> None:
    operation = edge[2]
    nothing = operation == NOTHING
    axes.add_patch(
        FancyArrowPatch(
            path=_curve(route),
            arrowstyle="-" if nothing else "-|>,head_length=2.6,head_width=1.2",
            linewidth=0.5 if nothing else 1.5 if carries else 0.8,
            linestyle=(0, (1, 2.5)) if nothing else "-",
            color=DOTS if nothing else colour, shrinkA=0, shrinkB=0, joinstyle="miter", zorder=1 if nothing else 2,
        )
    )  # fmt: skip
    if not nothing:
        box = {"boxstyle": "square,pad=0.12", "fc": "white", "ec": "none"}
        axes.text(*route[_named(route)], label(operation), ha="center", va="center_baseline", fontsize=size,
                  color=colour, zorder=3, bbox=box)  # fmt: skip


def _curve(points: Sequence[Point]) -> Path:
    """A smooth line through the points, level at each of them."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (x0 + x1) / 2
        vertices += [(middle, y0), (middle, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
    return Path(vertices, codes)
