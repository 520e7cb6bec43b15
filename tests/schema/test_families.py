"""Families are declared once, and one of a user's own package has a look of its own."""

from __future__ import annotations

from harness.schema.families import FAMILIES, family


def test_no_two_families_share_a_colour_or_a_marker() -> None:
    for look in ("label", "heading", "colour", "dark", "marker"):
        assert len({getattr(each, look) for each in FAMILIES.values()}) == len(FAMILIES) == 11


def test_an_unknown_family_has_the_same_spare_look_in_every_run() -> None:
    own = family("my_own_family")
    assert own == family("my_own_family") and own.label == "my own family" and own.scale == 1.0
    assert own.colour not in {each.colour for each in FAMILIES.values()}
