"""Figures that turn dark with the page: the SVG carries the dark counterparts of its colours as a style sheet."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from harness.report.style.palette import ink
from harness.schema.families import FAMILIES

KNOWN = {
    "#ffffff": "#171614",  # the page's own dark ground, in place of white
    **{ink(family.name).lower(): family.dark.lower() for family in FAMILIES.values()},
    **{family.colour.lower(): family.dark.lower() for family in FAMILIES.values()},
}
"""Colours whose counterpart was chosen."""

GREYISH, BRIGHT = 0.04, 0.68
"""Up to this chroma a colour is a grey, of mirrored lightness; others are at least this light."""

_CONES = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                   [0.0883024619, 0.2817188376, 0.6299787005]])  # fmt: skip
_OPPONENTS = np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
                       [0.0259040371, 0.7827717662, -0.8086757660]])  # fmt: skip
"""From linear red, green, blue to cone responses, and from their cube roots to OKLab (Ottosson 2020)."""


def both(svg: str) -> str:
    """The SVG with rules that swap its colours where the reader prefers dark pages; as it was everywhere else."""
    found = sorted(set(re.findall(r"(fill|stroke): (#[0-9a-f]{6})", svg)))
    rules = "".join(f'[style*="{what}: {colour}"]{{{what}:{dark(colour)}!important}}' for what, colour in found)
    sheet = f"@media (prefers-color-scheme: dark){{{rules}image{{filter:invert(1) hue-rotate(180deg)}}}}"
    head, end, tail = svg.rpartition("</svg>")
    return f"{head}<style>{sheet}</style>{end}{tail}"


def dark(colour: str) -> str:
    """The colour for a dark ground: greys turn over, other colours keep their hue and become bright enough."""
    if colour in KNOWN:
        return KNOWN[colour]
    lightness, a, b = lab(colour)
    mirrored = min(0.22 + 0.86 * (1 - lightness) ** 0.9, 0.97)
    return hexadecimal(np.array([mirrored if np.hypot(a, b) < GREYISH else max(mirrored, BRIGHT), a, b]))


def lab(colour: str) -> NDArray[np.float64]:
    """OKLab lightness (0 to 1), a and b of a colour such as #d55e00."""
    values = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    seen: NDArray[np.float64] = _OPPONENTS @ np.cbrt(_CONES @ linear)
    return seen


def hexadecimal(oklab: NDArray[np.float64]) -> str:
    """The nearest colour that a screen has to an OKLab value, by clipping."""
    linear = np.clip(np.linalg.solve(_CONES, np.linalg.solve(_OPPONENTS, oklab) ** 3), 0, 1)
    values = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(255 * float(value)):02x}" for value in values)
