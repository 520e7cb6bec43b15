"""Predicted rank against true rank, one panel per predictor."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.figures import NothingToDraw
from harness.report.numbers import number, ordinal
from harness.report.run_tables import RunTables
from harness.report.style.palette import DOUBLE, GREY, PALE, SINGLE, colour, ink

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

SECTION = "failing"

VECTORS, DENSE = 200, 2000
"""With more architectures than the first the points are drawn as pixels: a point of six panels weighs two kilobytes.
With more than the second they are paler."""

ACROSS = 3
"""Panels in a row."""


def caption(tables: RunTables, report: ReportConfig) -> str:
    """What the figure shows."""
    last = "; the best predictor under study takes the last place if it is not among them"
    return (
        f"Predicted against true rank {tables.moment} (1 = best), for "
        f"{tables.highest(report.top)}{last if tables.best_studied else ''}. Diagonal: the true rank. Crosses: dead "
        f"architectures. Architectures without a score are left out. {tables.basis()}"
    )


def draw(tables: RunTables, report: ReportConfig) -> Figure:
    """Small multiples in order of τ."""
    final = tables.final[tables.final["tau"].notna()]
    if final.empty:
        raise NothingToDraw("no predictor has a Kendall τ at the last budget")
    places = _choose(tables, final, report.top)
    across = min(ACROSS, len(places))
    down = ceil(len(places) / across)
    figure = Figure(figsize=(SINGLE if across == 1 else DOUBLE, DOUBLE / max(across, 2) * down), layout="constrained")
    n = int(tables.architectures["truth"].notna().sum())
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, place in zip(grid, places, strict=False):
        _draw_panel(axes, tables, final.iloc[place], place, n)
    for at in range(len(places), len(grid)):
        grid[at - across].tick_params(labelbottom=True)
        grid[at].remove()
    ticks = sorted({1, *(round(n * part / 4) for part in (1, 2, 3, 4))} - {0})
    grid[0].set(
        xticks=ticks, yticks=ticks, xlim=(1.04 * n + 0.5, 0.5 - 0.04 * n), ylim=(1.04 * n + 0.5, 0.5 - 0.04 * n)
    )
    figure.supxlabel("true rank", fontsize=report.font_size)
    figure.supylabel("predicted rank", fontsize=report.font_size)
    return figure


def _choose(tables: RunTables, final: pd.DataFrame, top: int) -> list[int]:
    """Which rows of the ranking get a panel."""
    places = list(range(min(top, len(final))))
    best = [at for at, name in enumerate(final["predictor"]) if name == tables.best_studied]
    return places if not best or best[0] in places else [*places[:-1], best[0]]


def _draw_panel(axes: Axes, tables: RunTables, row: pd.Series, place: int, n: int) -> None:
    last = tables.at_end(tables.scores)
    points = last[last["predictor"] == row["predictor"]].merge(tables.architectures, on="architecture")
    points = points.dropna(subset=["score", "truth"])
    ranks = points[["score", "truth"]].rank(ascending=False).assign(dead=points["dead"].astype(bool))
    family = str(row["family"])
    axes.plot([1, len(ranks)], [1, len(ranks)], color=PALE, lw=0.8, zorder=1)
    sns.scatterplot(
        ranks, x="truth", y="score", style="dead", style_order=[False, True], markers={False: "o", True: "X"},
        color=colour(family), s=min(14, 1100 / max(n, 1) + 2.5), linewidth=0, legend=False, ax=axes,
        alpha=0.85 if n < 200 else 0.55 if n <= DENSE else 0.25, rasterized=n > VECTORS,
    )  # fmt: skip
    axes.set(xlabel="", ylabel="", aspect="equal")
    axes.set_title(f"{ordinal(place + 1)}  {row['predictor']}", loc="left", color=ink(family), pad=4)
    axes.set_title(f"τ = {number(row['tau'])}", loc="right", color=GREY, pad=4)
