"""Figures on dark pages."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from harness.report.style.dark import dark
from harness.report.style.palette import BAND, GREY, INK, ink
from harness.schema.families import FAMILIES


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""
    light = []
    for colour in (one, other):
        channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        light.append(linear @ [0.2126, 0.7152, 0.0722])
    return (max(light) + 0.05) / (min(light) + 0.05)


@pytest.mark.parametrize("colour", [INK, GREY, *(ink(family) for family in FAMILIES)])
def test_text_is_legible_on_the_dark_ground_and_on_the_band(colour: str) -> None:
    assert contrast(dark(colour.lower()), dark("#ffffff")) >= 4.5
    assert contrast(dark(colour.lower()), dark(BAND.lower())) >= 3


@pytest.mark.parametrize(
    "colour", ["#440154", "#b8de29", "#0072b2", *(family.colour.lower() for family in FAMILIES.values())]
)
def test_a_colour_keeps_its_hue(colour: str) -> None:
    (one, _, saturation), (other, _, _) = (
        colorsys.rgb_to_hls(*(int(each[at : at + 2], 16) / 255 for at in (1, 3, 5))) for each in (colour, dark(colour))
    )
    turned = abs((one - other + 0.5) % 1 - 0.5)
    assert turned < 0.1 or saturation < 0.05


def test_what_is_light_turns_dark_and_what_is_dark_light() -> None:
    greys = [f"#{level:02x}{level:02x}{level:02x}" for level in (0, 60, 120, 180, 240)]
    assert [dark(grey) for grey in greys] == sorted((dark(grey) for grey in greys), reverse=True)
