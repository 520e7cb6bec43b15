"""Colours and markers of families."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from harness.schema.families import FAMILIES

SEEN = {
    "all": np.eye(3),
    "no green cones": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                                [-0.011820, 0.042940, 0.968881]]),
    "no red cones": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                              [-0.003882, -0.048116, 1.051998]]),
}  # fmt: skip
"""Machado, Oliveira and Fernandes (2009), severity 1, on linear red, green, blue."""


def lab(colour: str, seen: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of a colour as it is seen."""
    values = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    relative = to_xyz @ np.clip(seen @ linear, 0, 1) / [0.95047, 1.0, 1.08883]
    f = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("ground", ["colour", "dark"])
def test_any_two_families_are_told_apart_also_by_colour_blind_readers(ground: str, seen: str) -> None:
    for one, other in combinations([getattr(family, ground) for family in FAMILIES.values()], 2):
        assert np.linalg.norm(lab(one, SEEN[seen]) - lab(other, SEEN[seen])) > 10, (one, other)
