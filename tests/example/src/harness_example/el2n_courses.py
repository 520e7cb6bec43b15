"""The error norm of every architecture along its training."""

from __future__ import annotations

from matplotlib.figure import Figure

from harness.report.figures import NothingToDraw
from harness.report.run_tables import RunTables
from harness.report.style.palette import SINGLE, colour
from harness.report.write import Report


def caption(tables: RunTables, report: Report) -> str:
    """What the figure shows."""
    return f"Error norm (EL2N) of each architecture along its training. {tables.basis()}"


def draw(tables: RunTables, report: Report) -> Figure:
    """A line an architecture."""
    if "el2n" not in tables.trajectories:
        raise NothingToDraw("no measure wrote el2n")
    figure = Figure(figsize=(SINGLE, 2.4), layout="constrained")
    axes = figure.add_subplot()
    for _, course in tables.trajectories.groupby("architecture"):
        axes.plot(course["step"], course["el2n"], color=colour("my_errors"), lw=0.6, alpha=0.6)
    axes.set_xlabel("step")
    axes.set_ylabel("EL2N")
    return figure
