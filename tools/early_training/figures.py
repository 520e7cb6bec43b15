"""The figures of the findings, drawn from the tables alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.report.style.palette import DOUBLE, GREY, colour, marker
from tools.accuracy_from_weights.figures import save

from .judge import BASE

Look = tuple[str, str, str]
"""Family whose colour and marker a predictor has, its dashes, its name in the figure."""

BY_LABELS: Mapping[str, Look] = {
    "proxies": ("zero_cost", "--", "proxies"),
    "description": ("description", "--", "description"),
    BASE: ("combination", "-", BASE),
    f"{BASE} + everything": ("learning_curve", "-", "and every signal of training"),
    f"{BASE} + beta_eff": ("capacitance", ":", "and β_eff"),
}
WITHOUT_LABELS: Mapping[str, Look] = {
    "live_flops": ("size", "", "live FLOPs"),
    "aggregate": ("zero_cost", "", "aggregate of five proxies"),
    "movement": ("movement", "", "weight displacement"),
    "train_loss": ("learning_curve", "", "training loss"),
    "valid_accuracy": ("weight_statistics", "", "validation accuracy"),
    "beta_eff": ("capacitance", "", "β_eff"),
    "aggregate + train_loss": ("combination", "", "aggregate and training loss"),
    "aggregate + beta_eff": ("temporal_graph", "", "aggregate and β_eff"),
}
ACROSS = 3
"""Panels in a row of the courses."""

SWEPT = "scale "
"""Runs whose name begins so are the cells of a sweep, in a figure of their own."""

TITLES = {
    "digits": "cluttered digits",
    "cifar10": "CIFAR-10",
    "gtsrb43": "GTSRB",
    "scattered_cifar10": "scattered CIFAR-10",
}


def by_labels(table: pd.DataFrame) -> Figure:
    """τ against the number of labels at the end of each task's brief training, a panel per task."""
    own = table[table["task"] == table["target"]]
    tasks = [name for name in TITLES if name in set(own["task"])]
    figure = Figure(figsize=(DOUBLE, 2.8), layout="constrained")
    for axes, name in zip(_row(figure, len(tasks)), tasks, strict=True):
        rows = own[(own["task"] == name) & (own["labels"] > 0)]
        rows = rows[rows["step"] == rows["step"].max()]
        for predictor, (family, dashes, _) in BY_LABELS.items():
            mine = rows[rows["predictor"] == predictor].sort_values("labels")
            axes.plot(mine["labels"], mine["tau"], dashes, color=colour(family), marker=marker(family), ms=3.5, lw=1)
        whole = rows[rows["predictor"] == BASE].sort_values("labels")
        axes.fill_between(
            whole["labels"], whole["tau_low"], whole["tau_high"], color=colour("combination"), alpha=0.12, lw=0
        )
        axes.set(title=TITLES[name], xlabel="accuracies known", xlim=(0, None))
    figure.axes[0].set_ylabel("τ with the final accuracy")
    _legend(figure, BY_LABELS)
    return figure


def without_labels(table: pd.DataFrame) -> Figure:
    """τ of what knows no accuracy on each task, a row per predictor."""
    own = table[(table["task"] == table["target"]) & (table["labels"] == 0)]
    tasks = [name for name in TITLES if name in set(own["task"])]
    figure = Figure(figsize=(DOUBLE, 2.4), layout="constrained")
    for axes, name in zip(_row(figure, len(tasks)), tasks, strict=True):
        rows = own[own["task"] == name]
        rows = rows[rows["step"] == rows["step"].max()].set_index("predictor")
        for place, (predictor, (family, _, label)) in enumerate(reversed(list(WITHOUT_LABELS.items()))):
            if predictor in rows.index:
                tau, low, high = rows.loc[predictor, ["tau", "tau_low", "tau_high"]].to_numpy(dtype=float).tolist()
                axes.plot([low, high], [place, place], color=colour(family), lw=1.2)
                axes.plot([tau], [place], marker=marker(family), color=colour(family), ms=5, label=label)
        axes.axvline(0, color=GREY, lw=0.6, zorder=0)
        axes.set(title=TITLES[name], xlabel="τ", yticks=range(len(WITHOUT_LABELS)), xlim=(-0.5, 0.9))
        axes.set_yticklabels([look[2] for look in reversed(list(WITHOUT_LABELS.values()))])
    return figure


def courses(table: pd.DataFrame) -> Figure:
    """β_eff of the unit against the training loss, a line an architecture, a panel per run; training goes right."""
    runs = table["run"].drop_duplicates().tolist()
    rows = ceil(len(runs) / ACROSS)
    figure = Figure(figsize=(DOUBLE, 2.2 * rows), layout="constrained")
    panels = figure.subplots(rows, min(len(runs), ACROSS), squeeze=False)
    for axes, name in zip(panels.flat, runs, strict=False):
        mine = table[(table["run"] == name) & table["train_loss"].notna()]
        for _, course in mine.groupby("architecture"):
            axes.plot(course["train_loss"], course["beta_eff"], color=colour("capacitance"), lw=0.6, alpha=0.5)
            axes.plot(course["train_loss"].iloc[-1:], course["beta_eff"].iloc[-1:], "o", ms=2, color=GREY)
        low, high = mine["beta_eff"].quantile([0.03, 1.0])
        axes.set(title=name, xlabel="training loss", ylim=(min(low, 0) - 0.05 * high, 1.1 * high))
        axes.set_xlim(float(mine["train_loss"].max()) + 0.1, 0)
        axes.axhline(0, color=GREY, lw=0.6, zorder=0)
    for axes in panels.flat[len(runs) :]:
        axes.set_axis_off()
    for axes in panels[:, 0]:
        axes.set_ylabel("β_eff")
    return figure


def write(folder: Path) -> None:
    """Draw what the tables of `folder` allow."""
    made = pd.read_csv(folder / "early_training.csv")
    save(lambda: by_labels(made), folder / "early_training_labels.svg")
    save(lambda: without_labels(made), folder / "early_training_tasks.svg")


def write_literal(folder: Path) -> None:
    """Draw the tables of the literal neural capacitance in `folder`."""
    whole = pd.read_csv(folder / "neural_capacitance_courses.csv")
    swept = whole["run"].str.startswith(SWEPT)
    save(lambda: courses(whole[~swept]), folder / "neural_capacitance_courses.svg")
    if swept.any():
        save(lambda: courses(whole[swept]), folder / "neural_capacitance_sweep.svg")


def _row(figure: Figure, panels: int) -> Sequence[Axes]:
    found: Sequence[Axes] = figure.subplots(1, panels, sharey=True, squeeze=False)[0].tolist()
    return found


def _legend(figure: Figure, looks: Mapping[str, Look]) -> None:
    handles = [
        Line2D([], [], color=colour(family), ls=dashes, marker=marker(family), ms=3.5, lw=1, label=label)
        for family, dashes, label in looks.values()
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), columnspacing=1.0)
