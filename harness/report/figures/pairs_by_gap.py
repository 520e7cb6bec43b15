"""How often a pair of architectures is put in the right order, by the difference of their accuracies."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.figures import NothingToDraw
from harness.report.numbers import count
from harness.report.run_tables import RunTables
from harness.report.style.palette import DASHES, GREY, PALE, SINGLE, colour, marker, size_of
from harness.report.tables.choices import gap

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

SECTION = "failing"


def caption(tables: RunTables, report: ReportConfig) -> str:
    """What the figure shows."""
    return (
        f"Share of pairs put in the right order {tables.moment}, by how far apart the two accuracies "
        f"are, with {tables.percent} intervals; below: the number of pairs. In colour: "
        f"{tables.highest(report.highlight)} (chosen on these same data){tables.and_best_studied}; in grey: the "
        f"others. Dashed level: a coin.{_lone(tables)} {tables.basis()}"
    )


def _lone(tables: RunTables) -> str:
    """What hollow markers are; empty where every range has pairs that share no architecture."""
    rows = tables.at_end(tables.pairs)
    if not ((rows["disjoint"] == 1) & rows["accuracy"].notna()).any():
        return ""
    return (
        " Hollow and grey, without an interval: all pairs share one architecture (or are of three), so they say "
        "nothing of others."
    )


def draw(tables: RunTables, report: ReportConfig) -> Figure:
    """A line a predictor over the ranges of differences; names at the ends of the lines in colour."""
    rows = tables.at_end(tables.pairs)
    rows = rows[rows["accuracy"].notna() & (rows["pairs"] > 0)]
    if rows.empty:
        raise NothingToDraw("no pair of architectures was ordered at the last budget")
    ranges = rows.groupby("gap_low")[["gap_high", "pairs"]].max().sort_index().reset_index()
    place = {low: at for at, low in enumerate(ranges["gap_low"])}
    shown = [name for name in tables.leaders(report.highlight) if name in set(rows["predictor"])]
    key = 0.17 * ceil(len(shown) / 2)
    height = 2.55 + key
    figure = Figure(figsize=(SINGLE, height))
    axes = figure.add_axes((0.47 / SINGLE, 0.55 / height, 1 - 0.55 / SINGLE, 1.85 / height))
    for name, of in rows.groupby("predictor"):
        if name not in shown:
            of = of[of["disjoint"] > 1]
            axes.plot(of["gap_low"].map(place), of["accuracy"], color=PALE, lw=0.5, zorder=1)
    families = tables.final.set_index("predictor")["family"]
    apart = 0.09 * (np.arange(len(shown)) - (len(shown) - 1) / 2)
    for at, (name, shift) in enumerate(zip(shown, apart, strict=True)):
        of = rows[rows["predictor"] == name].sort_values("gap_low")
        earlier = [str(families[other]) for other in shown[:at]].count(str(families[name]))
        _line(axes, of, of["gap_low"].map(place) + shift, str(families[name]), DASHES[min(earlier, len(DASHES) - 1)])
    _frame(axes, ranges)
    if shown:
        figure.legend(loc="upper left", bbox_to_anchor=(0.1, 1 - 0.06 / height), ncols=2, borderpad=0, borderaxespad=0,
                      labelspacing=0.3, handlelength=2.4, columnspacing=1.2)  # fmt: skip
    return figure


def _line(axes: Axes, rows: pd.DataFrame, x: pd.Series, family: str, dashes: Any) -> None:
    name, lone = str(rows["predictor"].iloc[0]), (rows["disjoint"] <= 1).to_numpy()
    size, many = 3.4 * size_of(family), rows[~lone]
    ends = (many["accuracy"] - many["low"]).clip(lower=0), (many["high"] - many["accuracy"]).clip(lower=0)
    axes.errorbar(x[~lone], many["accuracy"], yerr=np.array(ends), color=colour(family), lw=1.1, ls=dashes,
                  elinewidth=0.6, marker=marker(family), ms=size, mec="white", mew=0.3, zorder=3,
                  label=name)  # fmt: skip
    axes.plot(x[lone], rows["accuracy"][lone], marker(family), mfc="white", mec=GREY, ms=size, mew=0.7, zorder=3)


def _frame(axes: Axes, ranges: pd.DataFrame) -> None:
    axes.axhline(0.5, color=GREY, lw=0.6, ls=(0, (4, 2)), zorder=0)
    names = [
        f"{gap(low, high)}\n{count(pairs)}"
        for low, high, pairs in ranges[["gap_low", "gap_high", "pairs"]].to_numpy(dtype=float)
    ]
    axes.set_xticks(range(len(names)), names, linespacing=1.4)
    axes.set_xlim(-0.4, len(names) - 0.6)
    axes.set_ylim(*axes.get_ylim())
    axes.set_xlabel("difference in accuracy (percentage points)")
    axes.set_ylabel("pairs in the right order")
