"""Kendall τ of every predictor in one run against that in another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from harness.report.figures import NothingToDraw
from harness.report.style.by_family import move_legend, scatter
from harness.report.style.labels import Label, place_labels, width
from harness.report.style.palette import DOUBLE, GREY, PALE, ink
from harness.report.two_runs.run_pair import RunPair
from harness.report.two_runs.sentences import found

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

NAMED = 14
"""Predictors that are named at most."""


def caption(both: RunPair, report: ReportConfig) -> str:
    """What the figure shows."""
    percent = both.runs[0].percent
    over = (
        f"over the {len(both.pairing.shared)} architectures that both runs have"
        if both.pairing.is_paired else "each over the run's own architectures"
    )  # fmt: skip
    return (
        f"Kendall τ of every predictor in run A (across) and in run B (up), {over}. Above the dashed diagonal B ranks "
        f"better. Lines: {percent} intervals of the predictors whose difference is significant; named are those of "
        "them with the largest difference, and the best in each run."
    )


def draw(both: RunPair, report: ReportConfig) -> Figure:
    """One marker per predictor, both axes alike; intervals and names where a difference is shown."""
    rows = both.differences[both.differences["difference"].notna()]
    if rows.empty:
        raise NothingToDraw("no predictor has a Kendall τ in both runs")
    shown, size = rows[found(both, rows)], report.font_size - 1
    named = _named(rows, shown)
    room = (max(width(name, size) for name in named["predictor"]) + 16) / 72 / DOUBLE
    figure = Figure(figsize=(DOUBLE, 4.6), layout=ConstrainedLayoutEngine(rect=(0, 0, 1 - room, 1)))
    axes = figure.subplots()
    low, high = min(rows["first"].min(), rows["second"].min()), max(rows["first"].max(), rows["second"].max())
    ends = low - 0.06 * (high - low) - 0.01, high + 0.06 * (high - low) + 0.01
    axes.plot(ends, ends, color=GREY, lw=0.8, ls=(0, (4, 2)), zorder=1)
    axes.hlines(shown["second"], shown["first_low"], shown["first_high"], color=PALE, lw=0.7, zorder=1)
    axes.vlines(shown["first"], shown["second_low"], shown["second_high"], color=PALE, lw=0.7, zorder=1)
    scatter(axes, rows, "first", "second", rows["family"])
    axes.set(xlim=ends, ylim=ends, xlabel="Kendall τ in run A", ylabel="Kendall τ in run B")
    move_legend(figure, 5)
    figure.draw_without_rendering()  # so that labels know their room
    figure.set_layout_engine("none")
    values = zip(named["predictor"], named["first"], named["second"], named["family"], strict=True)
    place_labels(axes, [Label(str(name), x, y, ink(str(of)), size) for name, x, y, of in values])
    return figure


def _named(rows: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """The rows that are named: the best in each run, then the largest differences of those that are shown."""
    best = [rows["first"].idxmax(), rows["second"].idxmax()]
    largest = shown["difference"].abs().sort_values(ascending=False, kind="stable").index
    return rows.loc[list(dict.fromkeys([*best, *largest]))[:NAMED]]
