"""Measured seconds per architecture against Kendall τ, with the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from harness.report.figures import NothingToDraw
from harness.report.numbers import seconds
from harness.report.run_tables import RunTables
from harness.report.style.by_family import move_legend, scatter
from harness.report.style.labels import Label, place_labels, width
from harness.report.style.palette import DOUBLE, GREY, INK, PALE, ink

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

SECTION = "cost"

ZERO, WIDTH_OF_TICK = 0.12, 0.055
"""Parts of the axis: from no cost to the least, and from one tick to the next."""


def caption(tables: RunTables, report: ReportConfig) -> str:
    """What the figure shows."""
    hardware = tables.environment.get("device", "")
    on = f" on {hardware}" if hardware else ""
    front = "the Pareto front over all budgets (of estimates, chosen on these same data; intervals are in the table)"
    return (
        f"Cost per architecture in seconds{on} (training, measures, prediction) against Kendall τ. Markers: "
        f"predictors, {tables.moment}; thin lines: their smaller budgets. Dashed: {front}. "
        f"The axis is logarithmic, with more room where predictors crowd; facts that need no training are at "
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
    """Seconds from 0, logarithmic from the smallest that was measured and stretched where predictors crowd; names next
    to their markers."""
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
    _set_scale(axes, tables.metrics.loc[tables.metrics["tau"].notna(), "seconds"], final["seconds"])
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


def _set_scale(axes: Axes, spent: pd.Series, final: pd.Series) -> None:
    """Set 0 apart, then the logarithm of the seconds, stretched where the predictors of `final` crowd."""
    low, high = float(spent[spent > 0].min()), float(spent.max())
    end = high * max(high / low, 4) ** 0.02
    costs, places = stretch(final[final > 0].to_numpy(dtype=float), low, end)
    axes.set_xscale(
        "function", functions=(partial(np.interp, xp=costs, fp=places), partial(np.interp, xp=places, fp=costs))
    )
    ticks = [digit * 10.0**power for power in range(-6, 8) for digit in (1, 2, 3, 4, 5, 6, 7, 8, 9)]
    axes.xaxis.set_major_locator(
        FixedLocator(_sparse([0.0, *(tick for tick in ticks if low <= tick <= end)], costs, places))
    )
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: seconds(x)))
    axes.set_xlim(costs[0] if (spent == 0).any() else low / 1.05, end)


def stretch(final: NDArray[np.float64], low: float, high: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Costs, increasing, and their places on an axis from 0 (no cost) to 1 (`high`).

    A place is the mean of two: that on a logarithmic axis from `low` to `high`, and the share of the distinct costs in
    `final` (those within a hundredth count as one) that are lower. So a decade without a predictor is narrow, and the
    predictors that cost nearly the same do not share one abscissa. Derived.
    """
    steps = [low]
    for cost in np.sort(final):
        if steps[-1] * 1.01 < cost < high:
            steps.append(float(cost))
    costs = np.array([*steps, high])
    logarithm = np.log(costs / low) / np.log(high / low)
    share = np.linspace(0, 1, len(costs))
    places = ZERO + (1 - ZERO) * (logarithm + share) / 2
    return np.array([-low, 0.0, *costs]), np.array([-0.02, 0.0, *places])


def _sparse(ticks: Sequence[float], costs: NDArray[np.float64], places: NDArray[np.float64]) -> list[float]:
    """The ticks of which none comes closer to the one before than its number is wide."""
    kept: list[float] = []
    for tick in sorted(ticks, key=lambda tick: (f"{tick:.0e}"[0] not in "01", f"{tick:.0e}"[0] not in "35", tick)):
        at = np.interp(tick, costs, places)
        if all(abs(at - np.interp(other, costs, places)) > WIDTH_OF_TICK for other in kept):
            kept.append(tick)
    return sorted(kept)


def _draw_points(axes: Axes, rows: pd.DataFrame, final: pd.DataFrame) -> None:
    """Draw each predictor over its budgets, with a marker at the last: hollow if it is learned."""
    rows = rows.sort_values("step")
    sns.lineplot(
        rows, x="seconds", y="tau", units="predictor", estimator=None, sort=False, color=PALE, lw=0.5, zorder=1, ax=axes
    )
    learned = final["fitted_on"] > 0
    scatter(axes, final[~learned], "seconds", "tau", final["family"])
    scatter(axes, final[learned], "seconds", "tau", final["family"], hollow=True)
