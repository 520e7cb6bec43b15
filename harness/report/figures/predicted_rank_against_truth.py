"""Predicted rank against true rank, one panel a predictor."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.figures import NothingToDraw
from harness.report.numbers import number, ordinal
from harness.report.run_tables import RunTables
from harness.report.style.palette import DOUBLE, GREY, PALE, colour, ink

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

SECTION = "failing"

VECTORS = 2000
"""With more architectures than this the points are drawn as pixels."""

_COLUMNS = 3


def caption(tables: RunTables, report: ReportConfig) -> str:
    """What the figure shows."""
    last = "; the best predictor under study takes the last place where it is not among them"
    return (
        f"Predicted against true rank {tables.moment} (1 = best), for "
        f"{tables.highest(report.top)}{last if tables.best_studied else ''}. Diagonal: "
        f"the right rank. Hollow: dead architectures. Architectures without a score are left out. {tables.basis()}"
    )


def draw(tables: RunTables, report: ReportConfig) -> Figure:
    """Small multiples in order of τ."""
    final = tables.final[tables.final["tau"].notna()]
    if final.empty:
        raise NothingToDraw("no predictor has a Kendall τ at the last budget")
    places = _places(tables, final, report.top)
    columns = min(_COLUMNS, len(places))
    lines = ceil(len(places) / columns)
    side = (DOUBLE - 0.55 - 0.25 * (_COLUMNS - 1)) / _COLUMNS
    head, foot, between = 0.3, 0.42, 0.36
    height = head + foot + lines * side + (lines - 1) * between
    figure = Figure(figsize=(0.55 + columns * side + 0.25 * (columns - 1), height))
    wide = figure.get_figwidth()
    for at, place in enumerate(places):
        column, line = at % columns, at // columns
        corner = (0.45 + column * (side + 0.25)) / wide, 1 - (head + (line + 1) * side + line * between) / height
        axes = figure.add_axes((*corner, side / wide, side / height))
        _panel(axes, tables, final.iloc[place], place)
        if column == 0:
            axes.set_ylabel("predicted rank")
        else:
            axes.tick_params(labelleft=False)
        if at + columns >= len(places):
            axes.set_xlabel("true rank")
        else:
            axes.tick_params(labelbottom=False)
    return figure


def _places(tables: RunTables, final: pd.DataFrame, top: int) -> list[int]:
    """Which rows of the ranking get a panel."""
    places = list(range(min(top, len(final))))
    best = [at for at, name in enumerate(final["predictor"]) if name == tables.best_studied]
    return places if not best or best[0] in places else [*places[:-1], best[0]]


def _panel(axes: Axes, tables: RunTables, row: pd.Series, place: int) -> None:
    last = tables.at_end(tables.scores)
    points = (
        last[last["predictor"] == row["predictor"]]
        .merge(tables.architectures, on="architecture")
        .dropna(subset=["score", "truth"])
    )
    predicted, true = (points[name].rank(ascending=False) for name in ("score", "truth"))
    n, family, dead = int(tables.architectures["truth"].notna().sum()), str(row["family"]), points["dead"].astype(bool)
    axes.plot([1, len(points)], [1, len(points)], color=PALE, lw=0.8, zorder=1)
    look: dict[str, Any] = {"s": min(14, 1100 / max(n, 1) + 2.5), "edgecolors": colour(family), "linewidths": 0.6}
    alive_look: dict[str, Any] = {
        **look,
        "facecolors": colour(family),
        "linewidths": 0,
        "alpha": 0.85 if n < 200 else 0.55 if n <= VECTORS else 0.25,
        "rasterized": n > VECTORS,  # tens of thousands of vector points would weigh megabytes
    }
    axes.scatter(true[~dead], predicted[~dead], **alive_look, zorder=2)
    axes.scatter(true[dead], predicted[dead], facecolors="white", **look, zorder=3)
    margin = 0.04 * n + 0.5
    axes.set_xlim(n + margin, 1 - margin)
    axes.set_ylim(n + margin, 1 - margin)
    ticks = sorted({1, *(round(n * part / 4) for part in (1, 2, 3, 4))} - {0})
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.set_title(f"{ordinal(place + 1)}  {row['predictor']}", loc="left", color=ink(family), pad=4)
    axes.set_title(f"τ = {number(row['tau'])}", loc="right", color=GREY, pad=4)
