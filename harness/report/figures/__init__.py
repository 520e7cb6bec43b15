"""One module a figure: `draw(tables, report) -> Figure` and `caption(tables, report) -> str | Text`.

A module is found by its name in the `figures` list of conf/report/*.yaml. Figures draw what the tables hold and compute
no statistic. One that has nothing to draw raises NothingToDraw with the reason, which the page shows instead.

Figures draw with seaborn's functions for axes, on a Matplotlib figure of their own: those for whole figures (relplot,
FacetGrid) go through pyplot, whose windows are the caller's, and `seaborn.objects` 0.13 uses what pandas 3 deprecates.
"""

from __future__ import annotations

from harness.report.config import NothingToDraw

__all__ = ["NothingToDraw"]
