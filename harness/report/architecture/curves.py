"""Figures of one architecture: its curves before those of all others, its rank by every predictor."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from harness.report.architecture.profile import RIGHT, ArchitectureProfile
from harness.report.numbers import words
from harness.report.style.labels import family_key, width
from harness.report.style.palette import BAND, GREY, INK, SINGLE, colour, ink, marker, size_of
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


def draw_courses(tables: RunTables, name: str, shown: Sequence[str], line: str, report: ReportConfig) -> Figure:
    """One panel a column over the steps: the architecture before the median and middle half of all others."""
    across = min(len(shown), 2)
    down = ceil(len(shown) / 2)
    left, panel, between, foot, head = 0.42, 1.05, 0.42, 0.62, 0.2
    height = down * panel + (down - 1) * between + foot + head
    figure = Figure(figsize=(SINGLE, height))
    wide = (SINGLE - across * left - 0.1 - 0.05 * (across - 1)) / across
    own = tables.trajectories["architecture"] == name
    for at, column in enumerate(shown):
        x = left + (at % across) * (wide + left + 0.05)
        y = foot + (down - 1 - at // across) * (panel + between)
        axes = figure.add_axes((x / SINGLE, y / height, wide / SINGLE, panel / height))
        _course(axes, tables.trajectories[own], tables.trajectories[~own], column, line)
        title = words(column.removeprefix("beta_eff"))
        axes.set_title(rf"$\beta_\mathrm{{eff}}${title}" if column.startswith("beta_eff") else title, loc="left", pad=3)
        axes.set_xlim(*tables.trajectories["step"].agg(["min", "max"]))
        if at + across >= len(shown):
            axes.set_xlabel("steps", labelpad=2)
    handles = [
        Line2D([], [], color=line, lw=1.6, label="this architecture"),
        Line2D([], [], color=GREY, lw=0.9, label="median of the others"),
        Patch(color=BAND, label="their middle half"),
    ]
    figure.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.02, 0.04 / height), ncols=3, handlelength=1.1,
                  columnspacing=0.9, handletextpad=0.4, borderpad=0, borderaxespad=0)  # fmt: skip
    return figure


def _course(axes: Axes, own: pd.DataFrame, others: pd.DataFrame, column: str, line: str) -> None:
    finite = others[np.isfinite(others[column])].groupby("step")[column]
    band = finite.quantile([0.25, 0.5, 0.75]).unstack()
    mine = own[np.isfinite(own[column])].sort_values("step")
    if len(band):
        axes.fill_between(band.index, band[0.25], band[0.75], color=BAND, lw=0, zorder=1)
        axes.plot(band.index, band[0.5], color=GREY, lw=0.9, zorder=2)
    if len(mine):
        dots = "o" if len(mine) <= 4 else ""
        axes.plot(mine["step"], mine[column], color=line, lw=1.6, marker=dots, ms=2.6, zorder=3, clip_on=False)
    else:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", va="center", color=GREY)
    values = np.concatenate([band.to_numpy(dtype=float).ravel(), mine[column].to_numpy(dtype=float)])
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


def draw_ranks(portrait: ArchitectureProfile, report: ReportConfig) -> Figure:
    """One row a predictor, farthest off at the top: its rank, joined to the true one; 1, the best, is on the right.

    The rank of a predictor that scores fewer architectures is scaled to all of them.
    """
    rows, n = portrait.ranks, portrait.n
    size = report.font_size
    families = list(dict.fromkeys(rows["family"]))
    line, foot, head = (size + 3) / 72, 0.5 + 0.14 * ceil(len(families) / 3), 0.22
    height = line * (len(rows) + 0.4) + foot + head
    figure = Figure(figsize=(SINGLE, height))
    left = min((max(width(name, size) for name in rows["predictor"]) + 10) / 72 / SINGLE, 0.5)
    axes = figure.add_axes((left, foot / height, 0.96 - left, 1 - (foot + head) / height))
    scored = (int(rows["off"].isna().sum()) - 0.5, len(rows) - 0.3)
    axes.fill_betweenx(scored, portrait.rank - RIGHT * n, portrait.rank + RIGHT * n, color=BAND, lw=0, zorder=0)
    axes.plot([portrait.rank] * 2, scored, color=INK, lw=0.8, zorder=1)
    axes.annotate(f"true rank {portrait.rank:g}", (portrait.rank, 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
                  textcoords="offset points", ha=_side(portrait.rank / n), va="bottom", fontsize=size - 1)  # fmt: skip
    for at, row in enumerate(rows.to_dict("records")):
        y, family = len(rows) - 1 - at, str(row["family"])
        if np.isfinite(row["off"]):
            place, true = (0.5 + (row[key] - 0.5) * n / row["m"] for key in ("rank", "true_rank"))
            axes.plot([place, true], [y, y], color=colour(family), lw=0.9, zorder=2, solid_capstyle="butt")
            axes.plot(
                place, y, marker(family), color=colour(family), ms=4.2 * size_of(family), mec=INK, mew=0.3, zorder=3
            )
        else:
            reason = _fitting(str(row["reason"] or "no rank"), size - 1, (0.96 - left) * SINGLE * 72 - 4)
            axes.text(0.01, y, reason, transform=axes.get_yaxis_transform(), va="center", color=GREY, fontsize=size - 1,
                      zorder=4)  # fmt: skip
    axes.set_yticks(range(len(rows)), rows["predictor"][::-1], fontsize=size)
    for tick, family in zip(axes.get_yticklabels(), rows["family"][::-1], strict=True):
        tick.set_color(ink(family))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    margin = 0.03 * n + 0.5
    axes.set_xlim(n + margin, 1 - margin)
    axes.set_xticks(sorted({1, *(round(n * part / 4) for part in (1, 2, 3, 4))} - {0}))
    axes.set_xlabel("predicted rank (1 = best)")
    family_key(figure, families, y=0.06 / height, columns=3, left=0.03)
    return figure


def _side(share: float) -> str:
    """Where a text above the line begins, so that it stays inside: the worst rank is on the left."""
    return "right" if share < 0.15 else "left" if share > 0.85 else "center"


def _fitting(text: str, size: float, room: float) -> str:
    """The beginning of a text that is no wider than `room` points."""
    if width(text, size) <= room:
        return text
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"
