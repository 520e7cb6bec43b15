"""Average ranks of predictors over the runs of a sweep; bars join those without a significant difference."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

from harness.report.figures import NothingToDraw
from harness.report.style.by_family import colour_names, move_legend, scatter
from harness.report.style.palette import GREY, INK, SINGLE
from harness.report.sweep.sweep_tables import SweepTables

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

LANE = 0.075
"""Inches from one bar to the next."""


def caption(tables: SweepTables, report: ReportConfig) -> str:
    """What the figure shows."""
    status = tables.status
    joined = {
        "nemenyi": "Bars join predictors whose difference is not significant by Nemenyi's test (critical "
        "difference above).",
        "wilcoxon-holm": "Bars join predictors of which no two differ significantly by Wilcoxon's signed-rank test "
        "with Holm's adjustment over all pairs.",
        "friedman": "One bar joins them all, as Friedman's test does not reject that they rank alike.",
        "": f"No test: {status['note']}.",
    }[status["groups_by"]]
    blocks = f"Average rank by Kendall τ at the last step over {tables.blocks_explained()}; 1 is best."
    seeds = " Runs that differ in the seed alone are not independent data sets." if status["groups_by"] else ""
    return f"{blocks} {joined}{seeds} {tables.basis()}"


def draw(tables: SweepTables, report: ReportConfig) -> Figure:
    """A critical-difference diagram (Demšar 2006) with one row per predictor: any number of names fits."""
    ranks, size = tables.ranks.assign(row=range(len(tables.ranks))), report.font_size
    if len(ranks) < 2:
        raise NothingToDraw(str(tables.status["note"]) or "fewer than two predictors have a τ in every run")
    height = (size + 3) / 72 * (len(ranks) + 0.6) + 0.75 + 0.15 * ceil(ranks["family"].nunique() / 3)
    figure = Figure(figsize=(SINGLE, height), layout="constrained")
    axes = figure.subplots()
    axes.hlines(ranks["row"], 0, ranks["rank"], color="#E4E4E4", lw=0.5, zorder=0)
    scatter(axes, ranks, "rank", "row", ranks["family"])
    axes.set_yticks(ranks["row"], ranks["predictor"], fontsize=size)
    axes.set_ylim(len(ranks) - 0.4, -0.7)
    colour_names(axes, ranks["family"])
    critical = tables.status["critical_difference"] if tables.status["groups_by"] == "nemenyi" else None
    _set_rank_axis(axes, ranks["rank"].to_numpy(dtype=float), float(critical or 0.0))
    if critical:
        _draw_ruler(axes, float(ranks["rank"].min()), float(critical), size)
    for first, last, lane in _assign_lanes(_group_rows(tables)):
        axes.plot([1, 1], [first - 0.3, last + 0.3], clip_on=False, color=INK, lw=1.8, solid_capstyle="butt",
                  transform=axes.get_yaxis_transform() + _shift(axes, 0.06 + LANE * lane, 0))  # fmt: skip
    move_legend(figure, columns=3)
    return figure


def _shift(axes: Axes, right: float, up: float) -> ScaledTranslation:
    """A transform by so many inches."""
    assert isinstance(axes.figure, Figure)
    return ScaledTranslation(right, up, axes.figure.dpi_scale_trans)


def _set_rank_axis(axes: Axes, ranks: NDArray[np.float64], critical: float) -> None:
    """Ranks along the top, best at the left."""
    low, high = float(ranks.min()), max(float(ranks.max()), float(ranks.min()) + critical)
    room = max((high - low) * 0.05, 0.2)
    axes.set_xlim(low - room, high + room)
    axes.spines["bottom"].set_visible(False)
    axes.spines["top"].set_visible(True)
    axes.xaxis.tick_top()
    axes.locator_params(axis="x", nbins=6, steps=[1, 2, 5, 10])
    axes.set_xlabel("average rank", labelpad=3)
    axes.xaxis.set_label_position("top")


def _draw_ruler(axes: Axes, low: float, critical: float, size: float) -> None:
    """The critical difference as a length of the axis, above it."""
    above = axes.get_xaxis_transform() + _shift(axes, 0, 0.46)
    axes.plot([low, low + critical], [1, 1], "|-", transform=above, color=INK, lw=0.9, ms=5, mew=0.9, clip_on=False)
    axes.text(low + critical / 2, 1, f"CD = {critical:.2f}", transform=above + _shift(axes, 0, 0.05), ha="center",
              va="bottom", fontsize=size - 1, color=GREY)  # fmt: skip


def _group_rows(tables: SweepTables) -> list[tuple[int, int]]:
    """Rows (first, last) of each group, in order."""
    first, last = (tables.ranks[key].to_numpy(dtype=int) for key in ("first_group", "last_group"))
    inside = [np.flatnonzero((first <= group) & (last >= group) & (first > 0)) for group in range(1, last.max() + 1)]
    return [(int(rows.min()), int(rows.max())) for rows in inside]


def _assign_lanes(groups: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """The groups with the first lane each, from the left, in which it meets no other."""
    ends: list[int] = []
    placed = []
    for first, last in groups:
        free = next((lane for lane, end in enumerate(ends) if end < first), len(ends))
        ends[free : free + 1] = [last]
        placed.append((first, last, free))
    return placed
