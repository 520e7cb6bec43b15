"""Mean Kendall τ of every predictor in every setting of a sweep: dots with intervals, or a map of many settings."""

from __future__ import annotations

import re
from math import ceil
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.figures import NothingToDraw
from harness.report.numbers import number
from harness.report.style.labels import family_key, width
from harness.report.style.palette import DOUBLE, GREY, INK, SINGLE, colour, ink, marker
from harness.report.sweep.sweep_tables import SweepTables

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

PANELS = 6
"""More settings than this do not fit side by side as dots with intervals: a map of colours takes their place."""


def caption(tables: SweepTables, report: ReportConfig) -> str:
    """What the figure shows."""
    order = "Predictors in order of their mean over settings." if len(tables.settings) > 1 else ""
    if len(tables.settings) > PANELS:
        shown = "Kendall τ at the last step of each setting, mean over run seeds, as colour and number; –: no τ."
    else:
        shown = f"Kendall τ at the last step, mean over run seeds, with {tables.percent()} intervals."
    return " ".join(part for part in (shown, order, tables.basis()) if part)


def draw(tables: SweepTables, report: ReportConfig) -> Figure:
    """Rows are predictors, best mean τ at the top; columns or panels are settings, in the order of their jobs."""
    if not tables.last["tau"].notna().any():
        raise NothingToDraw("no run has a Kendall τ")
    return _map(tables, report) if len(tables.settings) > PANELS else _panels(tables, report)


def _panels(tables: SweepTables, report: ReportConfig) -> Figure:
    order, size = tables.order, report.font_size
    families = list(dict.fromkeys(order["family"]))
    wide = SINGLE if len(tables.settings) == 1 else DOUBLE
    left = _room(order, size) / wide
    panel = (0.985 - left) / len(tables.settings)
    titles = [_wrapped(setting, panel * wide * 72, size - 1) for setting in tables.settings]
    top = 0.1 + (max(title.count("\n") for title in titles) + 1) * (size + 1) / 72 * (len(titles) > 1)
    foot = 0.5 + 0.14 * ceil(len(families) / (3 if wide == SINGLE else 5))
    height = (size + 4) / 72 * (len(order) + 0.6) + foot + top
    figure = Figure(figsize=(wide, height))
    low, high = _limits(tables.last)
    for at, (setting, title) in enumerate(zip(tables.settings, titles, strict=True)):
        axes = figure.add_axes((left + at * panel, foot / height, panel * 0.92, 1 - (foot + top) / height))
        rows = tables.at(setting).set_index("predictor").reindex(order["predictor"])
        for y, row in enumerate(rows[::-1].to_dict("records")):
            _dot(axes, y, {str(key): value for key, value in row.items()}, size)
        axes.axvline(0, color=GREY, lw=0.5, zorder=0)
        axes.set_xlim(low, high)
        axes.set_ylim(-0.8, len(order) - 0.2)
        axes.locator_params(axis="x", nbins=4, steps=[1, 2, 2.5, 5, 10])
        if len(titles) > 1:
            axes.set_title(title, fontsize=size - 1, pad=3)
        _names(axes, order if at == 0 else None, len(order), size)
        axes.grid(axis="y", color="#EEEEEE", lw=0.4)
        axes.set_axisbelow(True)
    figure.text(left + (0.985 - left) / 2, (foot - 0.32) / height, "Kendall τ", ha="center", va="center", fontsize=size)
    family_key(figure, families, y=0.06 / height, columns=3 if wide == SINGLE else 5, left=0.03)
    return figure


def _dot(axes: Axes, y: int, row: dict[str, float], size: float) -> None:
    if not np.isfinite(row["tau"]):
        axes.text(0.02, y, "no τ", transform=axes.get_yaxis_transform(), va="center", color=GREY, fontsize=size - 2,
                  bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"})  # fmt: skip
        return
    family = str(row["family"])
    axes.plot([row["low"], row["high"]], [y, y], color=colour(family), lw=1.1, solid_capstyle="butt")
    axes.plot(row["tau"], y, marker(family), color=colour(family), ms=3.8, mec=INK, mew=0.3)


def _map(tables: SweepTables, report: ReportConfig) -> Figure:
    order, size = tables.order, report.font_size
    wide_table = tables.last.pivot(index="predictor", columns="setting", values="tau")
    table = wide_table.loc[order["predictor"], tables.settings]
    left = _room(order, size) / DOUBLE
    across = (0.9 - left) * DOUBLE
    cell = across / len(tables.settings)
    titles = [_wrapped(setting, 130, size - 1) for setting in tables.settings]
    upright = max(width(line, size - 1) for title in titles for line in title.split("\n")) / 72 + 0.1
    families = list(dict.fromkeys(order["family"]))
    foot = 0.2 + 0.14 * ceil(len(families) / 5)
    height = (size + 4) / 72 * len(order) + upright + 0.1 + foot
    figure = Figure(figsize=(DOUBLE, height))
    axes = figure.add_axes((left, foot / height, 0.9 - left, 1 - (upright + 0.1 + foot) / height))
    bar = figure.add_axes((0.92, foot / height, 0.015, min(1.6, height - upright - 0.1 - foot) / height))
    reach = max(float(np.nanmax(np.abs(table.to_numpy(dtype=float)))), 0.1)
    numbers = cell * 72 > width("−.00", size - 2) + 2
    colours = axes.pcolormesh(
        np.ma.masked_invalid(table.to_numpy(dtype=float)), cmap="PuOr_r", vmin=-reach, vmax=reach, ec="white", lw=0.4
    )
    for (y, x), tau in np.ndenumerate(table.to_numpy(dtype=float)):
        if numbers:
            text = re.sub(r"(?<!\d)0\.", ".", number(float(tau)))
            tone = "white" if abs(tau) > 0.7 * reach else INK if np.isfinite(tau) else GREY
            axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", color=tone, fontsize=size - 2)
    axes.invert_yaxis()
    axes.spines[["left", "bottom"]].set_visible(False)
    figure.colorbar(colours, cax=bar, label="Kendall τ").outline.set_visible(False)
    axes.xaxis.tick_top()
    axes.set_xticks(np.arange(len(titles)) + 0.5, titles, rotation=90, fontsize=size - 1, linespacing=1.0)
    axes.tick_params(length=0)
    axes.set_yticks(np.arange(len(order)) + 0.5, order["predictor"], fontsize=size, rotation=0)
    for tick, family in zip(axes.get_yticklabels(), order["family"], strict=True):
        tick.set_color(ink(str(family)))
    bar.tick_params(labelsize=size - 2)
    family_key(figure, families, y=0.06 / height, columns=5, left=0.03)
    return figure


def _names(axes: Axes, order: pd.DataFrame | None, count: int, size: float) -> None:
    """Names of predictors beside the first panel, in the colours of their families; beside the others none."""
    axes.set_yticks(range(count), [""] * count if order is None else order["predictor"][::-1], fontsize=size)
    for tick, family in zip(axes.get_yticklabels(), [] if order is None else order["family"][::-1], strict=False):
        tick.set_color(ink(str(family)))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _room(order: pd.DataFrame, size: float) -> float:
    """Inches that the longest name takes."""
    return (max(width(str(name), size) for name in order["predictor"]) + 10) / 72


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    ends = rows[["tau", "low", "high"]].to_numpy(dtype=float).ravel()
    return min(float(np.nanmin(ends)), 0.0) - 0.04, min(max(float(np.nanmax(ends)), 0.0) + 0.04, 1.02)


def _wrapped(setting: str, room: float, size: float) -> str:
    """A setting's name on as many lines as it needs to be `room` points wide, broken at commas, then anywhere."""
    letters = max(int(room / (0.48 * size)), 6)
    lines = [line for part in setting.split(", ") for line in wrap(part, letters, break_long_words=True)]
    return "\n".join(lines)
