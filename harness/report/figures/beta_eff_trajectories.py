"""β_eff along training, one line per architecture, coloured by its final accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from harness.report.figures import NothingToDraw
from harness.report.run_tables import RunTables
from harness.report.style.palette import SINGLE
from harness.report.text import BETA_EFF, Text

if TYPE_CHECKING:
    from harness.report.config import ReportConfig

SECTION = "capacitance"

SHADES = 48
"""Steps of colour: few enough to be drawn, and turned dark, one by one."""

MOST = 500
"""Of more architectures than this, as many are drawn, evenly spaced by accuracy: more lines would be one blot."""


def caption(tables: RunTables, report: ReportConfig) -> Text:
    """What the figure shows."""
    fewer = f", {MOST} of them evenly spaced by accuracy" if len(tables.architectures) > MOST else ""
    return Text(
        BETA_EFF,
        f" along training, one line per architecture{fewer}, coloured by its final accuracy (the colours end at "
        f"the 5th percentile, so that dead architectures do not use up the scale). {tables.basis()}",
    )


def draw(tables: RunTables, report: ReportConfig) -> Figure:
    """Logarithmic where every value is positive and they span a decade, linear near 0 where signs differ."""
    column = next((name for name in tables.trajectories.columns if name.startswith("beta_eff")), None)
    if column is None:
        raise NothingToDraw("no column beta_eff was measured")
    table = tables.trajectories.merge(_choose(tables), on="architecture")
    table = table[np.isfinite(table[column].to_numpy(dtype=float))]
    if table.empty:
        raise NothingToDraw(f"no finite {column} was measured")
    if table["step"].nunique() == 1:
        raise NothingToDraw(f"{column} was observed once, at step {table['step'].iloc[0]}")
    figure = Figure(figsize=(SINGLE, 2.6), layout="constrained")
    axes = figure.subplots()
    _draw_lines(axes, table, column)
    _scale(axes, table[column].to_numpy(dtype=float))
    axes.set(xlabel="steps", xlim=(table["step"].min(), table["step"].max()))
    axes.set_ylabel(r"$\beta_\mathrm{eff}$", parse_math=True)
    return figure


def _choose(tables: RunTables) -> pd.DataFrame:
    """The architectures that are drawn, and their ground truth, worst first."""
    known = tables.architectures[["architecture", "truth"]].dropna().sort_values("truth")
    return known if len(known) <= MOST else known.iloc[np.linspace(0, len(known) - 1, MOST).round().astype(int)]


def _draw_lines(axes: Axes, table: pd.DataFrame, column: str) -> None:
    """The lines, worst architecture first, so that the good ones lie on top, and the bar of their colours."""
    truth = table.groupby("architecture")["truth"].first()
    low, high = float(np.percentile(truth, 5)), float(truth.max())
    high = high if high > low else low + 1
    colours = sns.color_palette("viridis_r", SHADES, as_cmap=False)
    shade = np.clip((table["truth"] - low) / (high - low), 0, 1).mul(SHADES - 1).round().astype(int)
    few = len(truth) <= 100
    sns.lineplot(
        table.assign(shade=shade).sort_values(["truth", "step"]), x="step", y=column, units="architecture", hue="shade",
        palette=dict(enumerate(colours)), estimator=None, sort=False, legend=False, lw=0.8 if few else 0.4,
        alpha=0.85 if few else 0.6, ax=axes,
    )  # fmt: skip
    bar = axes.figure.colorbar(
        ScalarMappable(Normalize(low, high), sns.blend_palette(colours, SHADES, as_cmap=True)), ax=axes, extend="min"
    )
    bar.set_label("final accuracy (%)")
    if bar.solids is not None:  # as vectors
        bar.solids.set(rasterized=False, edgecolor="face", linewidth=0.3)
    bar.outline.set_visible(False)


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
