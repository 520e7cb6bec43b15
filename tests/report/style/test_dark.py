"""Figures on dark pages."""

from __future__ import annotations

import re

import numpy as np
import pytest

from harness.report.style.dark import both, dark, hexadecimal, lab
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
    (_, a, b), (_, x, y) = lab(colour), lab(dark(colour))
    turned = np.arctan2(b, a) - np.arctan2(y, x)
    assert abs(np.angle(np.exp(1j * turned))) < np.radians(45) or np.hypot(a, b) < 0.01


def test_known_values_of_oklab() -> None:
    np.testing.assert_allclose(lab("#ffffff"), [1, 0, 0], atol=1e-4)
    np.testing.assert_allclose(lab("#ff0000"), [0.62796, 0.22486, 0.12585], atol=1e-4)  # Ottosson 2020


@pytest.mark.parametrize("colour", ["#000000", "#d55e00", "#123456"])
def test_there_and_back(colour: str) -> None:
    assert hexadecimal(lab(colour)) == colour


def test_every_colour_of_the_figure_has_its_rule_and_nothing_else_changes() -> None:
    svg = '<svg><path style="fill: #d55e00; stroke: #222222"/><rect style="fill: #ffffff"/></svg>\n'
    out = both(svg)
    assert re.sub("<style>.*</style>", "", out) == svg
    for what, colour in (("fill", "#d55e00"), ("stroke", "#222222"), ("fill", "#ffffff")):
        assert f'[style*="{what}: {colour}"]{{{what}:{dark(colour)}!important}}' in out
    assert "prefers-color-scheme: dark" in out
