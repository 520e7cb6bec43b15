from __future__ import annotations

from itertools import combinations
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.evaluate.bootstrap import draws
from harness.evaluate.selection import half_accuracy, precision, regret, selection, too_few


def choices(values, k):
    """All sets of k that may be called the highest: whoever is above the k-th value, and some of those that have it."""
    known = [i for i, value in enumerate(values) if np.isfinite(value)]
    border = sorted((values[i] for i in known), reverse=True)[k - 1]
    above = {i for i in known if values[i] > border}
    tied = [i for i in known if values[i] == border]
    return [above | set(rest) for rest in combinations(tied, k - len(above))]


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 8), st.integers(1, 6), st.integers(0, 2**32))
def test_every_way_to_break_ties_on_both_sides_counts_alike(n, distinct, seed):
    rng = np.random.default_rng(seed)
    truth, score = (rng.integers(0, distinct, n).astype(float) for _ in range(2))
    score[rng.random(n) < 0.2] = np.nan
    known = np.isfinite(score)
    for k in range(1, known.sum() + 1):
        chosen, best = choices(score, k), choices(truth, k)
        overlap = np.mean([len(a & b) / k for a in chosen for b in best])
        lost = truth.max() - np.mean([max(truth[list(a)]) for a in chosen])
        assert precision(score[None], truth, k)[0, 0] == pytest.approx(overlap)
        assert regret(score[None], truth, k)[0, 0] == pytest.approx(lost)
    m, half = known.sum(), ceil(known.sum() / 2)
    if m >= 2:
        pairs = [(a, b) for a in choices(score[known], half) for b in choices(truth[known], half)]
        right = np.mean([sum((i in a) == (i in b) for i in range(m)) / m for a, b in pairs])
        assert half_accuracy(score[None], truth)[0, 0] == pytest.approx(right)


@pytest.mark.parametrize("k", [1, 4, 10])
def test_in_a_draw_the_list_is_the_resampled_one_with_copies_in_one_order_on_both_sides(k):
    rng = np.random.default_rng(k)
    truth, score = rng.normal(size=(2, 40))
    score += truth
    weights = draws(40, 60, 0)
    for b, w in enumerate(weights):
        of = np.repeat(np.arange(40), w)  # a copy's place in the list is its name
        by_score, by_truth = (sorted(range(40), key=lambda i, v=values: -v[of[i]]) for values in (score, truth))
        overlap = len(set(by_score[:k]) & set(by_truth[:k])) / k
        lost = truth[of].max() - truth[of[by_score[:k]]].max()
        right = np.mean([(i in by_score[:20]) == (i in by_truth[:20]) for i in range(40)])
        assert precision(score[None], truth, k, weights)[0, b] == pytest.approx(overlap)
        assert regret(score[None], truth, k, weights)[0, b] == pytest.approx(lost)
        assert half_accuracy(score[None], truth, weights)[0, b] == pytest.approx(right)


def test_a_draw_without_any_of_the_highest_goes_on_to_those_behind_them():
    rng = np.random.default_rng(1)
    truth, score = rng.normal(size=(2, 300))
    weights = np.where(score < np.sort(score)[100], 3, 0)[None]
    left = weights[0] > 0
    copies = np.repeat(truth[left], 3), np.repeat(score[left], 3)
    chosen = np.argsort(-copies[1], kind="stable")[:4]
    assert regret(score[None], truth, 4, weights)[0, 0] == copies[0].max() - copies[0][chosen].max()
    assert np.isfinite(precision(score[None], truth, 4, weights)).all()


def test_who_ranks_as_the_truth_does_loses_nothing_in_any_draw():
    truth = np.random.default_rng(0).normal(size=60)
    weights, scores = draws(60, 200, 0), np.exp(truth)[None]
    for k in (1, 7, 60):
        assert (precision(scores, truth, k, weights) == 1).all()
        assert (regret(scores, truth, k, weights) == 0).all()
    assert (half_accuracy(scores, truth, weights) == 1).all()


def test_a_constant_score_chooses_by_chance():
    truth = np.arange(50.0)
    assert precision(np.ones((1, 50)), truth, 5)[0, 0] == pytest.approx(0.1)
    assert half_accuracy(np.ones((1, 50)), truth)[0, 0] == pytest.approx(0.5)
    best_of_five = np.mean([truth[np.random.default_rng(i).choice(50, 5, False)].max() for i in range(4000)])
    assert regret(np.ones((1, 50)), truth, 5)[0, 0] == pytest.approx(49 - best_of_five, abs=0.3)
    drawn = regret(np.ones((1, 50)), truth, 5, draws(50, 400, 0))
    assert drawn.mean() == pytest.approx(49 - best_of_five, abs=0.6)


def test_what_the_predictor_has_no_score_for_is_lost_and_what_has_no_truth_does_not_count():
    truth = np.array([5.0, 4.0, 3.0, 2.0, np.nan])
    score = np.array([np.nan, 4.0, 3.0, 2.0, 9.0])
    assert regret(score[None], truth, 1)[0, 0] == 1
    assert precision(score[None], truth, 2)[0, 0] == 0.5
    assert half_accuracy(score[None], truth)[0, 0] == 1


def test_fewer_scores_than_k_are_no_choice():
    truth, score = np.arange(4.0), np.array([[0.0, 1.0, np.nan, np.nan]])
    assert np.isnan(precision(score, truth, 3)).all() and np.isnan(regret(score, truth, 3)).all()
    assert np.isnan(half_accuracy(np.array([[1.0, np.nan, np.nan, np.nan]]), truth)).all()


def test_the_table_has_no_row_for_a_k_that_cannot_be_chosen():
    rng = np.random.default_rng(0)
    truth, scores = rng.normal(size=12), rng.normal(size=(4, 12))
    scores[1, 3:] = np.nan
    labels = [("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    table = selection(labels, scores, truth, [1, 5], draws(12, 50, 0), 0.95)
    assert table[["predictor", "step", "k"]].values.tolist() == [
        ["a", 1, 1], ["a", 1, 5], ["b", 1, 1], ["a", 2, 1], ["a", 2, 5], ["b", 2, 1], ["b", 2, 5],
    ]  # fmt: skip
    assert table["n"].tolist() == [12, 12, 3, 12, 12, 12, 12]
    ends = ["precision_low", "precision_high", "regret_low", "regret_high"]
    assert table.loc[table["step"] == 1, ends].isna().all(axis=None)
    last = table[table["step"] == 2]
    assert (last["precision_low"] <= last["precision"]).all() and (last["regret"] <= last["regret_high"]).all()
    expected = np.quantile(precision(scores[2:3], truth, 5, draws(12, 50, 0))[0], [0.025, 0.975])
    assert last.iloc[1][ends[:2]].tolist() == pytest.approx(expected.tolist())
    assert too_few(3, [1, 5]) == "top 5: fewer than 5 scores"
    assert selection(labels, scores, truth, [], draws(12, 5, 0), 0.95).empty
