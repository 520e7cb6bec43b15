"""The error norm of every architecture along its training."""

from __future__ import annotations

from matplotlib.figure import Figure

from harness.report.config import ReportConfig
from harness.report.figures import NothingToDraw
from harness.report.run_tables import RunTables
from harness.report.style.palette import SINGLE, colour


def caption(tables: RunTables, report: ReportConfig) -> str:
    """What the figure shows."""
    return f"Error norm (EL2N) of each architecture along its training. {tables.basis()}"


def draw(tables: RunTables, report: ReportConfig) -> Figure:
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
