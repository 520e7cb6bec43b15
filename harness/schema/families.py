"""The families of predictors: how each is called and how figures draw it, declared once.

The colours are Okabe and Ito's hues, moved until the nearest two of nine lie three times as far apart as in their
palette for readers with deuteranopia or protanopia (simulated; a search over lightness, chroma and 22 degrees of hue in
OKLab); `dark` was found in the same way for a dark page and is legible as small text there.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """`label` is the word of tables and legends, `heading` that of a section; `scale` multiplies the marker's size so
    that all look as large as a disc; an empty `dark` is derived from `colour`."""

    name: str
    label: str
    heading: str
    colour: str
    dark: str
    marker: str
    scale: float = 1.0


_DECLARED = (
    Family("capacitance", "capacitance", "Neural capacitance", "#C94318", "#FC8E6B", "o"),
    Family("learning_curve", "learning curve", "Learning curves", "#1059A7", "#4ACDFE", "s"),
    Family("movement", "movement", "Weight displacement", "#20B087", "#299264", "^", 1.1),
    Family("weight_statistics", "weight statistics", "Accuracy from weights", "#F488C4", "#FD94D5", "D"),
    Family("temporal_graph", "temporal graph", "Temporal graph of training", "#3E8EF2", "#2B8EDE", "v", 1.1),
    Family("zero_cost", "zero cost", "Zero-cost proxies", "#C69E24", "#FAC987", "P", 1.15),
    Family("combination", "combination", "Combinations", "#61422C", "#C18B19", "*", 1.5),
    Family("size", "size", "Size", "#212121", "#EEEEEE", "h"),
    Family("control", "control", "Controls of the neural capacitance", "#797979", "#A2A2A2", "X", 1.1),
)

FAMILIES = {family.name: family for family in _DECLARED}
"""Every family of this package, in the order of headings and legends."""

_SPARE_COLOURS, _SPARE_MARKERS = ("#882255", "#999933", "#332288", "#AA4499"), ("p", "<", ">", "*")


def family(name: str) -> Family:
    """The family of that name; one of a user's own package has a spare colour and marker, the same in every run."""
    known = FAMILIES.get(name)
    if known is not None:
        return known
    place = sum(name.encode())
    colour, words = _SPARE_COLOURS[place % len(_SPARE_COLOURS)], name.replace("_", " ")
    return Family(name, words, words, colour, "", _SPARE_MARKERS[place % len(_SPARE_MARKERS)])
