"""An architecture's cell as an arc diagram: nodes in a row, edges coloured and named by their operations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import BoxStyle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from harness.report.numbers import words
from harness.report.style.labels import width
from harness.report.style.palette import DOUBLE, GREY, INK, SINGLE

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

NOTHING, DOTS = "none", "#A0A0A0"
"""The operation that passes nothing on, and the colour of its dots."""

COLOURS = ("#0072B2", "#B84E00", "#00795A", "#A8467D", "#7A4B1E", "#4A3FA0", "#6B6B00", "#8B1E3F")
"""Okabe and Ito's, darkened until small text in them reads well on white; edges are named, so they may recur."""

LANE, MARGIN, GAP = 0.27, 0.05, 0.16
"""In inches: height of a lane of arcs; margin left and right; length of a line on either side of its name."""

Edge = tuple[str, str, str]


def draw_cell(edges: Sequence[Edge], operations: Sequence[str], report: ReportConfig) -> Figure:
    """The graph of (source, target, operation) edges from left to right, as wide as its names need.

    `operations` are those of the whole run, in an order that gives each the same colour in every figure of it. Edges
    that carry nothing from an input to an output are grey, those that pass nothing on dotted and without a name.
    Raises graphlib.CycleError where the graph has a cycle.
    """
    nodes = sort_nodes(edges)
    lanes = assign_lanes([(nodes.index(source), nodes.index(target)) for source, target, _ in edges])
    size = report.font_size - 1
    wanted = _measure(nodes, edges, size)
    wide = min(max(wanted, SINGLE), DOUBLE)
    size *= min(wide / wanted, 1)  # smaller type
    halves = {node: max(width(words(node), size) / 2 + 4, size * 0.95) / 72 for node in nodes}
    step = (wide - 2 * MARGIN - halves[nodes[0]] - halves[nodes[-1]]) / max(len(nodes) - 1, 1)
    places = {node: MARGIN + halves[nodes[0]] + at * step for at, node in enumerate(nodes)}
    low, high = (LANE * (abs(end) + 0.65) for end in (min(lanes, default=0), max(lanes, default=0)))
    figure = Figure(figsize=(wide, low + high))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, wide), ylim=(-low, high))
    axes.axis("off")
    for edge, lane, carries in zip(edges, lanes, carrying(edges), strict=True):
        start, end = places[edge[0]] + halves[edge[0]], places[edge[1]] - halves[edge[1]]
        _draw_edge(axes, edge[2], (start, end, LANE * lane), colour_of(edge[2], operations) if carries else GREY, size)
    for node in nodes:
        _draw_node(axes, words(node), places[node], halves[node], size)
    return figure


def sort_nodes(edges: Sequence[Edge]) -> list[str]:
    """The nodes in a topological order: every edge leads from an earlier one to a later one."""
    graph: dict[str, list[str]] = {}
    for source, target, _ in edges:
        graph.setdefault(source, [])
        graph.setdefault(target, []).append(source)
    return list(TopologicalSorter(graph).static_order())


def assign_lanes(spans: Sequence[tuple[int, int]]) -> list[int]:
    """The lane of each edge between places in the row: 0 is the row itself, 1, 2, … above it, -1, -2, … below.

    The shortest edges come first. Edges of one lane share no stretch of the row, and only one between neighbours is in
    the row itself, so that no line passes through a node and no name is on another.
    """
    taken: dict[int, list[tuple[int, int]]] = {}
    lanes = [0] * len(spans)
    for at in sorted(range(len(spans)), key=lambda at: (spans[at][1] - spans[at][0], spans[at])):
        start, end = spans[at]
        lane = 0 if end - start == 1 else 1
        while any(start < other_end and other_start < end for other_start, other_end in taken.get(lane, ())):
            lane = -lane if lane > 0 else 1 - lane  # 0, 1, -1, 2, -2, …
        taken.setdefault(lane, []).append((start, end))
        lanes[at] = lane
    return lanes


def _measure(nodes: Sequence[str], edges: Sequence[Edge], size: float) -> float:
    """The width in inches in which every name fits between two neighbours."""
    names = [width(label(operation), size) / 72 for _, _, operation in edges if operation != NOTHING]
    boxes = [2 * max(width(words(node), size) / 2 + 4, size * 0.95) / 72 for node in nodes]
    return 2 * MARGIN + max(boxes) * len(nodes) + (max(names, default=0) + 2 * GAP) * (len(nodes) - 1)


def carrying(edges: Sequence[Edge]) -> list[bool]:
    """Whether each edge lies on a path of operations from an input of the graph to an output of it."""
    sources, targets = {source for source, _, _ in edges}, {target for _, target, _ in edges}
    passing = [(source, target) for source, target, operation in edges if operation != NOTHING]
    reached = _reach(sources - targets, passing)
    needed = _reach(targets - sources, [(target, source) for source, target in passing])
    return [operation != NOTHING and s in reached and t in needed for s, t, operation in edges]


def _reach(start: set[str], links: Sequence[tuple[str, str]]) -> set[str]:
    found: set[str] = set()
    fresh = set(start)
    while fresh:
        found |= fresh
        fresh = {b for a, b in links if a in fresh} - found
    return found


def label(operation: str) -> str:
    """The operation's name as a reader wants it: nor_conv_3x3 is nor conv 3×3."""
    return re.sub(r"(?<=\d)x(?=\d)", "×", words(operation))


def colour_of(operation: str, operations: Sequence[str]) -> str:
    """The colour of an operation among those of the whole run."""
    known = [name for name in operations if name != NOTHING]
    return COLOURS[known.index(operation) % len(COLOURS)] if operation != NOTHING else GREY


def _draw_node(axes: Axes, name: str, x: float, half: float, size: float) -> None:
    tall = size * 0.95 / 72
    box = BoxStyle("Round", pad=0, rounding_size=tall)
    axes.add_patch(FancyBboxPatch((x - half, -tall), 2 * half, 2 * tall, boxstyle=box, facecolor="white", edgecolor=INK,
                                  linewidth=0.8, zorder=3))  # fmt: skip
    axes.text(x, 0, name, ha="center", va="center_baseline", fontsize=size, color=INK, zorder=4)


def _draw_edge(axes: Axes, operation: str, arc: tuple[float, float, float], colour: str, size: float) -> None:
    """A line from one x to another, over a height at which its name is written."""
    (start, end, height), nothing = arc, operation == NOTHING
    bend = min((end - start) / 2, 0.4)
    points = [(start, 0), (start + bend / 2, 0), (start, height), (start + bend, height), (end - bend, height),
              (end, height), (end - bend / 2, 0), (end, 0)]  # fmt: skip
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
    axes.add_patch(
        FancyArrowPatch(
            path=Path(points, codes) if height else Path([(start, 0), (end, 0)]),
            arrowstyle="-" if nothing else "-|>,head_length=2.6,head_width=1.2",
            linewidth=0.5 if nothing else 0.8 if colour == GREY else 1.5, linestyle=(0, (1, 2.5)) if nothing else "-",
            color=DOTS if nothing else colour, shrinkA=0, shrinkB=0, joinstyle="miter", zorder=1 if nothing else 2,
        )
    )  # fmt: skip
    if not nothing:
        box = {"boxstyle": "square,pad=0.12", "fc": "white", "ec": "none"}
        axes.text((start + end) / 2, height, label(operation), ha="center", va="center_baseline", fontsize=size,
                  color=colour, zorder=3, bbox=box)  # fmt: skip
