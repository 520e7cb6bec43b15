"""The figure of the findings: accuracy of the classification against the epochs that are read."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .inputs import STOPPING

PUBLISHED, PUBLISHED_EPOCHS = 0.93, 5
"""Vahedian et al. 2022: "over 93 %", LeNet, weighted degree."""

LINES = {
    "graph: degree": ("C0", "-", "o"),
    "graph: centrality": ("C0", "--", "s"),
    "graph: normalised": ("C2", "-", "^"),
    "weight norm": ("C4", "-", "v"),
    "learning curve": ("C3", "-", "D"),
    STOPPING: ("C1", "--", "P"),
    "hyper-parameters": ("0.45", ":", None),
}
"""Colour, line and marker of what is drawn."""


def accuracy_by_epochs(rows: pd.DataFrame, model: str) -> Figure:
    """A panel per network, each cross-fitted on its own trainings; bars are 95 % intervals, the star is published."""
    panels = list(rows.groupby("tested_on", sort=False))
    figure = Figure(figsize=(1.2 + 2.5 * len(panels), 3.1), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for place, (axis, (name, shown)) in enumerate(zip(axes, panels, strict=True)):
        _panel(axis, shown[shown["model"].isin([model, "none"])])
        axis.set_title(f"{name} (n = {int(shown['tested'].iloc[0])})", fontsize=8)
        if str(name).startswith("lenet"):
            axis.plot([PUBLISHED_EPOCHS], [PUBLISHED], "*", color="black", ms=10, label="published", zorder=5)
        axis.set_xlabel("epochs read")
        if not place:
            axis.set_ylabel("accuracy, good against bad")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=7, frameon=False)
    return figure


def _panel(axis: Axes, rows: pd.DataFrame) -> None:
    for place, (name, (colour, line, marker)) in enumerate(LINES.items()):
        shown = rows[rows["input"] == name].sort_values("epochs")
        ends = (shown["accuracy"] - shown["accuracy_low"], shown["accuracy_high"] - shown["accuracy"])
        error = [length.clip(lower=0) for length in ends]
        shift = 0.06 * (place - len(LINES) / 2)
        axis.errorbar(
            shown["epochs"] + shift, shown["accuracy"], error,
            color=colour, ls=line, marker=marker, ms=3.5, lw=1.1, elinewidth=0.5, label=name,
        )  # fmt: skip
    axis.axhline(0.5, color="0.8", lw=0.8, zorder=0)
    axis.set_xticks(sorted(rows["epochs"].unique()))
    axis.set_ylim(0.4, 1.02)
