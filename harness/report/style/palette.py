"""How figures look in print: one colour and one marker a family, type sizes, widths of a paper's columns."""

from __future__ import annotations

from typing import Any

SINGLE, DOUBLE = 3.4, 7.0
"""Widths of one and of two columns of a paper, in inches."""

COLOURS = {
    "capacitance": "#C94318",
    "learning_curve": "#1059A7",
    "movement": "#20B087",
    "weight_statistics": "#F488C4",
    "temporal_graph": "#3E8EF2",
    "zero_cost": "#C69E24",
    "combination": "#61422C",
    "size": "#212121",
    "control": "#797979",
}
"""Okabe and Ito's hues, moved until the nearest two of nine lie three times as far apart as in their palette for
readers with deuteranopia or protanopia (simulated; a search over lightness, chroma and 22 degrees of hue in OKLab)."""

DARK = {
    "capacitance": "#FC8E6B",
    "learning_curve": "#4ACDFE",
    "movement": "#299264",
    "weight_statistics": "#FD94D5",
    "temporal_graph": "#2B8EDE",
    "zero_cost": "#FAC987",
    "combination": "#C18B19",
    "size": "#EEEEEE",
    "control": "#A2A2A2",
}
"""The same families on a dark page, found in the same way; legible as small text there."""

MARKERS = {
    "capacitance": "o",
    "learning_curve": "s",
    "movement": "^",
    "weight_statistics": "D",
    "temporal_graph": "v",
    "zero_cost": "P",
    "combination": "*",
    "size": "h",
    "control": "X",
}

SIZES = {"combination": 1.5, "zero_cost": 1.15, "movement": 1.1, "temporal_graph": 1.1, "control": 1.1}
"""How much larger than a disc some markers are drawn to look as large."""

DASHES: tuple[Any, ...] = ("-", (0, (3.5, 1.5)), (0, (1, 1)))
"""Lines of the first, second and further predictor of one family in a figure, which share a colour."""

_SPARE_COLOURS, _SPARE_MARKERS = ("#882255", "#999933", "#332288", "#AA4499"), ("p", "<", ">", "*")

GREY, PALE, INK, BAND = "#767676", "#C4C4C4", "#222222", "#E9E5DA"
"""Notes; lines in the background; text and axes; the ceiling."""


def _spare(family: str, choices: tuple[str, ...]) -> str:
    """One of the choices for a family of a user's own, the same in every run."""
    return choices[sum(family.encode()) % len(choices)]


def colour(family: str) -> str:
    """The colour of a family, in every figure."""
    return COLOURS.get(family) or _spare(family, _SPARE_COLOURS)


def marker(family: str) -> str:
    """The marker of a family, so that a print without colours still tells them apart."""
    return MARKERS.get(family) or _spare(family, _SPARE_MARKERS)


def size_of(family: str) -> float:
    """By what a marker's size is multiplied, so that all look alike in size."""
    return SIZES.get(family, 1.0)


def ink(family: str) -> str:
    """The family's colour, darkened until small text in it reads well on white."""
    values = [int(colour(family)[at : at + 2], 16) for at in (1, 3, 5)]
    while sum(weight * (value / 255) ** 2.2 for weight, value in zip((0.21, 0.72, 0.07), values, strict=True)) > 0.17:
        values = [int(value * 0.95) for value in values]
    return "#" + "".join(f"{value:02X}" for value in values)


def settings(font_size: float) -> dict[str, Any]:
    """Matplotlib settings of every figure; only fonts that Matplotlib ships, so that machines do not differ."""
    small = font_size - 1
    return {
        "font.family": "STIXGeneral",
        "mathtext.fontset": "stix",
        "text.hinting": "none",
        "axes.unicode_minus": True,
        "font.size": font_size,
        "axes.titlesize": font_size,
        "axes.labelsize": font_size,
        "xtick.labelsize": small,
        "ytick.labelsize": small,
        "legend.fontsize": small,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.6,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "xtick.minor.size": 1.5,
        "ytick.minor.size": 1.5,
        "xtick.minor.width": 0.4,
        "ytick.minor.width": 0.4,
        "figure.facecolor": "white",
        "svg.fonttype": "path",
        "svg.hashsalt": "harness",
        "pdf.fonttype": 42,
    }
