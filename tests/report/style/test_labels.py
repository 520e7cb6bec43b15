"""Placing labels."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from harness.report.style.labels import clusters, spread

PLACES = st.lists(st.floats(0, 100), min_size=1, max_size=30)


@settings(deadline=None)
@given(PLACES)
def test_labels_never_stand_on_one_another_and_stay_inside(wanted: list[float]) -> None:
    gap = min(5.0, 100 / len(wanted))
    places = np.sort(spread(wanted, 5.0, 0.0, 100.0))
    assert np.all(np.diff(places) >= gap - 1e-6)
    assert places[0] >= -1e-9
    assert places[-1] <= 100 + 1e-9


@settings(deadline=None)
@given(PLACES)
def test_labels_keep_the_order_of_their_points(wanted: list[float]) -> None:
    places = spread(wanted, 5.0, 0.0, 100.0)
    order = np.argsort(wanted, kind="stable")
    assert np.all(np.diff(places[order]) > 0)


def test_labels_with_room_stay_where_they_are() -> None:
    np.testing.assert_allclose(spread([80.0, 10.0, 40.0], 5.0, 0.0, 100.0), [80.0, 10.0, 40.0])


def test_labels_move_no_further_than_they_must() -> None:
    wanted = np.array([20.0, 21.0, 22.0, 60.0])
    holds = [{"type": "ineq", "fun": lambda x, i=i: x[i + 1] - x[i] - 5} for i in range(3)]
    slow = minimize(lambda x: np.sum((x - wanted) ** 2), [10.0, 20.0, 30.0, 60.0], constraints=holds, method="SLSQP").x
    np.testing.assert_allclose(spread(wanted, 5.0, 0.0, 100.0), slow, atol=1e-4)


def test_points_share_a_column_of_names_only_where_names_would_run_into_the_next_point() -> None:
    places, room = np.array([0.0, 100.0, 130.0]), np.array([50.0, 50.0, 50.0])
    assert clusters(places, room) == [[0], [1, 2]]
