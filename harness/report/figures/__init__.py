"""One module a figure: `draw(tables, report) -> Figure` and `caption(tables, report) -> str`.

A module is found by its name in the `figures` list of conf/report/*.yaml. Figures draw what the tables hold and compute
no statistic. One that has nothing to draw raises NothingToDraw with the reason, which the page shows in its place.
"""

from __future__ import annotations


class NothingToDraw(Exception):
    """Raised by a figure whose tables hold nothing for it; the message is the reason that the page shows."""
