"""Numbers as a reader wants them: a true minus, two decimals, intervals in brackets, a dash for none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

NONE = "\N{EN DASH}"
"""What stands where there is no number."""


def number(value: float, decimals: int = 2, sign: bool = False) -> str:
    """A value such as 0.62, -0.05 or, with `sign`, +0.62; a dash where it is nan. Its minus is a true one."""
    if not math.isfinite(value):
        return NONE
    text = f"{value:+.{decimals}f}" if sign else f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "\N{MINUS SIGN}")


def interval(low: float, high: float, sign: bool = False) -> str:
    """An interval such as [0.51, 0.72]; empty where an end is nan."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"[{number(low, sign=sign)}, {number(high, sign=sign)}]"


def estimate(value: float, low: float, high: float, sign: bool = False) -> str:
    """A value with its interval, such as 0.62 [0.51, 0.72]."""
    return f"{number(value, sign=sign)} {interval(low, high, sign)}".strip()


def of(row: Mapping[Any, Any], name: str, sign: bool = False) -> str:
    """What `estimate` says of a row's columns `name`, `name`_low and `name`_high."""
    value, low, high = (float(row[f"{name}{end}"]) for end in ("", "_low", "_high"))
    return estimate(value, low, high, sign)


def percent(share: float) -> str:
    """A share such as 0.95 or 0.999 as 95 % or 99.9 %."""
    return f"{share * 100:.6g} %"


def probability(p: float) -> str:
    """A p-value with two decimals, three where it is small, < 0.001 below that; a dash where it is nan."""
    if not math.isfinite(p):
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"


def equals(p: float) -> str:
    """p = 0.03 or p < 0.001, as in a sentence."""
    said = probability(p)
    return f"p {said}" if said.startswith("<") else f"p = {said}"


def count(value: float) -> str:
    """A count with commas between thousands, such as 4,096; a dash where it is nan."""
    return f"{value:,.0f}" if math.isfinite(value) else NONE


def counted(value: float, thing: str) -> str:
    """A number of things, such as 1 epoch, 2 epochs or 0.5 epochs; `thing` in the singular."""
    text = f"{value:,.0f}" if value == round(value) else number(value, 1)
    return f"{text} {thing}{'' if value == 1 else 's'}"


def listed(parts: list[str], last: str = "and") -> str:
    """Words in a row: a, b and c."""
    return f" {last} ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


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
