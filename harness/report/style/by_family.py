"""Points, legends and names of predictors in the look of their families."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.style.palette import INK, colour, ink, marker
from harness.schema.families import FAMILIES, family

DIAMETER = 4.2
"""Of a disc, in points."""


def sort_families(names: Iterable[str]) -> list[str]:
    """The families, each once, in the order of legends; those of a user's own last."""
    found = set(names)
    return [*[name for name in FAMILIES if name in found], *sorted(found - set(FAMILIES))]


def scatter(axes: Axes, rows: pd.DataFrame, x: str, y: str, families: Iterable[str], hollow: bool = False) -> None:
    """Draw a marker per row in the colour, shape and size of its `family`.

    `families` are those of the whole figure, so that every panel has the same legend for `move_legend`.
    """
    if rows.empty:  # seaborn warns of a palette without data
        return
    order = sort_families(families)
    before = len(axes.collections)
    sns.scatterplot(
        rows, x=x, y=y, ax=axes, **dict.fromkeys(("hue", "style", "size"), "family"),
        **dict.fromkeys(("hue_order", "style_order", "size_order"), order),
        palette={name: colour(name) for name in order}, markers={name: marker(name) for name in order},
        sizes={name: (DIAMETER * family(name).scale) ** 2 for name in order},
        edgecolor=INK, linewidth=0.3, zorder=3, legend="auto" if not hollow else False,
    )  # fmt: skip
    for points in axes.collections[before:] if hollow else ():
        points.set(edgecolor=points.get_facecolor(), facecolor="white", linewidth=0.9)


def move_legend(figure: Figure, columns: int, more: Sequence[Artist] = ()) -> None:
    """Move the families that `scatter` listed to the foot of the figure, with `more` entries."""
    listed = [axes.get_legend_handles_labels() for axes in figure.axes]
    handles, names = max(listed, key=lambda found: len(found[0]))
    labels = [family(name).label for name in names]
    for axes in figure.axes:
        if (legend := axes.get_legend()) is not None:
            legend.remove()
    if not handles:
        return
    figure.legend(
        [*handles, *more], [*labels, *(str(entry.get_label()) for entry in more)], loc="outside lower left",
        ncols=columns, handletextpad=0.1, columnspacing=1.0, labelspacing=0.3,
    )  # fmt: skip


def colour_names(axes: Axes, families: Iterable[str]) -> None:
    """Give the names on the y axis the colours of their families; the axis itself has no line and no ticks."""
    for label, name in zip(axes.get_yticklabels(), families, strict=True):
        label.set_color(ink(name))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylabel("")
