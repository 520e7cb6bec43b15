"""The counterparts of a figure's colours on a dark page."""

from __future__ import annotations

import colorsys

from harness.report.style.palette import BAND, ink
from harness.schema.families import FAMILIES

KNOWN = {
    "#ffffff": "#171614",  # the page's own dark ground
    BAND.lower(): "#33302a",  # dark enough for every family's text
    **{ink(family.name).lower(): family.dark.lower() for family in FAMILIES.values()},
    **{family.colour.lower(): family.dark.lower() for family in FAMILIES.values()},
}
"""Colours whose counterpart was chosen."""


def dark(colour: str) -> str:
    """The colour for a dark ground: a chosen one, or else of the same hue with its lightness (HLS) turned over."""
    if colour in KNOWN:
        return KNOWN[colour]
    hue, lightness, saturation = colorsys.rgb_to_hls(*(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)))
    turned = colorsys.hls_to_rgb(hue, 0.97 - 0.85 * lightness, saturation)
    return "#" + "".join(f"{round(255 * value):02x}" for value in turned)
