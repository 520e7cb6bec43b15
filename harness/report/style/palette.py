"""How figures look in print: colours, markers, type sizes, widths of a paper's columns."""

from __future__ import annotations

from typing import Any

from harness.schema.families import family

SINGLE, DOUBLE = 3.4, 7.0
"""Widths of one and of two columns of a paper, in inches."""

DASHES: tuple[Any, ...] = ("-", (0, (3.5, 1.5)), (0, (1, 1)))
"""Lines of the first, second and further predictor of one family in a figure, which share a colour."""

GREY, PALE, INK, BAND = "#767676", "#C4C4C4", "#222222", "#E9E5DA"
"""Notes; lines in the background; text and axes; the ceiling."""


def colour(name: str) -> str:
    """The colour of a family, in every figure."""
    return family(name).colour


def marker(name: str) -> str:
    """The marker of a family, so that a print without colours still tells them apart."""
    return family(name).marker


def size_of(name: str) -> float:
    """By what a marker's size is multiplied, so that all look alike in size."""
    return family(name).scale


def ink(name: str) -> str:
    """The family's colour, darkened until small text in it reads well on white."""
    values = [int(colour(name)[at : at + 2], 16) for at in (1, 3, 5)]
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
