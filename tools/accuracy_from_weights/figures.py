"""The figures of the findings, from the tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

PUBLISHED_NETWORKS = 15_000
STYLES = {"statistics per layer": "-", "hyper-parameters": "--"}


def grid(transfers: pd.DataFrame) -> Figure:
    """Kendall's τ of each data set that was learned on (rows) with each that it was applied to (columns)."""
    order = transfers["learned_on"].drop_duplicates().tolist()
    values = transfers.pivot(index="learned_on", columns="applied_to", values="tau").loc[order, order]
    figure = Figure(figsize=(1.2 + 0.9 * len(order), 0.8 + 0.8 * len(order)), layout="constrained")
    axes = figure.add_subplot()
    sns.heatmap(values, ax=axes, annot=True, fmt=".2f", vmin=0, vmax=1, cmap="viridis", cbar=False, square=True)
    axes.set_xlabel("applied to")
    axes.set_ylabel("learned on")
    return figure


def learning_curve(curves: pd.DataFrame) -> Figure:
    """R² against the number of networks learned from; the published figure at 15,000."""
    figure = Figure(figsize=(4.6, 3.0), layout="constrained")
    axes = figure.add_subplot()
    for place, (dataset, rows) in enumerate(curves.groupby("dataset", sort=False)):
        for name, style in STYLES.items():
            shown = rows[rows["input"] == name]
            axes.plot(
                shown["learned"], shown["r2"], style, marker="o", ms=3, color=f"C{place}", label=f"{dataset}, {name}"
            )
            axes.fill_between(shown["learned"], shown["r2_low"], shown["r2_high"], color=f"C{place}", alpha=0.15, lw=0)
        best = rows["published_r2"].dropna()
        if len(best):
            axes.plot([PUBLISHED_NETWORKS], [best.iloc[0]], "*", color=f"C{place}", ms=9)
    axes.set_xscale("log")
    axes.set_ylim(min(0.5, float(curves["r2"].min()) - 0.02), 1.0)
    axes.set_xlabel("networks learned from (star: published)")
    axes.set_ylabel("R² on the tested half")
    axes.legend(fontsize=6, frameon=False)
    return figure


def save(figure: Figure, path: Path) -> None:
    """As SVG, the same bytes for the same figure."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "harness", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
