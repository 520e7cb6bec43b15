"""How figures show families: colours, markers, and the widths of a paper's columns."""

from __future__ import annotations

from typing import Any

from harness.schema.families import family

SINGLE, DOUBLE = 3.4, 7.0
"""Widths of one and of two columns of a paper, in inches."""

GREY, PALE, INK, BAND = "#767676", "#C4C4C4", "#222222", "#E9E5DA"
"""Notes; lines in the background; text and axes; the noise ceiling."""

DASHES: tuple[Any, ...] = ("", (3.5, 1.5), (1, 1))
"""Lines of the first, second and further predictor of one family in a figure, which share a colour."""


def colour(name: str) -> str:
    """The colour of a family, in every figure."""
    return family(name).colour


def marker(name: str) -> str:
    """The marker of a family, so that a print without colours still tells them apart."""
    return family(name).marker


def ink(name: str) -> str:
    """The family's colour, darkened until small text in it reads well on white."""
    values = [int(colour(name)[at : at + 2], 16) for at in (1, 3, 5)]
    while sum(weight * (value / 255) ** 2.2 for weight, value in zip((0.21, 0.72, 0.07), values, strict=True)) > 0.17:
        values = [int(value * 0.95) for value in values]
    return "#" + "".join(f"{value:02X}" for value in values)
