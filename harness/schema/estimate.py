"""A number with its interval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """An estimated value with the two ends of its interval, all in one unit; nan where there is none.

    It stays one value until a renderer turns it into HTML, Markdown, LaTeX or terminal text.
    """

    value: float
    low: float = float("nan")
    high: float = float("nan")
