"""β_eff along training, one line an architecture, coloured by its final accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure

from harness.report.figures import NothingToDraw
from harness.report.run_tables import RunTables
from harness.report.style.palette import SINGLE

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

SECTION = "capacitance"

SHADES = 48
"""Steps of colour: few enough to be drawn, and turned dark, one by one."""

MOST = 500
"""Of more architectures than this, as many are drawn, evenly spaced by accuracy: more lines would be one blot."""


def caption(tables: RunTables, report: ReportConfig) -> str:
    """What the figure shows."""
    fewer = f", {MOST} of them evenly spaced by accuracy" if len(tables.architectures) > MOST else ""
    return (
        f"β_eff along training, one line an architecture{fewer}, coloured by its final accuracy (the colours end at "
        f"the 5th percentile, so that dead architectures do not use up the scale). {tables.basis()}"
    )


def draw(tables: RunTables, report: ReportConfig) -> Figure:
    """Logarithmic where every value is positive and they span a decade, linear near 0 where signs differ."""
    column = next((name for name in tables.trajectories.columns if name.startswith("beta_eff")), None)
    if column is None:
        raise NothingToDraw("no column beta_eff was measured")
    table = tables.trajectories.merge(_drawn(tables), on="architecture")
    table = table[np.isfinite(table[column].to_numpy(dtype=float))]
    if table.empty:
        raise NothingToDraw(f"no finite {column} was measured")
    if table["step"].nunique() == 1:
        raise NothingToDraw(f"{column} was observed once, at step {table['step'].iloc[0]}")
    figure = Figure(figsize=(SINGLE, 2.6))
    axes = figure.add_axes((0.15, 0.17, 0.65, 0.79))
    lines = _lines(table, column, table["architecture"].nunique())
    axes.add_collection(lines)
    _scale(axes, table[column].to_numpy(dtype=float))
    axes.set_xlim(table["step"].min(), max(table["step"].max(), table["step"].min() + 1))
    axes.set_xlabel("steps")
    axes.set_ylabel(r"$\beta_\mathrm{eff}$")
    bar = figure.colorbar(lines, cax=figure.add_axes((0.83, 0.17, 0.03, 0.79)), extend="min")
    bar.set_label("final accuracy (%)")
    if bar.solids is not None:
        bar.solids.set(alpha=1, rasterized=False, edgecolor="face", linewidth=0.3)
    bar.outline.set_visible(False)
    return figure


def _drawn(tables: RunTables) -> pd.DataFrame:
    """The architectures that are drawn, and their truth."""
    known = tables.architectures[["architecture", "truth"]].dropna().sort_values("truth")
    return known if len(known) <= MOST else known.iloc[np.linspace(0, len(known) - 1, MOST).round().astype(int)]


def _lines(table: pd.DataFrame, column: str, n: int) -> LineCollection:
    """The lines, worst architecture first, so that the good ones lie on top."""
    groups = sorted(table.groupby("architecture"), key=lambda item: item[1]["truth"].iloc[0])
    truth = np.array([rows["truth"].iloc[0] for _, rows in groups])
    low, high = float(np.percentile(truth, 5)), float(truth.max())
    return LineCollection(
        [rows.sort_values("step")[["step", column]].to_numpy(dtype=float) for _, rows in groups],
        array=truth,
        norm=Normalize(low, high if high > low else low + 1),
        cmap=ListedColormap(matplotlib.colormaps["viridis"](np.linspace(0.92, 0, SHADES))),
        linewidths=0.8 if n <= 100 else 0.4,
        alpha=0.85 if n <= 100 else 0.6,
    )


def _scale(axes: Axes, values: np.ndarray) -> None:
    low, high = float(values.min()), float(values.max())
    if low > 0 and high / low > 10:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.15, high * 1.15)
        return
    if low < 0 and np.abs(values).max() > 20 * np.percentile(np.abs(values), 50):
        axes.set_yscale("symlog", linthresh=max(float(np.percentile(np.abs(values), 50)), 1e-12))
    margin = 0.04 * (high - low) or 0.5
    axes.set_ylim(low - margin, high + margin)
