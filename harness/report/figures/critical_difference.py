"""Average ranks of predictors over the runs of a sweep, with bars over those that are not told apart."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.figures import NothingToDraw
from harness.report.style.labels import family_key, width
from harness.report.style.palette import GREY, INK, SINGLE, colour, ink, marker
from harness.report.sweep.sweep_tables import SweepTables

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

LANE = 0.075
"""Inches from one bar to the next."""


def caption(tables: SweepTables, report: ReportConfig) -> str:
    """What the figure shows."""
    status = tables.status
    said = {
        "nemenyi": "Bars join predictors that Nemenyi's test does not tell apart (critical difference above).",
        "wilcoxon-holm": "Bars join predictors of which no two are told apart by Wilcoxon's signed ranks with Holm's "
        "adjustment over all pairs.",
        "friedman": "One bar joins them all, as Friedman's test does not reject that they rank alike.",
        "": f"Nothing is tested: {status['note']}.",
    }[status["groups_by"]]
    blocks = f"Average rank by Kendall τ at the last step over {tables.blocks_explained()}; 1 is best."
    apart = " Runs that differ in the seed alone are not independent data sets." if status["groups_by"] else ""
    return f"{blocks} {said}{apart} {tables.basis()}"


def draw(tables: SweepTables, report: ReportConfig) -> Figure:
    """A critical-difference diagram (Demšar 2006) set upright, so that any number of names stays readable."""
    ranks, size = tables.ranks, report.font_size
    if len(ranks) < 2:
        raise NothingToDraw(str(tables.status["note"]) or "fewer than two predictors have a τ in every run")
    families = list(dict.fromkeys(ranks["family"]))
    lanes = _lanes(_stretches(tables))
    right = 0.06 + LANE * (max((lane for _, _, lane in lanes), default=-1) + 1)
    foot, top = 0.28 + 0.14 * ceil(len(families) / 3), 0.62 if tables.status["groups_by"] == "nemenyi" else 0.42
    height = (size + 3) / 72 * (len(ranks) + 0.6) + foot + top
    wide = max(SINGLE, SINGLE - 0.3 + right)
    figure = Figure(figsize=(wide, height))
    left = (max(width(str(name), size) for name in ranks["predictor"]) + 10) / 72 / wide
    axes = figure.add_axes((left, foot / height, 1 - left - (right + 0.08) / wide, 1 - (foot + top) / height))
    _axis(axes, tables, size)
    for y, row in enumerate(ranks.to_dict("records")):
        family = str(row["family"])
        axes.plot([0, row["rank"]], [y, y], color="#E4E4E4", lw=0.5, zorder=0)
        axes.plot(row["rank"], y, marker(family), color=colour(family), ms=3.8, mec=INK, mew=0.3, clip_on=False)
    for first, last, lane in lanes:
        x = 1 + (0.06 + LANE * lane) / (axes.get_position().width * wide)
        axes.plot([x, x], [first - 0.3, last + 0.3], transform=axes.get_yaxis_transform(), clip_on=False, color=INK,
                  lw=1.8, solid_capstyle="butt")  # fmt: skip
    family_key(figure, families, y=0.06 / height, columns=3, left=0.03)
    return figure


def _axis(axes: Axes, tables: SweepTables, size: float) -> None:
    """Ranks along the top, best at the left, with the critical difference as a ruler above where one was used."""
    ranks = tables.ranks["rank"].to_numpy(dtype=float)
    critical = tables.status["critical_difference"] if tables.status["groups_by"] == "nemenyi" else None
    low, high = float(ranks.min()), float(ranks.max())
    if critical:
        high = max(high, low + float(critical))
    room = max((high - low) * 0.05, 0.2)
    axes.set_xlim(low - room, high + room)
    axes.set_ylim(len(ranks) - 0.4, -0.7)
    axes.set_yticks(range(len(ranks)), tables.ranks["predictor"], fontsize=size)
    for tick, family in zip(axes.get_yticklabels(), tables.ranks["family"], strict=True):
        tick.set_color(ink(str(family)))
    axes.tick_params(axis="y", length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.spines["top"].set_visible(True)
    axes.xaxis.tick_top()
    axes.locator_params(axis="x", nbins=6, steps=[1, 2, 5, 10])
    axes.set_xticks([1, *(tick for tick in axes.get_xticks() if max(low - room, 1 + room) < tick < high + room)]
                    if low - room <= 1 else axes.get_xticks())  # fmt: skip
    axes.set_xlim(low - room, high + room)
    axes.set_xlabel("average rank", labelpad=3)
    axes.xaxis.set_label_position("top")
    if critical:
        figure_height = axes.get_position().height * axes.figure.get_figheight()  # type: ignore[union-attr]
        y = 1 + 0.46 / figure_height
        axes.annotate("", (low, y), (low + float(critical), y), xycoords=axes.get_xaxis_transform(),
                      textcoords=axes.get_xaxis_transform(), annotation_clip=False,
                      arrowprops={"arrowstyle": "|-|,widthA=0.25,widthB=0.25", "lw": 0.9, "color": INK, "shrinkA": 0,
                                  "shrinkB": 0})  # fmt: skip
        axes.annotate(f"CD = {float(critical):.2f}", (low + float(critical) / 2, y), xytext=(0, 2.5),
                      xycoords=axes.get_xaxis_transform(), textcoords="offset points", ha="center", va="bottom",
                      fontsize=size - 1, color=GREY, annotation_clip=False)  # fmt: skip


def _stretches(tables: SweepTables) -> list[tuple[int, int]]:
    """Rows (first, last) of each group, in order."""
    first, last = (tables.ranks[key].to_numpy(dtype=int) for key in ("first_group", "last_group"))
    inside = [np.flatnonzero((first <= group) & (last >= group) & (first > 0)) for group in range(1, last.max() + 1)]
    return [(int(rows.min()), int(rows.max())) for rows in inside]


def _lanes(stretches: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """The stretches with the first lane each, from the left, in which it meets no other."""
    ends: list[int] = []
    placed = []
    for first, last in stretches:
        free = next((lane for lane, end in enumerate(ends) if end < first), len(ends))
        ends[free : free + 1] = [last]
        placed.append((first, last, free))
    return placed
