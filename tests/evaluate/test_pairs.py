from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy.stats import binomtest, kendalltau

from harness.evaluate.bootstrap import draws
from harness.evaluate.pairs import disjoint_pairs, pairs

GAPS = [0.0, 0.5, 1.0, 2.0, 5.0]


def one_by_one(score, truth, low, high):
    """Pairs of a gap and how many of them are right, a tie counting half; truths in tenths of a point."""
    number, right = 0, 0.0
    for i in range(len(truth)):
        for j in range(i):
            gap = round(abs(truth[i] - truth[j]), 6)
            if gap > 0 and low <= gap < high and np.isfinite(score[i] + score[j]):
                number += 1
                right += 0.5 if score[i] == score[j] else float((score[i] > score[j]) == (truth[i] > truth[j]))
    return number, right


@pytest.mark.parametrize("n", [1, 2, 3, 9, 70])
def test_each_pair_of_different_truths_is_counted_once_in_its_gap(n):
    rng = np.random.default_rng(n)
    truth = np.round(rng.normal(50, 2, n), 1)
    scores = np.stack([np.round(truth + rng.normal(size=n)), truth, np.full(n, 3.0)])
    scores[0, : n // 5] = np.nan
    table = pairs([("a", 4), ("b", 4), ("c", 4)], scores, truth, GAPS, draws(n, 20, 0), 0.95)
    assert table["predictor"].tolist() == list("aaaaabbbbbccccc")
    for row, (low, high) in zip(table.itertuples(), 3 * list(zip(GAPS, [*GAPS[1:], np.inf], strict=True)), strict=True):
        number, right = one_by_one(scores["abc".index(row.predictor)], truth, low, high)
        assert (row.gap_low, row.gap_high, row.pairs) == (low, high, number)
        assert row.accuracy == pytest.approx(right / number if number else np.nan, nan_ok=True)
    assert set(table["accuracy"][5:10].dropna()) <= {1.0}
    assert set(table["accuracy"][10:].dropna()) <= {0.5}


def test_a_gap_that_is_an_edge_up_to_rounding_belongs_above_it():
    truth = np.array([90.3, 89.8, 89.7 + 1e-12])  # gaps .5, .6 and .1 of binary fractions
    table = pairs([("a", 0)], truth[None], truth, GAPS, draws(3, 5, 0), 0.95)
    assert table["pairs"].tolist() == [1, 2, 0, 0, 0]
    close = np.array([1.0, 1.0 + 1e-12, 3.0])
    assert pairs([("a", 0)], close[None], close, GAPS, draws(3, 5, 0), 0.95)["pairs"].sum() == 2


def test_edges_that_begin_above_zero_leave_closer_pairs_out():
    truth = np.array([1.0, 1.2, 3.0])
    assert pairs([("a", 0)], truth[None], truth, [1.0], draws(3, 5, 0), 0.95)["pairs"].tolist() == [2]


def test_without_ties_all_gaps_together_are_kendalls_tau():
    rng = np.random.default_rng(0)
    truth, score = rng.normal(size=(2, 90))
    found = pairs([("a", 0)], score[None], truth, [0.0], draws(90, 5, 0), 0.95)["accuracy"][0]
    assert 2 * found - 1 == pytest.approx(kendalltau(score, truth).statistic)


def test_intervals_are_those_of_the_last_step_and_hold_the_accuracy():
    rng = np.random.default_rng(1)
    truth = rng.normal(50, 2, 200)
    scores = truth + 2 * rng.normal(size=(2, 200))
    table = pairs([("a", 1), ("a", 2)], scores, truth, GAPS, draws(200, 200, 0), 0.95)
    assert table.loc[table["step"] == 1, ["low", "high"]].isna().all(axis=None)
    last = table[(table["step"] == 2)]
    assert ((last["low"] < last["accuracy"]) & (last["accuracy"] < last["high"]) & (last["high"] < 1)).all()


def test_draws_are_those_of_the_bootstrap_to_first_order():
    rng = np.random.default_rng(2)
    truth = np.round(rng.normal(50, 2, 150), 3)
    score = truth + 2 * rng.normal(size=150)
    weights = draws(150, 300, 0)
    exact = []
    for w in weights:
        s, t = np.repeat(score, w), np.repeat(truth, w)
        gap, sign = np.abs(t[:, None] - t), np.sign(t[:, None] - t) * np.sign(s[:, None] - s)
        exact.append(((1 + sign) / 2)[(gap >= 1) & (gap < 2)].mean())
    row = pairs([("a", 0)], score[None], truth, GAPS, weights, 0.95).set_index("gap_low").loc[1.0]
    low, high = np.quantile(exact, [0.025, 0.975])
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=0.1 * (high - low))


@pytest.mark.slow
def test_the_interval_covers_the_accuracy_of_all_architectures_there_could_be():
    rng = np.random.default_rng(3)
    n, weights = 100, draws(100, 200, 0)

    def world(n):
        truth = 90 - 3 * rng.gamma(1.5, 1, n)
        return truth, truth + 2.5 * rng.normal(size=n)

    def estimates(n, weights):
        truth, score = world(n)
        return pairs([("a", 0)], score[None], truth, [0.0, 2.0, 8.0], weights, 0.9)

    large = [estimates(4000, np.ones((1, 4000), dtype=int)) for _ in range(4)]
    right = np.average([t["accuracy"] for t in large], axis=0, weights=[t["pairs"] for t in large])
    tables = [estimates(n, weights) for _ in range(300)]
    covered = np.mean([(t["low"] <= right) & (right <= t["high"]) for t in tables], axis=0)
    assert covered == pytest.approx([0.93, 0.9, 0.9], abs=0.06)  # standard error .017


def test_disjoint_pairs_use_no_architecture_twice():
    assert disjoint_pairs(np.arange(10.0), 5, np.inf) == 5
    assert disjoint_pairs(np.array([0.0, 9.0, 9.0, 9.0]), 5, np.inf) == 1
    assert disjoint_pairs(np.arange(8.0), 1, 2) == 4
    assert disjoint_pairs(np.arange(8.0), 2, 3) == 4
    assert disjoint_pairs(np.array([1.0, 1.0, 1.5]), 0, np.inf) == 1
    assert disjoint_pairs(np.array([1.0, 1.0]), 0, np.inf) == 0
    assert disjoint_pairs(np.array([0.0, 3.0]), 2, 3) == 0 and disjoint_pairs(np.array([0.0, 3.0]), 3, 4) == 1


@pytest.mark.parametrize("gap", [(0.0, 1.0), (1.0, 1.5), (1.0, 2.0), (2.0, 4.0), (2.0, np.inf), (0.0, np.inf)])
def test_disjoint_pairs_are_never_more_than_a_matching_and_as_many_where_that_is_one_or_the_gap_is_open(gap):
    rng = np.random.default_rng(4)
    seen, least = set(), 1.0
    for n in [2, 3, 3, 4, 4, 5, 5, 6, 7, 9, 14] * 12:
        t = np.sort(np.round(rng.normal(0, 1.5, n), 1))
        t[0] -= rng.choice([0, 0, 6])  # a single very bad one
        apart = [(i, j) for i in range(n) for j in range(i) if gap[0] <= round(t[i] - t[j], 6) < gap[1] and t[i] > t[j]]
        largest = len(nx.max_weight_matching(nx.Graph(apart), maxcardinality=True))
        found = disjoint_pairs(t, *gap)
        assert found <= largest
        assert (found == largest) or (largest > 2 and np.isfinite(gap[1]))
        seen.add(largest)
        least = min(least, found / max(1, largest)) if largest else least
    assert {1, 2, 3} <= seen and least >= 0.6


def test_where_all_pairs_share_an_architecture_or_are_those_of_three_there_is_no_interval():
    rng = np.random.default_rng(5)
    star = np.array([20.0, *(80 + rng.uniform(0, 4, 30))])
    for truth, gap, number in ((star, [50.0], 30), (np.array([1.0, 2.0, 3.0]), [0.5], 3)):
        score = truth.copy()
        for _ in range(2):  # all right, then one wrong
            found = pairs([("a", 0)], score[None], truth, gap, draws(len(truth), 50, 0), 0.95).iloc[0]
            assert (found["pairs"], found["disjoint"]) == (number, 1)
            assert np.isnan([found["low"], found["high"]]).all()
            score[:2] = score[1::-1]
        assert found["accuracy"] < 1
    two = pairs([("a", 0)], np.array([[1.0, 2, 3, 4]]), np.array([1.0, 1.0, 9, 9]), [5.0], draws(4, 50, 0), 0.95)
    assert two["disjoint"][0] == 2 and two["low"][0] < 1


def test_where_all_pairs_are_right_the_interval_says_how_many_there_were():
    truth = np.arange(10.0)
    weights = draws(10, 50, 0)
    for score, (low, high) in ((truth, (0.025 ** (1 / 5), 1)), (-truth, (0, 1 - 0.025 ** (1 / 5)))):
        row = pairs([("a", 0)], score[None], truth, [5.0], weights, 0.95).iloc[0]
        assert (row["low"], row["high"]) == pytest.approx((low, high))
        assert row["low"] == pytest.approx(binomtest(5 if low else 0, 5).proportion_ci(0.95).low)
