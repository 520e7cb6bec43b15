from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, rankdata

from harness.evaluate import permutation
from harness.evaluate.permutation import holm, swap_effects, swap_p_values


def numerator(ranks, truth):
    """Concordant minus discordant pairs, one pair at a time."""
    pairs = ((i, j) for i in range(len(truth)) for j in range(i))
    return sum(np.sign(ranks[i] - ranks[j]) * np.sign(truth[i] - truth[j]) for i, j in pairs)


def differences(first, second, truth):
    """The difference of the two numerators under every pattern of swaps of the mid-ranks, the observed one first."""
    a, b = rankdata(first), rankdata(second)
    for kept in product((True, False), repeat=len(truth)):
        yield kept, numerator(np.where(kept, a, b), truth) - numerator(np.where(kept, b, a), truth)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 6), st.sampled_from([3, 1000]), st.integers(0, 2**32))
def test_the_difference_is_linear_in_the_swaps(n, distinct, seed):
    first, second, truth = np.random.default_rng(seed).integers(0, distinct, (3, n)).astype(float)
    effects = swap_effects(first, second, truth)
    for kept, difference in differences(first, second, truth):
        assert np.where(kept, 1, -1) @ effects == 2 * difference


def test_effects_are_of_the_architectures_that_both_score_and_add_up_to_the_difference():
    first, second, truth = np.random.default_rng(0).normal(size=(3, 60))
    first[3], second[5], truth[7] = np.nan, np.nan, np.nan
    kept = np.isfinite(first + second + truth)
    effects = swap_effects(first, second, truth)
    assert (effects[~kept] == 0).all()
    assert (effects[kept] == swap_effects(first[kept], second[kept], truth[kept])).all()
    taus = [kendalltau(side[kept], truth[kept]).statistic for side in (first, second)]
    assert effects.sum() / 2 == pytest.approx((taus[0] - taus[1]) * 57 * 56 / 2)


@pytest.mark.parametrize("seed", range(4))
def test_p_is_that_of_all_patterns_of_swaps(seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=8)
    first, second = truth + 0.4 * rng.normal(size=8), np.round(truth + 2 * rng.normal(size=8))
    observed, *others = (difference for _, difference in differences(first, second, truth))
    exact = np.mean(np.abs([observed, *others]) >= abs(observed))
    p = swap_p_values(swap_effects(first, second, truth)[None], 40_000, seed)[0]
    assert p == pytest.approx(exact, abs=0.01)


def test_p_is_one_for_equal_rankings_and_never_zero():
    truth = np.arange(40.0)
    effects = [swap_effects(truth, truth**3, truth), swap_effects(truth, -truth, truth)]
    assert swap_p_values(np.stack(effects), 99, 0).tolist() == [1, 0.01]
    assert swap_p_values(np.zeros((0, 5), dtype=int), 99, 0).shape == (0,)


def test_p_does_not_depend_on_how_many_swaps_are_held_at_once_nor_on_the_other_comparisons(monkeypatch):
    rng = np.random.default_rng(1)
    truth = rng.normal(size=50)
    effects = np.stack([swap_effects(truth + rng.normal(size=50), truth + rng.normal(size=50), truth) for _ in "ab"])
    whole = swap_p_values(effects, 500, 3)
    assert (whole != swap_p_values(effects, 500, 4)).any()
    monkeypatch.setattr(permutation, "BLOCK_BYTES", 4 * 50 * 7)
    assert (swap_p_values(effects, 500, 3) == whole).all()
    assert swap_p_values(effects[1:], 500, 3)[0] == whole[1]


def test_counts_too_large_for_float32_stay_exact():
    effects = np.array([[2**24, 1, 1], [2**24, 1, -1]])  # |T| is 2^24 + 2 and 2^24: float32 cannot tell their swaps
    p = swap_p_values(effects, 4000, 0)
    assert p == pytest.approx([1 / 4, 3 / 4], abs=0.03)


def test_of_two_predictors_that_are_alike_one_in_twenty_is_told_apart():
    rng = np.random.default_rng(5)
    effects = []
    for _ in range(600):
        truth, shared, *own = rng.normal(size=(4, 25))
        effects.append(swap_effects(truth + shared + own[0], truth + shared + own[1], truth))
    p = swap_p_values(np.array(effects), 499, 0)
    # standard errors: .009 and .018
    assert (p <= 0.05).mean() == pytest.approx(0.05, abs=0.025)
    assert (p <= 0.25).mean() == pytest.approx(0.25, abs=0.05)


def test_holm_is_the_example_worked_by_hand():
    # .01 · 4, .02 · 3, max(.06, .03 · 2), max(.06, .04 · 1): sorted .01 .02 .03 .04
    assert holm(np.array([0.03, 0.01, 0.04, 0.02])) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm(np.array([0.4, 0.9, 0.001])) == pytest.approx([0.8, 0.9, 0.003])
    assert holm(np.array([0.7, 0.8])) == pytest.approx([1, 1])


def test_holm_leaves_out_what_was_not_tested():
    found = holm(np.array([np.nan, 0.03, np.nan, 0.02]))
    assert np.isnan(found[[0, 2]]).all()
    assert found[[1, 3]] == pytest.approx([0.04, 0.04])
    assert np.isnan(holm(np.full(2, np.nan))).all()
