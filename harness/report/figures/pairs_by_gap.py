"""How often a pair of architectures is ranked correctly, by the difference of their accuracies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.figures import NothingToDraw
from harness.report.numbers import count
from harness.report.run_tables import RunTables
from harness.report.style.palette import DASHES, GREY, PALE, SINGLE, colour, marker

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

SECTION = "failing"


def caption(tables: RunTables, report: ReportConfig) -> str:
    """What the figure shows."""
    return (
        f"Share of pairs ranked correctly {tables.moment}, by the difference of the two accuracies; below: "
        f"the number of pairs. In colour: {tables.highest(report.highlight)} "
        f"(chosen on these same data){tables.and_best_studied}; grey: the others. Bands: "
        f"{tables.percent} intervals of the first and the last in the legend. Dashed: random order."
        f"{_omitted(tables)} {tables.basis()}"
    )


def _omitted(tables: RunTables) -> str:
    """Why ranges are left out; empty where every range has pairs that share no architecture."""
    rows = tables.at_end(tables.pairs)
    if not ((rows["disjoint"] <= 1) & rows["accuracy"].notna()).any():
        return ""
    return " Ranges whose pairs all share one architecture are left out: they say nothing about others."


def draw(tables: RunTables, report: ReportConfig) -> Figure:
    """A line per predictor over the ranges of differences."""
    rows = tables.at_end(tables.pairs)
    rows = rows[rows["accuracy"].notna() & (rows["pairs"] > 0)]
    if rows.empty:
        raise NothingToDraw("no pair of architectures was ranked at the last budget")
    rows = rows[rows["disjoint"] > 1].sort_values("gap_low", kind="stable")
    if rows.empty:
        raise NothingToDraw("no pair of architectures is independent of the others: all share one architecture")
    ranges = rows.groupby("gap_low")[["gap_high", "pairs"]].max().sort_index().reset_index()
    rows = rows.assign(place=rows["gap_low"].map({low: at for at, low in enumerate(ranges["gap_low"])}))
    shown = [name for name in tables.leaders(report.highlight) if name in set(rows["predictor"])]
    figure = Figure(figsize=(SINGLE, 2.6), layout="constrained")
    axes = figure.subplots()
    others = rows[~rows["predictor"].isin(shown)]
    if len(others):
        sns.lineplot(others, x="place", y="accuracy", units="predictor", estimator=None, color=PALE, lw=0.5, ax=axes)
    if shown:
        _draw_shown(axes, rows[rows["predictor"].isin(shown)], shown, tables.final.set_index("predictor")["family"])
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2, handlelength=2.4)
        axes.legend_ = None  # it is the figure's
    _label_axes(axes, ranges)
    return figure


def _draw_shown(axes: Axes, rows: pd.DataFrame, shown: list[str], families: pd.Series) -> None:
    of = [str(families[name]) for name in shown]
    earlier = [of[:at].count(family) for at, family in enumerate(of)]
    sns.lineplot(
        rows, x="place", y="accuracy", hue="predictor", style="predictor", hue_order=shown, style_order=shown,
        palette=dict(zip(shown, map(colour, of), strict=True)), markers=dict(zip(shown, map(marker, of), strict=True)),
        dashes={name: DASHES[min(at, len(DASHES) - 1)] for name, at in zip(shown, earlier, strict=True)},
        estimator=None, lw=1.1, markersize=4, markeredgewidth=0.3, ax=axes,
    )  # fmt: skip
    for name in dict.fromkeys((shown[0], shown[-1])):  # more bands would be one blot
        own = rows[rows["predictor"] == name]
        axes.fill_between(own["place"], own["low"], own["high"], color=colour(str(families[name])), alpha=0.2, lw=0)


def _label_axes(axes: Axes, ranges: pd.DataFrame) -> None:
    axes.axhline(0.5, color=GREY, lw=0.6, ls=(0, (4, 2)), zorder=0)
    numbers = ranges[["gap_low", "gap_high", "pairs"]].to_numpy(dtype=float)
    names = [f"{_range(low, high)}\n{count(pairs)}" for low, high, pairs in numbers]
    axes.set_xticks(np.arange(len(names)), names, linespacing=1.4)
    axes.set(xlim=(-0.2, len(names) - 0.8), xlabel="difference in accuracy (percentage points)",
             ylabel="pairs ranked correctly")  # fmt: skip


def _range(low: float, high: float) -> str:
    """A range of differences, such as 0.5\N{EN DASH}1, or > 10 for one without an end."""
    return f"> {low:g}" if np.isinf(high) else f"{low:g}\N{EN DASH}{high:g}"
