"""Numbers as text."""

from __future__ import annotations

import math

import pytest

from harness.report.numbers import NONE, equals, interval, number, ordinal, probability, seconds


@pytest.mark.parametrize(
    ("value", "text"), [(0.625, "0.62"), (-0.051, "−0.05"), (-0.001, "0.00"), (math.nan, NONE), (math.inf, NONE)]
)
def test_a_number_has_a_true_minus_and_no_negative_zero(value: float, text: str) -> None:
    assert number(value) == text


def test_an_interval_without_an_end_is_not_written() -> None:
    assert interval(math.nan, 0.5) == ""
    assert interval(-0.05, 0.25, sign=True) == "[−0.05, +0.25]"


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, ".50"), (-0.05, "−.05"), (0.999, "1.00"), (10.05, "10.05"), (0, ".00")]
)
def test_a_number_may_leave_out_the_zero_before_the_point(value: float, text: str) -> None:
    assert number(value, zero=False) == text


@pytest.mark.parametrize(
    ("place", "text"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (22, "22nd"), (113, "113th")]
)
def test_ordinals(place: int, text: str) -> None:
    assert ordinal(place) == text


def test_what_costs_nothing_is_0_and_what_costs_little_is_not() -> None:
    assert [seconds(value) for value in (0.0, 0.0042, 2.04, 123.4, 1492.3)] == ["0", "0.0042", "2.0", "123", "1,492"]


@pytest.mark.parametrize(
    ("p", "floor", "text"),
    [
        (0.01, 0.01, "≤ 0.010"),
        (0.0001, 0.0001, "≤ 0.0001"),
        (0.02, 0.01, "0.020"),
        (0.01, 0.0, "0.010"),
        (0.0002, 0.0001, "< 0.001"),
    ],
)
def test_a_p_at_the_floor_of_its_test_is_a_bound(p: float, floor: float, text: str) -> None:
    assert probability(p, floor) == text
    assert equals(p, floor).replace("\u00a0", " ") == (f"p {text}" if text[0] in "≤<" else f"p = {text}")
