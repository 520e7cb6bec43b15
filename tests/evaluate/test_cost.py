from __future__ import annotations

import numpy as np
import pandas as pd

from harness.evaluate.cost import front, time_to_tau


def table(*rows):
    """Metrics of (predictor, step, seconds, tau)."""
    frame = pd.DataFrame(rows, columns=["predictor", "step", "seconds", "tau"])
    return frame.assign(
        family="x", epoch=0.5, images=100, fitted_on=0.0, tau_low=frame["tau"] - 0.1, tau_high=frame["tau"] + 0.1
    )


def test_the_front_is_whoever_nobody_beats_in_cost_and_tau():
    rng = np.random.default_rng(0)
    seconds, taus = rng.integers(0, 9, 60).astype(float), np.round(rng.normal(size=60), 1)
    seconds[3], taus[5] = np.nan, np.nan
    expected = [
        np.isfinite(s + t)
        and not any((s2 <= s and t2 >= t) and (s2 < s or t2 > t) for s2, t2 in zip(seconds, taus, strict=True))
        for s, t in zip(seconds, taus, strict=True)
    ]
    rows = table(*[("p", i, s, t) for i, (s, t) in enumerate(zip(seconds, taus, strict=True))])
    assert front(rows).tolist() == expected
    assert 1 < sum(expected) < 20
    assert front(rows.set_index(np.arange(60) + 7)).tolist() == expected


def test_equal_rows_are_all_on_the_front_and_without_a_tau_nobody_is():
    assert front(table(("a", 1, 0.0, 0.4), ("b", 1, 0.0, 0.4), ("c", 1, 0.0, 0.3))).tolist() == [True, True, False]
    assert front(table(("a", 1, 0.0, np.nan))).tolist() == [False]
    assert front(table()).tolist() == []


def test_each_predictor_is_told_at_the_cheapest_budget_that_reaches_the_target():
    rows = table(
        ("slow", 1, 3.0, 0.4), ("slow", 2, 4.0, 0.55), ("slow", 3, 5.0, 0.65), ("dips", 1, 1.0, 0.7),
        ("dips", 2, 2.0, 0.3), ("never", 3, 9.0, 0.49), ("exact", 2, 6.0, 0.5), ("none", 1, 0.1, np.nan),
    )  # fmt: skip
    found = time_to_tau(rows, [0.6, 0.5])
    assert found[["target", "predictor", "step"]].values.tolist() == [
        [0.5, "dips", 1], [0.5, "slow", 2], [0.5, "exact", 2], [0.6, "dips", 1], [0.6, "slow", 3],
    ]  # fmt: skip
    assert found.columns.tolist() == [
        "target", "predictor", "family", "step", "epoch", "images", "seconds", "fitted_on", "tau", "low", "high",
    ]  # fmt: skip
    assert found["seconds"].tolist() == [1, 4, 6, 1, 5]


def test_where_seconds_are_not_recorded_the_fewest_updates_are_the_cheapest():
    rows = table(("a", 8, np.nan, 0.9), ("a", 4, np.nan, 0.8), ("b", 9, 3.0, 0.8))
    assert time_to_tau(rows, [0.5])[["predictor", "step"]].values.tolist() == [["b", 9], ["a", 4]]


def test_the_cheapest_is_that_of_fewest_seconds_not_of_fewest_updates():
    rows = table(("a", 4, 5.0, 0.8), ("a", 8, 2.0, 0.8), ("a", 9, 2.0, 0.8))
    assert time_to_tau(rows, [0.5])["step"].tolist() == [8]


def test_what_nobody_reaches_has_no_row():
    rows = table(("a", 1, 1.0, 0.2))
    for targets in ([0.5], []):
        assert time_to_tau(rows, targets).empty
        assert time_to_tau(rows, targets).columns[0] == "target"
