"""Kendall τ at the last budget, one row a predictor, with the ceiling."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.figures import NothingToDraw
from harness.report.run_tables import RunTables
from harness.report.style.labels import family_key, width
from harness.report.style.palette import BAND, DOUBLE, GREY, INK, SINGLE, colour, ink, marker, size_of

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

SECTION = "ranking"

ONE_PANEL = 36
"""With more predictors than this the figure is two columns wide."""


def caption(tables: RunTables, report: ReportConfig) -> str:
    """What the figure shows."""
    ceiling = " The band reaches from retraining to oracle." if tables.band else ""
    return (
        f"Kendall τ {tables.moment} with {tables.percent} intervals. Filled: all architectures; hollow: "
        f"the better half of them.{ceiling} {tables.basis()}"
    )


def draw(tables: RunTables, report: ReportConfig) -> Figure:
    """Rows sorted by τ, best at the top, in two panels where one would be longer than a page; a predictor without a τ
    keeps its row, at the foot, and says so."""
    rows = tables.final
    if rows["tau"].notna().sum() == 0:
        raise NothingToDraw("no predictor has a Kendall τ at the last budget")
    families = list(dict.fromkeys(rows["family"]))
    panels = 1 if len(rows) <= ONE_PANEL else 2
    wide, each = (SINGLE, DOUBLE)[panels - 1], ceil(len(rows) / panels)
    line, foot = (report.font_size + 4) / 72, 0.5 + 0.14 * ceil(len(families) / (3 * panels))
    height = line * (each + 0.6) + foot + 0.2
    figure = Figure(figsize=(wide, height))
    names = min((max(width(name, report.font_size) for name in rows["predictor"]) + 10) / 72, 0.5 * wide / panels)
    limits = _limits(tables, rows)
    for at in range(panels):
        left = at * wide / panels + names
        axes = figure.add_axes((left / wide, foot / height, 0.97 / panels - names / wide, 1 - (foot + 0.2) / height))
        _panel(axes, tables, rows.iloc[at * each : (at + 1) * each], each, report)
        axes.set_xlim(*limits)
    family_key(figure, families, y=0.06 / height, columns=3 * panels, left=0.03)
    return figure


def _panel(axes: Axes, tables: RunTables, rows: pd.DataFrame, each: int, report: ReportConfig) -> None:
    """One column of rows, the first at the top; the last column may be shorter."""
    _ceiling(axes, tables, report)
    for at, row in enumerate(rows.to_dict("records")):
        _row(axes, each - 1 - at, {str(k): v for k, v in row.items()}, report)
    axes.set_yticks(each - 1 - np.arange(len(rows)), rows["predictor"], fontsize=report.font_size)
    for tick, family in zip(axes.get_yticklabels(), rows["family"], strict=True):
        tick.set_color(ink(family))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.8, each - 0.2)
    axes.axvline(0, color=GREY, lw=0.5, zorder=0)
    axes.set_xlabel("Kendall τ")


def _limits(tables: RunTables, rows: pd.DataFrame) -> tuple[float, float]:
    ends = rows[["tau_low", "tau_high", "tau", "tau_half"]].to_numpy(dtype=float).ravel()
    ends = np.concatenate([ends, tables.band, [0.0]])
    low, high = float(np.nanmin(ends)), float(np.nanmax(ends))
    return low - 0.04, min(high + 0.04, 1.02)


def _ceiling(axes: Axes, tables: RunTables, report: ReportConfig) -> None:
    taus = tables.band
    if not taus:
        return
    axes.axvspan(min(taus), max(taus), color=BAND, lw=0, zorder=0)
    if len(taus) == 1 or max(taus) - min(taus) < 0.004:
        axes.axvline(max(taus), color=BAND, lw=2, zorder=0)
    middle = (min(taus) + max(taus)) / 2
    axes.annotate("ceiling", (middle, 1), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
                  ha="center", va="bottom", fontsize=report.font_size - 1, color=GREY)  # fmt: skip


def _row(axes: Axes, y: int, row: dict[str, float], report: ReportConfig) -> None:
    family, tau = str(row["family"]), row["tau"]
    if not np.isfinite(tau):
        axes.text(0.01, y, str(row["note"] or "no τ"), transform=axes.get_yaxis_transform(), va="center", color=GREY,
                  fontsize=report.font_size - 1)  # fmt: skip
        return
    axes.plot([row["tau_low"], row["tau_high"]], [y, y], color=colour(family), lw=1.1, solid_capstyle="butt")
    axes.plot(tau, y, marker(family), color=colour(family), ms=4.2 * size_of(family), mec=INK, mew=0.3)
    axes.plot(row["tau_half"], y, marker(family), mfc="white", mec=colour(family), ms=3.4 * size_of(family), mew=0.8)
