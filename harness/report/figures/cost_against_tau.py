"""Measured seconds per architecture against Kendall τ, with the Pareto front."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from harness.report.figures import NothingToDraw
from harness.report.numbers import seconds
from harness.report.run_tables import RunTables
from harness.report.style.by_family import move_legend, scatter
from harness.report.style.labels import Label, place_labels, width
from harness.report.style.palette import DOUBLE, GREY, INK, PALE, ink

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

SECTION = "cost"


def caption(tables: RunTables, report: ReportConfig) -> str:
    """What the figure shows."""
    hardware = tables.environment.get("device", "")
    on = f" on {hardware}" if hardware else ""
    front = "the Pareto front over all budgets (of estimates, chosen on these same data; intervals are in the table)"
    return (
        f"Cost per architecture in seconds{on} (training, measures, prediction) against Kendall τ. Markers: "
        f"predictors, {tables.moment}; thin lines: their smaller budgets. Dashed: {front}. "
        f"Facts that need no training are at "
        f"0{_unnamed(tables, report)}.{_learned(tables)} {tables.basis()}"
    )


def _learned(tables: RunTables) -> str:
    """What the seconds leave out; empty where no predictor is fitted on others."""
    if not (tables.final["fitted_on"] > 0).any():
        return ""
    return (
        " Hollow: learned predictors; their initialization time, in which the architectures they are fitted on are "
        "trained, is in neither the seconds nor the front."
    )


def _unnamed(tables: RunTables, report: ReportConfig) -> str:
    """Which predictors are named, where not all are."""
    scored = int(tables.final["tau"].notna().sum())
    if scored <= report.names:
        return ""
    return f"; of {scored} predictors the best few, the best of every family and those on the front are named"


def draw(tables: RunTables, report: ReportConfig) -> Figure:
    """Seconds from 0, logarithmic from the smallest that was measured; names next to their markers."""
    final = tables.final[tables.final["tau"].notna() & tables.final["seconds"].notna()]
    if final.empty:
        raise NothingToDraw("no predictor has both a Kendall τ and a measured cost")
    if (final["seconds"] == 0).all():
        raise NothingToDraw("no seconds were recorded except for predictors that need no training")
    front = tables.metrics[tables.metrics["front"].astype(bool) & tables.metrics["tau"].notna()]
    front = front.sort_values(["seconds", "tau"])
    size = report.font_size - 1
    named = final[final["predictor"].isin(tables.named(report, set(front["predictor"])))]
    entries = final["family"].nunique() + 1
    height = max(3.2, 1.25 * size * len(named) / 72 + 0.6) + 0.15 * ceil(entries / 5)
    room = (max(width(name, size) for name in named["predictor"]) + 16) / 72 / DOUBLE
    figure = Figure(figsize=(DOUBLE, height), layout=ConstrainedLayoutEngine(rect=(0, 0, 1 - room, 1)))
    axes = figure.subplots()
    _set_scale(axes, tables.metrics.loc[tables.metrics["tau"].notna(), "seconds"])
    _draw_points(axes, tables.metrics[tables.metrics["predictor"].isin(final["predictor"])], final)
    axes.step(front["seconds"], front["tau"], where="post", color=INK, lw=0.8, ls=(0, (4, 2)), zorder=2)
    axes.set(xlabel="cost per architecture (seconds)", ylabel="Kendall τ")
    learned = Line2D([], [], ls="", marker="o", ms=4.2, mfc="white", mec=GREY, label="learned")
    move_legend(figure, 5, [learned] if (final["fitted_on"] > 0).any() else [])
    figure.draw_without_rendering()  # so that labels know their room
    figure.set_layout_engine("none")
    rows = zip(named["predictor"], named["seconds"], named["tau"], named["family"], strict=True)
    place_labels(axes, [Label(str(name), x, y, ink(str(of)), size) for name, x, y, of in rows])
    return figure


def _set_scale(axes: Axes, spent: pd.Series) -> None:
    low, high = spent[spent > 0].min(), spent.max()
    axes.set_xscale("symlog", linthresh=low, linscale=0.5)
    ticks = [digit * 10.0**power for power in range(-6, 8) for digit in (1, 3)]
    axes.xaxis.set_major_locator(FixedLocator([0.0, *(tick for tick in ticks if low <= tick <= high * 1.2)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: seconds(x)))
    free = bool((spent == 0).any())
    axes.set_xlim(-0.15 * low if free else low / 1.2, high * max(high / low, 4) ** 0.05)


def _draw_points(axes: Axes, rows: pd.DataFrame, final: pd.DataFrame) -> None:
    """Draw each predictor over its budgets, with a marker at the last: hollow if it is learned."""
    rows = rows.sort_values("step")
    sns.lineplot(
        rows, x="seconds", y="tau", units="predictor", estimator=None, sort=False, color=PALE, lw=0.5, zorder=1, ax=axes
    )
    learned = final["fitted_on"] > 0
    scatter(axes, final[~learned], "seconds", "tau", final["family"])
    scatter(axes, final[learned], "seconds", "tau", final["family"], hollow=True)
