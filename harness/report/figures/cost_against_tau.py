"""Measured seconds an architecture against Kendall τ, with the best trade-offs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from harness.report.figures import NothingToDraw
from harness.report.numbers import seconds as said
from harness.report.run_tables import RunTables
from harness.report.style.labels import LINE, Label, beside, clusters, family_key, unnamed, width
from harness.report.style.palette import DOUBLE, INK, PALE, colour, ink, marker, size_of

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

SECTION = "cost"


def caption(tables: RunTables, report: ReportConfig) -> str:
    """What the figure shows."""
    hardware = tables.environment.get("device", "")
    on = f" on {hardware}" if hardware else ""
    return (
        f"Measured seconds an architecture{on} (training, what is read, the score) against Kendall τ. A marker a "
        f"predictor, {tables.moment}; thin lines: its smaller budgets. Dashed: no point at any budget is "
        "cheaper and better (a front of estimates, chosen on these same data; intervals are in the table). Facts that "
        f"need no training stand at 0{unnamed(tables, report)}.{_first(tables)} {tables.basis()}"
    )


def _first(tables: RunTables) -> str:
    """What the seconds leave out; empty where no predictor is fitted on others."""
    if not (tables.final["fitted_on"] > 0).any():
        return ""
    return (
        " Hollow: learned predictors; what they paid before, brief and full trainings of the architectures they are "
        "fitted on, is in neither the seconds nor the front."
    )


def draw(tables: RunTables, report: ReportConfig) -> Figure:
    """Logarithmic seconds with a separate place for 0; names beside their markers."""
    final = tables.final[tables.final["tau"].notna() & tables.final["seconds"].notna()]
    if final.empty:
        raise NothingToDraw("no predictor has both a Kendall τ and a measured cost")
    if (final["seconds"] == 0).all():
        raise NothingToDraw("no seconds were recorded but of what costs no training")
    size = report.font_size - 1
    front = _front(tables.metrics)
    named = final[final["predictor"].isin(tables.named(report, set(front["predictor"])))]
    height = max(3.2, LINE * size * len(named) / 72 + 1.0)
    figure = Figure(figsize=(DOUBLE, height))
    room = max(width(name, size) for name in named["predictor"]) + 16
    right = 1 - room / 72 / DOUBLE
    axes = figure.add_axes((0.5 / DOUBLE, 0.75 / height, right - 0.5 / DOUBLE, 1 - 0.85 / height))
    zero = _axis(axes, tables.metrics)
    _lines(axes, tables, final, zero, set(named["predictor"]))
    axes.set_ylabel("Kendall τ")
    axes.set_ylim(*axes.get_ylim())
    axes.set_xlabel("measured seconds an architecture")
    _labels(axes, named, zero, size)
    learned = "fitted on others before" if (final["fitted_on"] > 0).any() else ""
    families = list(dict.fromkeys(final["family"]))
    family_key(figure, families, y=0.07 / height, columns=5, left=0.5 / DOUBLE, hollow=learned)
    return figure


def _axis(axes: Axes, metrics: pd.DataFrame) -> float:
    """Set the logarithmic axis; gives the place that stands for 0 seconds, left of all others."""
    paid = metrics.loc[metrics["seconds"] > 0, "seconds"].to_numpy(dtype=float)
    low, high = (float(paid.min()), float(paid.max())) if paid.size else (1.0, 10.0)
    free = bool((metrics["seconds"] == 0).any())
    zero = low / (max(high / low, 4) ** 0.22)
    axes.set_xscale("log")
    axes.set_xlim((zero if free else low) / max(high / low, 4) ** 0.04, high * max(high / low, 4) ** 0.04)
    ticks = [
        tick for power in range(-6, 8) for tick in (1 * 10.0**power, 3 * 10.0**power) if low <= tick <= high * 1.01
    ]
    ticks = ticks or [low, high]
    axes.xaxis.set_major_locator(FixedLocator([zero, *ticks] if free else ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: "0" if free and x <= zero * 1.001 else said(x)))
    return float(zero)


def _lines(axes: Axes, tables: RunTables, final: pd.DataFrame, zero: float, named: set[str]) -> None:
    for row in final.to_dict("records"):
        family = str(row["family"])
        rows = tables.metrics[tables.metrics["predictor"] == row["predictor"]].sort_values("step")
        loud = row["predictor"] in named
        line = colour(family) if loud else PALE
        axes.plot(_places(rows["seconds"], zero), rows["tau"], color=line, lw=0.6, alpha=0.6, zorder=2 if loud else 1)
        look: dict[str, Any] = {"color": colour(family), "ms": (4.5 if loud else 3) * size_of(family), "mew": 0.3,
                                "mec": INK if loud else line, "zorder": 4 if loud else 3}  # fmt: skip
        if row["fitted_on"] > 0:
            look |= {"mfc": "white", "mec": colour(family), "mew": 1.0 if loud else 0.7}
        axes.plot(_places(row["seconds"], zero), row["tau"], marker(family), **look)
    front = _front(tables.metrics)
    axes.step(_places(front["seconds"], zero), front["tau"], where="post", color=INK, lw=0.8, ls=(0, (4, 2)), zorder=3)


def _places(values: pd.Series | float, zero: float) -> NDArray[np.float64]:
    return np.asarray(np.maximum(np.asarray(values, dtype=float), zero))


def _front(metrics: pd.DataFrame) -> pd.DataFrame:
    """The stored front, cheapest first: nothing at any budget is cheaper and better than its points."""
    return metrics[metrics["front"].astype(bool) & metrics["tau"].notna()].sort_values(["seconds", "tau"])


def _labels(axes: Axes, final: pd.DataFrame, zero: float, size: float) -> None:
    """Names right of their markers; where markers stand close together their names share one column."""
    x = _places(final["seconds"], zero)
    places = axes.transData.transform(np.column_stack([x, final["tau"]]))[:, 0] * 72 / axes.figure.dpi
    room = np.array([width(name, size) + 18 for name in final["predictor"]])
    for group in clusters(places, room):
        labels = [
            Label(
                str(row["predictor"]), float(_places(row["seconds"], zero)), row["tau"], ink(str(row["family"])), size
            )
            for row in final.iloc[group].to_dict("records")
        ]
        beside(axes, labels, dx=11, column=float(x[group].max()))
