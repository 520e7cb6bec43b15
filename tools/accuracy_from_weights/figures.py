"""The figures of the findings, from the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter, StrMethodFormatter

from harness.report.style.compact import compact
from harness.report.style.palette import DOUBLE, GREY, colour, marker
from harness.report.style.theme import theme

from .inputs import HYPER, LAYERS

PUBLISHED_NETWORKS, WIDEST = 15_000, 30_000
GOAL = 0.98
FONT = 8.0

Look = tuple[str, str, str]
"""Family whose colour and marker a line has, its dashes, its name in the legend."""

INPUTS: Mapping[str, Look] = {
    LAYERS: ("weight_statistics", "-", "statistics per layer"),
    HYPER: ("description", "--", "hyper-parameters"),
}
READINGS: Mapping[str, Look] = {
    "this checkpoint": ("weight_statistics", "-", "statistics, learned at this checkpoint"),
    "the end": ("temporal_graph", ":", "statistics, learned at the end"),
}


def grid(transfers: pd.DataFrame) -> Figure:
    """Kendall's τ of each data set that was learned on (rows) with each that it was applied to (columns)."""
    order = transfers["learned_on"].drop_duplicates().tolist()
    ends = transfers[transfers["input"] == LAYERS]["epoch"]
    early = min((epoch for epoch in ends if epoch > 0), default=0)
    wanted = [(LAYERS, ends.max(), "statistics, finished networks"), (HYPER, ends.max(), "hyper-parameters alone")]
    if early < ends.max():
        wanted.insert(1, (LAYERS, early, f"statistics after {early} epochs"))
    figure = Figure(figsize=(DOUBLE, 0.45 + DOUBLE / 3), layout="constrained")
    panels = figure.subplots(1, len(wanted), squeeze=False)[0]
    for axes, (name, epoch, title) in zip(panels, wanted, strict=True):
        rows = transfers[(transfers["input"] == name) & (transfers["epoch"] == epoch)]
        values = rows.pivot(index="learned_on", columns="applied_to", values="tau").loc[order, order]
        shades = sns.light_palette(colour("weight_statistics"), as_cmap=True)
        labels = values.map(lambda tau: f"{tau:.2f}".replace("0.", ".").replace("-", "−"))
        sns.heatmap(values, ax=axes, annot=labels, fmt="", vmin=0, vmax=1, cmap=shades, cbar=False, square=True,
                    linewidths=0.6, xticklabels=short(order), yticklabels=short(order))  # fmt: skip
        axes.set(title=title, xlabel="applied to", ylabel="learned on" if axes is panels[0] else "")
        axes.tick_params(length=0)
        if axes is not panels[0]:
            axes.set_yticks([])
    return figure


def learning_curve(curves: pd.DataFrame) -> Figure:
    """R² against the number of networks learned from, a panel per data set; the published figure at 15,000."""
    names = curves["dataset"].drop_duplicates().tolist()
    figure, panels = _panels(names)
    for axes, name in zip(panels, names, strict=True):
        rows = curves[curves["dataset"] == name]
        for input_name, look in INPUTS.items():
            _line(axes, rows[rows["input"] == input_name], "learned", "r2", look)
        published = rows["published_r2"].dropna()
        if len(published):
            axes.plot([PUBLISHED_NETWORKS], [published.iloc[0]], "*", color=colour("weight_statistics"), ms=7,
                      clip_on=False, zorder=4)  # fmt: skip
        axes.axhline(GOAL, color=GREY, lw=0.6, ls=(0, (1, 2)), zorder=0)
        axes.set(xscale="log", xlim=(40, WIDEST), ylim=(min(0.0, float(curves["r2_low"].min()) - 0.02), 1.0))
        axes.set(title=name, xlabel="networks learned from")
        axes.xaxis.set_major_locator(FixedLocator([100, 1000, 10_000]))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    panels[0].set_ylabel("R² on untouched networks")
    star = Line2D([], [], marker="*", ls="", color=colour("weight_statistics"), ms=7, label="published (statistics)")
    _legend(figure, [*_handles(INPUTS), star, Line2D([], [], color=GREY, lw=0.6, ls=(0, (1, 2)), label=f"R² = {GOAL}")])
    return figure


def epochs(early: pd.DataFrame) -> Figure:
    """τ with the final accuracy of what is read at each checkpoint, a panel per data set."""
    names = early["dataset"].drop_duplicates().tolist()
    figure, panels = _panels(names)
    for axes, name in zip(panels, names, strict=True):
        rows = early[early["dataset"] == name]
        for learned_at, look in READINGS.items():
            _line(axes, rows[rows["learned_at"] == learned_at], "epoch", "tau", look)
        now = rows[(rows["learned_at"] == "this checkpoint") & (rows["epoch"] < rows["epoch"].max())]
        axes.plot(now["epoch"], now["tau_of_accuracy_now"], "--", color=colour("learning_curve"), lw=0.9, ms=3,
                  marker=marker("learning_curve"))  # fmt: skip
        axes.set(title=name, xlabel="epoch", ylim=(min(-0.1, float(early["tau_low"].min()) - 0.02), 1.0))
    panels[0].set_ylabel("τ with the final accuracy")
    accuracy = {"": ("learning_curve", "--", "test accuracy at this checkpoint")}
    _legend(figure, [*_handles(READINGS), *_handles(accuracy)])
    return figure


def _panels(names: list[str]) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(DOUBLE, 2.2), layout="constrained")
    return figure, figure.subplots(1, len(names), sharey=True, squeeze=False)[0].tolist()


def _line(axes: Axes, rows: pd.DataFrame, x: str, y: str, look: Look) -> None:
    family, dashes, _ = look
    rows = rows.sort_values(x)
    axes.plot(rows[x], rows[y], dashes, color=colour(family), marker=marker(family), ms=3, lw=0.9)
    axes.fill_between(rows[x], rows[f"{y}_low"], rows[f"{y}_high"], color=colour(family), alpha=0.18, lw=0)


def _handles(looks: Mapping[str, Look]) -> list[Line2D]:
    return [
        Line2D([], [], color=colour(family), ls=dashes, marker=marker(family), ms=3, lw=0.9, label=label)
        for family, dashes, label in looks.values()
    ]


def _legend(figure: Figure, handles: list[Line2D]) -> None:
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), columnspacing=1.2)


def short(names: list[str]) -> list[str]:
    """Data sets by the names that fit a small panel."""
    return [name.replace("_mnist", "").replace("gtsrb43", "gtsrb") for name in names]


def save(draw: Callable[[], Figure], path: Path) -> None:
    """As SVG with colours for light and dark pages, the same bytes for the same figure."""
    text = StringIO()
    with theme(FONT):
        draw().savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    path.write_text(compact(text.getvalue()), encoding="utf-8")
