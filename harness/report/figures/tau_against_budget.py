"""Kendall τ over the budgets: the best predictors and β_eff in colour, the others behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.figures import NothingToDraw
from harness.report.numbers import counted
from harness.report.run_tables import RunTables
from harness.report.style.labels import LINE, Label, beside, unnamed, width
from harness.report.style.palette import BAND, DASHES, DOUBLE, GREY, PALE, colour, ink, marker, size_of

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

SECTION = "cost"


def caption(tables: RunTables, report: ReportConfig) -> str:
    """What the figure shows."""
    ceiling = " The band reaches from the retraining to the oracle ceiling." if tables.band else ""
    return (
        f"Kendall τ against the budget. In colour, with {tables.percent} intervals: "
        f"{tables.highest(report.highlight)} at the last budget (chosen on these same data){tables.and_best_studied}; "
        f"in grey, without their intervals: the others{unnamed(tables, report)}.{ceiling} {tables.basis()}"
    )


def draw(tables: RunTables, report: ReportConfig) -> Figure:
    """A line a predictor, named at its end; markers of neighbours are set apart so that intervals stay legible."""
    final = tables.final[tables.final["tau"].notna()]
    if final.empty:
        raise NothingToDraw("no predictor has a Kendall τ at the last budget")
    if tables.metrics["step"].nunique() == 1:
        raise NothingToDraw(f"there is one budget, {counted(tables.last_step, 'step')}; the ranking shows it")
    size = report.font_size - 1
    named = tables.named(report)
    height = max(3.1, LINE * size * len(named) / 72 + 0.95)
    figure = Figure(figsize=(DOUBLE, height))
    left, right = 0.5 / DOUBLE, 1 - (max(width(name, size, True) for name in named) + 24) / 72 / DOUBLE
    axes = figure.add_axes((left, 0.45 / height, right - left, 1 - 0.92 / height))
    shown = tables.leaders(report.highlight)
    others = tables.metrics[
        ~tables.metrics["predictor"].isin(shown) & tables.metrics["predictor"].isin(final["predictor"])
    ]
    for _, rows in others.groupby("predictor"):
        axes.plot(rows["step"], rows["tau"], color=PALE, lw=0.6, zorder=1)
    apart = _apart(tables.metrics["step"], len(shown))
    seen: list[str] = []
    for name, shift in zip(shown, apart, strict=True):
        rows = tables.metrics[tables.metrics["predictor"] == name].sort_values("step")
        family = str(rows["family"].iloc[0])
        _highlight(axes, rows, shift, DASHES[min(seen.count(family), len(DASHES) - 1)])
        seen.append(family)
    _frame(axes, tables, report, max(apart, default=0.0))
    labels = [
        _label(row, tables.last_step + dict(zip(shown, apart, strict=True)).get(row["predictor"], 0.0), shown, size)
        for row in ({str(k): v for k, v in r.items()} for r in final.to_dict("records"))
        if row["predictor"] in named
    ]
    beside(axes, labels, dx=12, column=axes.get_xlim()[1])
    return figure


def _label(row: dict[str, Any], x: float, shown: list[str], size: float) -> Label:
    bold = row["predictor"] in shown
    return Label(str(row["predictor"]), x, row["tau"], ink(str(row["family"])) if bold else GREY, size, bold)


def _apart(steps: pd.Series, count: int) -> list[float]:
    """How far each highlighted line is moved sideways, so that intervals at one budget stand beside each other."""
    gaps = np.diff(np.sort(steps.unique()).astype(float))
    unit = min(0.09 * float(gaps.min()), 0.013 * float(gaps.sum())) if gaps.size else 0.01
    return [unit * (at - (count - 1) / 2) for at in range(count)]


def _highlight(axes: Axes, rows: pd.DataFrame, shift: float, dashes: Any) -> None:
    family = str(rows["family"].iloc[0])
    x = rows["step"].to_numpy(dtype=float) + shift
    span = (rows["tau"] - rows["tau_low"]).clip(lower=0), (rows["tau_high"] - rows["tau"]).clip(lower=0)
    axes.errorbar(x, rows["tau"], yerr=np.array(span), color=colour(family), lw=1.3, ls=dashes, elinewidth=0.6,
                  marker=marker(family), ms=3.4 * size_of(family), mec="white", mew=0.3, zorder=3)  # fmt: skip


def _frame(axes: Axes, tables: RunTables, report: ReportConfig, apart: float) -> None:
    steps = np.sort(tables.metrics["step"].unique()).astype(float)
    margin = max(0.02 * float(np.ptp(steps)), 0.02) + apart
    axes.set_xlim(steps[0] - margin, steps[-1] + margin)
    taus = tables.band
    if taus:
        axes.axhspan(min(taus), max(taus), color=BAND, lw=0, zorder=0)
        axes.annotate("ceiling", (0, sum(taus) / len(taus)), xycoords=("axes fraction", "data"), xytext=(4, 0),
                      textcoords="offset points", va="center", fontsize=report.font_size - 1, color=GREY, zorder=5,
                      bbox={"boxstyle": "square,pad=0.1", "fc": BAND, "ec": "none"})  # fmt: skip
    axes.axhline(0, color=GREY, lw=0.5, zorder=0)
    axes.set_ylim(*axes.get_ylim())
    if len(steps) <= 12 and len(set(np.diff(steps))) <= 1:
        axes.set_xticks(steps)
    axes.set_xlabel("budget (steps)")
    axes.set_ylabel("Kendall τ")
    last = tables.metrics[tables.metrics["step"] == steps[-1]].iloc[0]
    ratio = float(last["epoch"]) / steps[-1] if steps[-1] > 0 else 0.0
    if ratio > 0:
        above = axes.secondary_xaxis(
            "top", functions=(lambda x: np.asarray(x) * ratio, lambda x: np.asarray(x) / ratio)
        )
        above.set_xlabel("epochs")
