"""Figures of one architecture: its curves in front of those of all others, its rank by every predictor."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from textwrap import shorten
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from harness.report.architecture.profile import RIGHT, ArchitectureProfile
from harness.report.numbers import words
from harness.report.style.by_family import colour_names, move_legend, scatter
from harness.report.style.palette import BAND, GREY, INK, SINGLE, colour
from harness.schema import FACT_COLUMNS

if TYPE_CHECKING:
    from harness.report.config import ReportConfig
    from harness.report.run_tables import RunTables

LEARNING = ("train_loss", "valid_loss", "test_loss", "train_accuracy", "valid_accuracy", "test_accuracy")
DECADE = 20
"""From this ratio of the largest to the smallest value on an axis is logarithmic."""


def columns(tables: RunTables) -> dict[str, list[str]]:
    """The trajectory columns that there are curves of, by group: `learning`, `beta_eff`, `others`.

    Left out are clocks, uncertainties, constants of the architecture and what was read less than twice.
    """
    numbers = tables.trajectories.select_dtypes("number").drop(
        columns=["step", "epoch", *FACT_COLUMNS], errors="ignore"
    )
    steps = tables.trajectories["step"]
    drawn = [
        str(name)
        for name in numbers
        if not str(name).startswith("seconds") and not str(name).endswith("_sd")
        and steps[np.isfinite(numbers[name])].nunique() > 1
    ]  # fmt: skip
    beta = [name for name in drawn if name.startswith("beta_eff")]
    learning = [name for name in LEARNING if name in drawn]
    others = [name for name in drawn if name not in (*beta, *learning)]
    return {"learning": learning, "beta_eff": beta, "others": others}


def draw_curves(tables: RunTables, name: str, shown: Sequence[str], line: str, report: ReportConfig) -> Figure:
    """One panel per column over the steps: the architecture in front of the median and quartiles of all others."""
    across, down = min(len(shown), 2), ceil(len(shown) / 2)
    figure = Figure(figsize=(SINGLE, 1.3 * down + 0.45), layout="constrained")
    grid = figure.subplots(down, across, sharex=True, squeeze=False).ravel()
    own = tables.trajectories["architecture"] == name
    for axes, column in zip(grid, shown, strict=False):
        _draw_panel(axes, tables.trajectories[own], tables.trajectories[~own], column, line)
        title = words(column.removeprefix("beta_eff"))
        beta = column.startswith("beta_eff")
        text = rf"$\beta_\mathrm{{eff}}${title.replace('$', chr(92) + '$')}" if beta else title
        axes.set_title(text, loc="left", pad=3, parse_math=beta)
        axes.set(xlabel="", ylabel="", xlim=tables.trajectories["step"].agg(["min", "max"]))
    for at in range(len(shown), len(grid)):
        grid[at - across].tick_params(labelbottom=True)
        grid[at].remove()
    for axes in grid[max(len(shown) - across, 0) : len(shown)]:
        axes.set_xlabel("steps", labelpad=2)
    handles = [
        Line2D([], [], color=line, lw=1.6, label="this architecture"),
        Line2D([], [], color=GREY, lw=0.9, label="median of the others"),
        Patch(color=BAND, label="their quartiles"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3, handlelength=1.1, columnspacing=0.9)
    return figure


def _draw_panel(axes: Axes, own: pd.DataFrame, others: pd.DataFrame, column: str, line: str) -> None:
    others, own = (rows[np.isfinite(rows[column])] for rows in (others, own))
    if len(others):
        sns.lineplot(others, x="step", y=column, estimator="median", errorbar=("pi", 50), color=GREY, lw=0.9, ax=axes)
        axes.collections[-1].set(facecolor=BAND, alpha=1, linewidth=0)
    if len(own):
        dots = "o" if len(own) <= 4 else None
        sns.lineplot(
            own, x="step", y=column, estimator=None, color=line, lw=1.6, marker=dots, zorder=3, clip_on=False, ax=axes
        )
    else:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", va="center", color=GREY)
    values = np.concatenate([each.get_ydata() for each in axes.get_lines()])
    if values.size and values.min() > 0 and values.max() / values.min() > DECADE:
        axes.set_yscale("log")
        few = values.max() / values.min() < 100
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if few else (1.0,), numticks=5))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(_tick))
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.tick_params(pad=1.5)


def _tick(value: float, place: int | None = None) -> str:
    """A short number: 0.25, 40, 1.5k, 3M, 2e-5, with a true minus."""
    if value == 0 or 1e-4 <= abs(value) < 1e4:
        text = f"{value:g}"
    elif abs(value) < 1:
        digits, power = f"{value:.1e}".split("e")
        text = f"{float(digits):g}e{int(power)}"
    else:
        text = str(EngFormatter(sep="")(value))
    return text.replace("-", "\N{MINUS SIGN}")


def draw_ranks(profile: ArchitectureProfile, report: ReportConfig) -> Figure:
    """One row per predictor, the largest error at the top: its rank, joined to the true one; 1, the best, is on the
    right. The rank of a predictor that scores fewer architectures is scaled to all of them."""
    n, size = profile.n, report.font_size
    rows = profile.ranks.assign(row=range(len(profile.ranks)))
    scored = rows[np.isfinite(rows["off"].astype(float))]
    at, true = (0.5 + (scored[key] - 0.5) * n / scored["m"] for key in ("rank", "true_rank"))
    height = (size + 3) / 72 * len(rows) + 0.8 + 0.15 * ceil(rows["family"].nunique() / 3)
    figure = Figure(figsize=(SINGLE, height), layout="constrained")
    axes = figure.subplots()
    ends = (-0.6, len(scored) - 0.4)
    axes.fill_betweenx(ends, profile.rank - RIGHT * n, profile.rank + RIGHT * n, color=BAND, lw=0, zorder=0)
    axes.plot([profile.rank] * 2, ends, color=INK, lw=0.8, zorder=1)
    axes.annotate(f"true rank {profile.rank:g}", (profile.rank, 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
                  textcoords="offset points", ha=_side(profile.rank / n), va="bottom", fontsize=size - 1)  # fmt: skip
    axes.hlines(scored["row"], at, true, colors=list(map(colour, scored["family"])), lw=0.9, zorder=2)
    scatter(axes, scored.assign(at=at), "at", "row", rows["family"])
    for place, reason in rows.loc[~rows.index.isin(scored.index), ["row", "reason"]].itertuples(index=False):
        axes.text(0.01, place, shorten(reason or "no rank", 48, placeholder="…"), color=GREY, va="center",
                  fontsize=size - 1, transform=axes.get_yaxis_transform(), in_layout=False)  # fmt: skip
    axes.set_yticks(rows["row"], rows["predictor"], fontsize=size)
    colour_names(axes, rows["family"])
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlim=(1.03 * n + 0.5, 0.5 - 0.03 * n), xlabel="predicted rank (1 = best)")
    axes.set_xticks(sorted({1, *(round(n * part / 4) for part in (1, 2, 3, 4))} - {0}))
    move_legend(figure, columns=3)
    return figure


def _side(share: float) -> str:
    """Where a text above the line begins, so that it stays inside: the worst rank is on the left."""
    return "right" if share < 0.15 else "left" if share > 0.85 else "center"
