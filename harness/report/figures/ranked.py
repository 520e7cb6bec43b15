"""Kendall τ at the last budget, one row per predictor, with the noise ceiling."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.figures import NothingToDraw
from harness.report.run_tables import RunTables
from harness.report.style.by_family import colour_names, move_legend, scatter
from harness.report.style.palette import BAND, DOUBLE, GREY, SINGLE, colour

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

SECTION = "ranking"

ONE_PANEL = 36
"""With more predictors than this the figure is two columns wide."""


def caption(tables: RunTables, report: ReportConfig) -> str:
    """What the figure shows."""
    ceiling = " The band is the noise ceiling, from retraining to oracle." if tables.band else ""
    return (
        f"Kendall τ {tables.moment} with {tables.percent} intervals. Marker: all architectures; vertical stroke: the "
        f"top 50 % of them.{ceiling} {tables.basis()}"
    )


def draw(tables: RunTables, report: ReportConfig) -> Figure:
    """Rows sorted by τ, best at the top, in two panels where one would be longer than a page; a predictor without a τ
    keeps its row, at the foot, and says so."""
    rows = tables.final
    if rows["tau"].notna().sum() == 0:
        raise NothingToDraw("no predictor has a Kendall τ at the last budget")
    panels = 1 if len(rows) <= ONE_PANEL else 2
    each = ceil(len(rows) / panels)
    height = (report.font_size + 4) / 72 * each + 0.65 + 0.15 * ceil(rows["family"].nunique() / (3 * panels))
    figure = Figure(figsize=((SINGLE, DOUBLE)[panels - 1], height), layout="constrained")
    for at, axes in enumerate(figure.subplots(1, panels, sharex=True, squeeze=False)[0]):
        if tables.band:
            _shade_ceiling(axes, tables.band, report.font_size - 1)
        part = rows.iloc[at * each : (at + 1) * each].assign(row=range(len(rows[at * each : (at + 1) * each])))
        _draw_rows(axes, part, rows["family"], report.font_size)
        axes.set_ylim(each - 0.4, -0.6)
    move_legend(figure, columns=3 * panels)
    return figure


def _draw_rows(axes: Axes, rows: pd.DataFrame, families: pd.Series[str], size: float) -> None:
    axes.axvline(0, color=GREY, lw=0.5, zorder=0)
    scored = rows[rows["tau"].notna()]
    axes.hlines(
        scored["row"], scored["tau_low"], scored["tau_high"], colors=list(map(colour, scored["family"])), lw=1.1
    )
    scatter(axes, scored, "tau", "row", families)
    axes.scatter(scored["tau_half"], scored["row"], c=scored["family"].map(colour), marker="|", s=26, lw=1.2, zorder=2)
    for at, note in rows.loc[rows["tau"].isna(), ["row", "note"]].itertuples(index=False):
        reason = str(note).partition(";")[0] if note else "no τ"  # those of subsets are in the table
        written = axes.text(0.01, at, reason, transform=axes.get_yaxis_transform(), va="center", color=GREY,
                            fontsize=size - 1, clip_on=True)  # fmt: skip
        written.set_in_layout(False)  # a long reason ends at the panel's edge, and takes no room from it
    axes.set_yticks(rows["row"], rows["predictor"], fontsize=size)
    axes.set_xlabel("Kendall τ")
    colour_names(axes, rows["family"])


def _shade_ceiling(axes: Axes, band: list[float], size: float) -> None:
    """Shade the noise ceiling, a band of τ on the x axis, with its name above; a line where both ends are equal."""
    low, high = float(np.min(band)), float(np.max(band))
    axes.axvspan(low, high, facecolor=BAND, edgecolor=BAND, lw=2 if high - low < 0.004 else 0, zorder=0)
    axes.annotate("noise ceiling", ((low + high) / 2, 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
                  textcoords="offset points", ha="center", va="bottom", fontsize=size, color=GREY)  # fmt: skip
