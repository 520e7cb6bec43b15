from __future__ import annotations

import numpy as np
import pandas as pd

from harness.evaluate.cost import CostInput, Reads, costs, front, time_to_tau
from harness.schema import Architecture, Trace


def table(*rows):
    """Metrics of (predictor, step, seconds, tau)."""
    frame = pd.DataFrame(rows, columns=["predictor", "step", "seconds", "tau"])
    return frame.assign(
        family="x", n=20, epoch=0.5, images=100, fitted_on=0.0, tau_low=frame["tau"] - 0.1, tau_high=frame["tau"] + 0.1
    )


def test_the_front_holds_what_is_not_dominated_in_cost_and_tau():
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


def test_what_scores_less_than_half_of_the_architectures_is_no_cheap_way_and_not_on_the_front():
    rows = table(("few", 0, 0.0, 0.9), ("half", 1, 1.0, 0.8), ("all", 1, 2.0, 0.85)).assign(n=[9, 10, 20])
    assert front(rows).tolist() == [False, True, True]
    assert time_to_tau(rows, [0.5])["predictor"].tolist() == ["half", "all"]


def test_what_nobody_reaches_has_no_row():
    rows = table(("a", 1, 1.0, 0.2))
    for targets in ([0.5], []):
        assert time_to_tau(rows, targets).empty
        assert time_to_tau(rows, targets).columns[0] == "target"


def a_trace(name, speed):
    steps = np.array([0, 2, 4])
    table = {"step": steps, "epoch": steps / 2, "seconds": speed * steps, "seconds_proxy": [0.25, 0.5, 0.5]}
    return Trace(Architecture(name, name), 0, pd.DataFrame(table))


PAID = frozenset({"seconds_proxy"})
READS = {
    "learned": Reads(PAID), "facts": Reads(frozenset(), free=True), "trained": Reads(PAID),
    "proxy": Reads(PAID, at_initialization=True), "taught": Reads(PAID, at_initialization=True),
}  # fmt: skip


def timings(step):
    rows = [
        ("learned", step, 6.0, 1.5, 0.125), ("facts", step, 6.0, 0.5, 0.125), ("trained", step, 0.0, 0.0, 0.5),
        ("proxy", step, 0.0, 0.0, 0.125), ("taught", step, 6.0, 2.0, 0.125),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["predictor", "step", "fitted_on", "fit_seconds", "score_seconds"])


def test_costs_add_up_what_was_measured_of_the_scored_and_of_the_fitted():
    scored, fitted = [a_trace("a", 1.0), a_trace("b", 3.0)], [a_trace("a", 10.0)]
    found = costs(CostInput(READS, scored, fitted, 100), timings(2)).set_index("predictor")
    assert (found["epoch"] == 1).all() and (found["images"] == 100).all()
    # two steps at 1 and 3 seconds, readings of .25 and .5, one score
    assert found["seconds"].to_dict() == {
        "learned": 4 + 0.75 + 0.125, "facts": 0, "trained": 4 + 0.75 + 0.5, "proxy": 0.25 + 0.125, "taught": 0.375,
    }  # fmt: skip
    assert found["initial_seconds"].to_dict() == {
        "learned": 6 * (20 + 0.75) + 1.5, "facts": 0.5, "trained": 0, "proxy": 0, "taught": 6 * 0.25 + 2,
    }  # fmt: skip


def test_a_proxy_at_initialization_costs_the_same_at_every_budget_and_is_cheapest_at_the_first():
    traces = [a_trace("a", 1.0), a_trace("b", 3.0)]
    paid = costs(CostInput(READS, traces, traces, 100), pd.concat([timings(step) for step in (0, 2, 4)]))
    seconds = paid.pivot(index="predictor", columns="step", values="seconds")
    assert seconds.loc["proxy"].tolist() == [0.375] * 3
    assert seconds.loc["trained"].tolist() == [0.25 + 0.5, 4 + 0.75 + 0.5, 8 + 1.25 + 0.5]
    found = time_to_tau(paid.assign(family="x", n=9, tau=0.6, tau_low=0.5, tau_high=0.7), [0.5])
    assert found.set_index("predictor").loc[["proxy", "trained"], "step"].tolist() == [0, 0]


def test_a_clock_that_was_not_recorded_is_no_cost_of_0():
    traces = [a_trace(name, 1.0) for name in "ab"]
    unread = [Trace(t.architecture, 0, t.table.drop(columns="seconds_proxy")) for t in traces]
    found = costs(CostInput(READS, unread, unread, 100), timings(2)).set_index("predictor")["seconds"]
    assert found.isna().to_dict() == {"learned": True, "facts": False, "trained": True, "proxy": True, "taught": True}


def test_a_budget_before_any_observation_has_no_cost_to_tell():
    late = [Trace(t.architecture, 0, t.table[t.table["step"] > 0]) for t in (a_trace("a", 1.0), a_trace("b", 2.0))]
    found = costs(CostInput({"proxy": READS["proxy"]}, late, late, 100), timings(2).query("predictor == 'proxy'"))
    assert found["seconds"].isna().all() and found["epoch"].tolist() == [1]
