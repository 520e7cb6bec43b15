"""Mean Kendall τ of every predictor in every setting of a sweep: dots with intervals, or a heat map."""

from __future__ import annotations

from math import ceil
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.figures import NothingToDraw
from harness.report.numbers import number
from harness.report.style.by_family import colour_names, move_legend, scatter
from harness.report.style.palette import DOUBLE, GREY, SINGLE, colour
from harness.report.sweep.sweep_tables import SweepTables

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

PANELS = 6
"""More settings than this do not fit next to each other as dots with intervals: a heat map is drawn instead."""


def caption(tables: SweepTables, report: ReportConfig) -> str:
    """What the figure shows."""
    order = "Predictors in order of their mean over settings." if len(tables.settings) > 1 else ""
    if len(tables.settings) > PANELS:
        shown = "Kendall τ at the last step of each setting, mean over run seeds, as colour and number; empty: no τ."
    else:
        shown = f"Kendall τ at the last step, mean over run seeds, with {tables.percent()} intervals."
    return " ".join(part for part in (shown, order, tables.basis()) if part)


def draw(tables: SweepTables, report: ReportConfig) -> Figure:
    """Rows are predictors, best mean τ at the top; columns or panels are settings, in the order of their jobs."""
    if not tables.last["tau"].notna().any():
        raise NothingToDraw("no run has a Kendall τ")
    return _draw_map(tables, report) if len(tables.settings) > PANELS else _draw_panels(tables, report)


def _draw_panels(tables: SweepTables, report: ReportConfig) -> Figure:
    order, size = tables.order, report.font_size
    wide, columns = (SINGLE, 3) if len(tables.settings) == 1 else (DOUBLE, 5)
    titles = [_wrap(setting, 60 // len(tables.settings)) for setting in tables.settings]
    height = (size + 4) / 72 * len(order) + 0.6 + 0.15 * ceil(order["family"].nunique() / columns)
    height += (max(title.count("\n") for title in titles) + 1) * size / 72
    figure = Figure(figsize=(wide, height), layout="constrained")
    grid = figure.subplots(1, len(titles), sharex=True, sharey=True, squeeze=False)[0]
    for axes, setting, title in zip(grid, tables.settings, titles, strict=True):
        rows = tables.at(setting).set_index("predictor").reindex(order["predictor"]).assign(row=range(len(order)))
        _draw_rows(axes, rows, order["family"], size)
        axes.set_title(title if len(titles) > 1 else "", fontsize=size - 1, pad=3)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    grid[0].set_yticks(range(len(order)), order["predictor"], fontsize=size)
    grid[0].set_ylim(len(order) - 0.4, -0.6)
    grid[0].locator_params(axis="x", nbins=4, steps=[1, 2, 2.5, 5, 10])
    colour_names(grid[0], order["family"])
    move_legend(figure, columns)
    return figure


def _draw_rows(axes: Axes, rows: pd.DataFrame, families: pd.Series[str], size: float) -> None:
    axes.axvline(0, color=GREY, lw=0.5, zorder=0)
    axes.grid(axis="y", color="#EEEEEE", lw=0.4)
    axes.set_axisbelow(True)
    scored = rows[rows["tau"].notna()]
    axes.hlines(scored["row"], scored["low"], scored["high"], colors=list(map(colour, scored["family"])), lw=1.1)
    scatter(axes, scored, "tau", "row", families)
    for row in rows.loc[rows["tau"].isna(), "row"]:
        axes.text(0.02, row, "no τ", transform=axes.get_yaxis_transform(), va="center", color=GREY, fontsize=size - 2)
    axes.set(xlabel="Kendall τ", ylabel="")


def _draw_map(tables: SweepTables, report: ReportConfig) -> Figure:
    order, size = tables.order, report.font_size
    table = tables.last.pivot(index="predictor", columns="setting", values="tau")
    table = table.loc[order["predictor"], tables.settings].astype(float)
    few = len(tables.settings) <= 16  # room for two lines of a name and for numbers
    titles = [_wrap(setting, 40) if few else setting for setting in tables.settings]
    letters = max(len(line) for title in titles for line in title.split("\n"))
    figure = Figure(figsize=(DOUBLE, (size + 4) / 72 * len(order) + letters * size / 140 + 0.4), layout="constrained")
    axes = figure.subplots()
    reach = max(float(np.nanmax(np.abs(table))), 0.1)
    texts = table.map(lambda tau: number(tau).replace("0.", "."))
    sns.heatmap(
        table, cmap="PuOr_r", vmin=-reach, vmax=reach, annot=texts if few else None, fmt="", ax=axes,
        annot_kws={"fontsize": size - 2}, linewidths=0.4, xticklabels=titles, yticklabels=True,
        cbar_kws={"label": "Kendall τ", "shrink": 0.6},
    )  # fmt: skip
    axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False, labelrotation=0)
    axes.tick_params(axis="x", labelrotation=90, labelsize=size - 1)
    axes.set_yticklabels(order["predictor"], fontsize=size)
    axes.set_xlabel("")
    colour_names(axes, order["family"])
    return figure


def _wrap(setting: str, letters: int) -> str:
    """A setting's name on lines of so many letters, broken at its commas first."""
    return "\n".join(fill(part, max(letters, 6), break_long_words=True) for part in setting.split(", "))
