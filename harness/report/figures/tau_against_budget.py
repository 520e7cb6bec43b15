"""Kendall τ over the budgets, one panel per family."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.evaluate.predictions import OTHER_BUDGETS
from harness.report.figures import NothingToDraw
from harness.report.numbers import counted
from harness.report.run_tables import RunTables
from harness.report.style.palette import BAND, DOUBLE, GREY, PALE, SINGLE, colour, ink
from harness.schema.families import family

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

SECTION = "cost"

ACROSS = 3
"""Panels in a row."""


def caption(tables: RunTables, report: ReportConfig) -> str:
    """What the figure shows."""
    ceiling = " The band at the top is the noise ceiling, from retraining to oracle." if tables.band else ""
    return (
        f"Kendall τ against the budget, one panel per family in order of its best predictor. Thick, with its "
        f"{tables.percent} interval: the family's best predictor at the last budget, named above (chosen on these same "
        f"data); thin: its other predictors; grey: those of all families.{_left_out(tables)}{ceiling} {tables.basis()}"
    )


def _left_out(tables: RunTables) -> str:
    """At which budgets learned predictors were scored, where not at all of them."""
    rows = tables.metrics[tables.metrics["note"] == OTHER_BUDGETS]
    if rows.empty:
        return ""
    scored = sorted(set(tables.metrics["step"]) - set(rows["step"]))
    steps = " and ".join(filter(None, [", ".join(map(str, scored[:-1])), str(scored[-1])]))
    return f" Learned predictors were scored at steps {steps} alone (dots, joined by straight lines)."


def draw(tables: RunTables, report: ReportConfig) -> Figure:
    """Small multiples with common axes; every point is at its budget."""
    final = tables.final[tables.final["tau"].notna()]
    if final.empty:
        raise NothingToDraw("no predictor has a Kendall τ at the last budget")
    if tables.metrics["step"].nunique() == 1:
        raise NothingToDraw(f"there is one budget, {counted(tables.last_step, 'step')}; the ranking shows it")
    rows = tables.metrics[tables.metrics["predictor"].isin(final["predictor"])].sort_values("step")
    best = final.groupby("family", sort=False)["predictor"].first()
    across = min(ACROSS, len(best))
    down = ceil(len(best) / across)
    figure = Figure(figsize=(SINGLE if across == 1 else DOUBLE, 1.45 * down + 0.5), layout="constrained")
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, (name, predictor) in zip(grid, best.items(), strict=False):
        _draw_panel(axes, rows, str(name), str(predictor))
        if tables.band:
            axes.axhspan(min(tables.band), max(tables.band), color=BAND, lw=0, zorder=0)
    for at in range(len(best), len(grid)):
        grid[at - across].tick_params(labelbottom=True)
        grid[at].remove()
    steps = sorted(rows["step"].unique())
    grid[0].set_xticks(steps[:: -ceil(len(steps) / 5)])
    figure.supxlabel("budget (steps)", fontsize=report.font_size)
    figure.supylabel("Kendall τ", fontsize=report.font_size)
    return figure


def _draw_panel(axes: Axes, rows: pd.DataFrame, name: str, best: str) -> None:
    dotted = (rows.loc[rows["predictor"] == best, "note"] == OTHER_BUDGETS).any()
    rows = rows[rows["tau"].notna()]
    of, own = rows[rows["predictor"] == best], rows[rows["family"] == name]
    axes.axhline(0, color=GREY, lw=0.5, zorder=0)
    for part, line, thick in ((rows, PALE, 0.3), (own, colour(name), 0.6), (of, colour(name), 1.5)):
        sns.lineplot(part, x="step", y="tau", units="predictor", estimator=None, color=line, lw=thick, ax=axes)
    if dotted:
        axes.plot(of["step"], of["tau"], "o", ms=2.2, color=colour(name))
    axes.fill_between(of["step"], of["tau_low"], of["tau_high"], color=colour(name), alpha=0.2, lw=0)
    axes.set_title(f"{family(name).label}: {best}", loc="left", color=ink(name), pad=3)
    axes.set(xlabel="", ylabel="")
