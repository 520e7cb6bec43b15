"""The figure of the findings: accuracy of the classification against the epochs that are read."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.report.style.palette import DOUBLE, GREY, INK, PALE, colour, marker
from tools.accuracy_from_weights.figures import Look

from .inputs import STOPPING

PUBLISHED, PUBLISHED_EPOCHS, PUBLISHED_OF, PUBLISHED_ON = 0.93, 5, "lenet", "cifar10"
"""Vahedian et al. 2022: "over 93 %", LeNet, weighted degree, CIFAR-10."""

LOWEST = 0.35
"""Where the axes begin unless an accuracy lies below."""

LOOKS: Mapping[str, Look] = {
    "graph: degree": ("temporal_graph", "-", "graph, degree (paper)"),
    "graph: centrality": ("temporal_graph", "--", "graph, centrality (paper)"),
    "graph: normalised": ("temporal_graph", ":", "graph, normalised (here)"),
    "weight displacement": ("movement", "-", "weight displacement"),
    "learning curve": ("learning_curve", "-", "losses and validation accuracy"),
    STOPPING: ("learning_curve", "--", STOPPING),
    "hyper-parameters": ("description", "--", "hyper-parameters alone"),
}


def accuracy_by_epochs(rows: pd.DataFrame, per_line: int = 3) -> Figure:
    """A panel per tested network and what was learned from, `per_line` side by side; bands are 95 % intervals.

    The star is the published figure.
    """
    low = min(LOWEST, rows.loc[rows["input"].isin(LOOKS), "accuracy"].min() - 0.02)
    panels = list(rows.groupby(["scope", "tested_on", "dataset", "recipe"], sort=False))
    lines = -(-len(panels) // per_line)
    columns = -(-len(panels) // lines)
    figure = Figure(figsize=(DOUBLE, 0.8 + 2.2 * lines), layout="constrained")
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(panels):
            axes.set_visible(False)
            continue
        (scope, name, dataset, _), shown = panels[place]
        _lines(axes, shown)
        recipes = {key[3] for key, _ in panels if key[:3] == (scope, name, dataset)}
        axes.set(title=_title(shown, dataset != rows["dataset"].iloc[0], len(recipes) > 1), ylim=(low, 1.02))
        if place + columns >= len(panels):
            axes.set_xlabel("epochs read")
            axes.tick_params(labelbottom=True)
        if str(name).startswith(PUBLISHED_OF) and dataset == PUBLISHED_ON and scope == "own network":
            axes.plot([PUBLISHED_EPOCHS], [PUBLISHED], "*", color=INK, ms=8, zorder=5)
        if not place % columns:
            axes.set_ylabel("accuracy, good against bad")
    handles = [_line(look, label=look[2]) for look in LOOKS.values()]
    star = Line2D([], [], marker="*", ls="", color=INK, ms=8, label=f"published, degree: over {PUBLISHED:.0%}")
    figure.legend(handles=[*handles, star], loc="outside lower left", ncols=3, columnspacing=1.2)
    return figure


def _title(rows: pd.DataFrame, names_data_set: bool, names_recipe: bool) -> str:
    """The network and, on a second line, what tells its panel from others."""
    first = rows.iloc[0]
    count = f"n = {int(first['tested'])}"
    where = f"{first['dataset']}, " if names_data_set else ""
    if names_recipe:
        return f"{first['tested_on']}, {count}\n{where}{first['recipe'].partition(', ')[2]}"
    if first["scope"] == "across networks":
        return f"{first['tested_on']}\n{where}from the others"
    return f"{first['tested_on']}\n{where}{count}"


def _lines(axes: Axes, rows: pd.DataFrame) -> None:
    axes.axhline(0.5, color=PALE, lw=0.6, zorder=0)
    for name, look in LOOKS.items():
        shown = rows[rows["input"] == name].sort_values("epochs")
        if len(shown):
            line = _line(look)
            line.set_data(shown["epochs"].to_numpy(), shown["accuracy"].to_numpy())
            axes.add_line(line)
            if look[1] == "-":
                ends = (shown["accuracy_low"], shown["accuracy_high"])
                axes.fill_between(shown["epochs"], *ends, color=colour(look[0]), alpha=0.13, lw=0)
    axes.set_xticks(sorted(rows["epochs"].unique()))
    axes.tick_params(axis="x", colors=GREY)


def _line(look: Look, label: str = "") -> Line2D:
    family, dashes, _ = look
    return Line2D([], [], color=colour(family), ls=dashes, marker=marker(family), ms=3, lw=0.9, label=label)
