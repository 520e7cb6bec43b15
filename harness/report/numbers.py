"""Numbers as a reader wants them: a true minus, two decimals, intervals in brackets, a dash for none."""

from __future__ import annotations

import math

NONE = "\N{EN DASH}"
"""What stands where there is no number."""

NO_BREAK = "\N{NO-BREAK SPACE}"
"""Joins what must stay on one line; formats without it put a plain space."""


def number(value: float, decimals: int = 2, sign: bool = False, zero: bool = True) -> str:
    """A value such as 0.62, -0.05 or, with `sign`, +0.62; a dash where it is nan. Its minus is a true one.

    Without `zero` the zero before the point is left out, as narrow tables need: .62.
    """
    if not math.isfinite(value):
        return NONE
    text = f"{value:+.{decimals}f}" if sign else f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    if not zero and abs(float(text)) < 1:
        text = text.replace("0.", ".", 1)
    return text.replace("-", "\N{MINUS SIGN}")


def interval(low: float, high: float, sign: bool = False, between: str = ", ", zero: bool = True) -> str:
    """An interval such as [0.51, 0.72]; empty where an end is nan."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"[{number(low, sign=sign, zero=zero)}{between}{number(high, sign=sign, zero=zero)}]"


def percent(share: float, decimals: int | None = None) -> str:
    """A share such as 0.95 or 0.999 as 95 % or 99.9 %, which does not break."""
    text = f"{share * 100:.6g}" if decimals is None else number(share * 100, decimals)
    return f"{text}{NO_BREAK}%"


def equal(name: str, value: object) -> str:
    """n = 80, which does not break."""
    return f"{name}{NO_BREAK}={NO_BREAK}{value}"


def probability(p: float, floor: float = 0.0) -> str:
    """A p-value with two decimals, three where it is small, < 0.001 below that; a dash where it is nan.

    A permutation test gives no less than `floor`: a p that is not above it is written as a bound, ≤ 0.010.
    """
    if not math.isfinite(p):
        return NONE
    if p <= floor * (1 + 1e-9):
        return f"≤ {p:.1g}" if p < 0.001 else f"≤ {probability(p)}"
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"


def equals(p: float, floor: float = 0.0) -> str:
    """p = 0.03, p < 0.001, or p ≤ 0.010 where it is not above `floor`, as in a sentence."""
    text = probability(p, floor)
    return f"p{NO_BREAK}{text}" if text.startswith("≤") else f"p {text}" if p < 0.001 else equal("p", text)


def count(value: float) -> str:
    """A count with commas between thousands, such as 4,096; a dash where it is nan."""
    return f"{value:,.0f}" if math.isfinite(value) else NONE


def counted(value: float, thing: str) -> str:
    """A number of things, such as 1 epoch, 2 epochs or 0.5 epochs; `thing` in the singular."""
    text = f"{value:,.0f}" if value == round(value) else number(value, 1)
    return f"{text} {thing}{'' if value == 1 else 's'}"


def seconds(value: float) -> str:
    """Seconds to two or three significant digits; 0 for what costs no training."""
    if not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 0.995 else f"{value:.2g}"


def ordinal(place: int) -> str:
    """1st, 2nd, 3rd, 4th, … 11th, … 21st."""
    ending = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"


def words(name: str) -> str:
    """A name with spaces for underscores, as families are written in prose and tables."""
    return name.replace("_", " ")
