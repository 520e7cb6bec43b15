from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, pearsonr, spearmanr

from harness.evaluate.bootstrap import draws
from harness.evaluate.correlations import partial_tau, partial_tau_of_two, pearson, spearman, tau_b, why_undefined


@st.composite
def samples(draw):
    """Few distinct values, so that ties are everywhere; some scores missing; small and above one leaf."""
    n = draw(st.sampled_from([1, 2, 3, 7, 20, 65, 150]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    distinct = draw(st.sampled_from([1, 2, 5, 10_000]))
    scores = rng.integers(0, distinct, (3, n)).astype(float)
    scores[rng.random((3, n)) < draw(st.sampled_from([0, 0.2]))] = np.nan
    truth = rng.integers(0, draw(st.sampled_from([2, 5, 10_000])), n) / 7
    return scores, truth, draws(n, 3, int(rng.integers(2**32)))


def resampled(correlate, scores, truth, weights):
    """SciPy on the arrays that the multiplicities stand for."""
    out = np.full((len(scores), len(weights)), np.nan)
    for p, row in enumerate(scores):
        for b, multiplicity in enumerate(weights):
            finite = np.isfinite(row)
            x = np.repeat(row[finite], multiplicity[finite])
            y = np.repeat(truth[finite], multiplicity[finite])
            if len(x) > 1 and np.ptp(x) > 0 and np.ptp(y) > 0:
                out[p, b] = correlate(x, y).statistic
    return out


@settings(max_examples=60, deadline=None)
@given(samples())
def test_tau_b_of_multiplicities_is_scipys_of_the_resampled_arrays(sample):
    np.testing.assert_allclose(tau_b(*sample), resampled(kendalltau, *sample), atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(samples())
def test_spearman_of_multiplicities_is_scipys_of_the_resampled_arrays(sample):
    np.testing.assert_allclose(spearman(*sample), resampled(spearmanr, *sample), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(samples())
def test_pearson_of_multiplicities_is_scipys_of_the_resampled_arrays(sample):
    np.testing.assert_allclose(pearson(*sample), resampled(pearsonr, *sample), atol=1e-9)


def test_pearson_sees_neither_scale_nor_shift_and_a_constant_has_none():
    rng = np.random.default_rng(0)
    score, truth = rng.normal(size=(2, 50))
    expected = pearsonr(score, truth).statistic
    scaled = np.stack([1e200 * score, 1e-200 * score, 1e6 + score, -score])
    assert pearson(scaled, truth)[:, 0] == pytest.approx([expected] * 3 + [-expected], abs=1e-7)
    constants = np.stack([np.full(50, 1 / 3), np.full(50, 0.1 * 3)])
    assert np.isnan(pearson(constants, truth)).all() and np.isnan(pearson(score[None], np.full(50, 1 / 3))).all()


def test_without_weights_every_architecture_counts_once():
    rng = np.random.default_rng(0)
    scores, truth = rng.integers(0, 9, (2, 40)).astype(float), rng.integers(0, 9, 40).astype(float)
    for ours, theirs in ((tau_b, kendalltau), (spearman, spearmanr)):
        np.testing.assert_allclose(ours(scores, truth)[:, 0], [theirs(row, truth).statistic for row in scores])


def test_counts_too_large_for_float32_stay_exact():
    rng = np.random.default_rng(0)
    scores, truth = rng.integers(0, 50, (1, 80)).astype(float), rng.integers(0, 50, 80).astype(float)
    weights = rng.integers(0, 3000, (1, 80))
    for ours, theirs in ((tau_b, kendalltau), (spearman, spearmanr)):
        expected = resampled(theirs, scores, truth, weights)
        np.testing.assert_allclose(ours(scores, truth, weights), expected, rtol=1e-13)


def test_agreement_is_one_and_reversal_is_minus_one():
    truth = np.arange(200.0)
    for correlate in (tau_b, spearman):
        assert correlate(np.stack([truth**3, -truth]), truth)[:, 0].tolist() == [1.0, -1.0]


def test_a_missing_score_is_left_out_and_not_ranked_last():
    truth = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    missing = np.array([[1.0, 2.0, 3.0, 4.0, np.nan]])
    assert tau_b(missing, truth)[0, 0] == spearman(missing, truth)[0, 0] == 1.0


@pytest.mark.parametrize(
    ("scores", "truth", "reason"),
    [
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], "constant score"),
        ([1.0, 2.0, np.nan], [4.0, 4.0, 3.0], "constant truth"),
        ([1.0, np.nan, np.nan], [1.0, 2.0, 3.0], "fewer than 2 scores"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], ""),
    ],
)
def test_an_undefined_correlation_is_nan_with_its_reason(scores, truth, reason):
    scores, truth = np.array(scores), np.array(truth)
    assert why_undefined(scores, truth) == reason
    for correlate in (tau_b, spearman):
        assert np.isnan(correlate(scores[None], truth)[0, 0]) == bool(reason)


def test_no_predictors_and_no_architectures_are_empty_not_an_error():
    assert tau_b(np.zeros((0, 4)), np.arange(4.0)).shape == (0, 1)
    assert np.isnan(spearman(np.zeros((2, 0)), np.zeros(0), np.zeros((3, 0), dtype=int))).all()


def test_partial_tau_follows_from_the_three_taus():
    rng = np.random.default_rng(1)
    given_, s, t = rng.normal(size=(3, 60))
    s, t = s + given_, t + given_
    s[3] = np.nan
    st_, sg = (kendalltau(s, other, nan_policy="omit").statistic for other in (t, given_))
    kept = np.isfinite(s)
    tg = kendalltau(t[kept], given_[kept]).statistic
    expected = (st_ - sg * tg) / np.sqrt((1 - sg**2) * (1 - tg**2))
    assert partial_tau(s[None], t, given_)[0, 0] == pytest.approx(expected, abs=1e-12)


def test_partial_tau_of_multiplicities_is_that_of_the_resampled_arrays_where_all_three_are_known():
    rng = np.random.default_rng(5)
    given_, t = rng.integers(0, 12, (2, 40)).astype(float)
    scores = np.round(rng.normal(size=(4, 40)) + given_)
    scores[1, :6], scores[2, 3], given_[3], scores[3] = np.nan, np.nan, np.nan, np.nan
    weights = draws(40, 6, 0)
    expected = np.full((4, 6), np.nan)
    for p, b in np.ndindex(3, 6):
        kept = np.repeat(np.isfinite(scores[p] + given_), weights[b])
        s, x, g = (np.repeat(side, weights[b])[kept] for side in (scores[p], t, given_))
        st_, sg, tg = (kendalltau(*pair).statistic for pair in ((s, x), (s, g), (x, g)))
        expected[p, b] = (st_ - sg * tg) / np.sqrt((1 - sg**2) * (1 - tg**2))
    np.testing.assert_allclose(partial_tau(scores, t, given_, weights), expected, atol=1e-12)
    known = tau_b(scores, t, weights)  # of use for the third row alone, which misses what the given misses
    np.testing.assert_allclose(partial_tau(scores, t, given_, weights, known), expected, atol=1e-12)


def second_order(s, t, g, h):
    """Kendall's recursion from SciPy's taus of four arrays."""
    tau = {(i, j): kendalltau(x, y).statistic for i, x in enumerate((s, t, g, h)) for j, y in enumerate((s, t, g, h))}

    def first(i, j, z):
        return (tau[i, j] - tau[i, z] * tau[j, z]) / np.sqrt((1 - tau[i, z] ** 2) * (1 - tau[j, z] ** 2))

    st_, sh, th = first(0, 1, 2), first(0, 3, 2), first(1, 3, 2)
    return (st_ - sh * th) / np.sqrt((1 - sh**2) * (1 - th**2))


def test_partial_tau_of_two_is_that_of_the_resampled_arrays_where_all_four_are_known():
    rng = np.random.default_rng(6)
    g, h, t = rng.integers(0, 12, (3, 40)).astype(float)
    scores = np.round(rng.normal(size=(5, 40)) + g + h / 2)
    scores[1, :6], scores[2, 3], scores[3], g[3], h[[3, 9]], scores[4, [3, 9]] = (np.nan,) * 6
    weights = draws(40, 6, 0)
    expected = np.full((5, 6), np.nan)
    for p, b in np.ndindex(5, 6):
        kept = np.repeat(np.isfinite(scores[p] + g + h), weights[b])
        if kept.any():
            expected[p, b] = second_order(*(np.repeat(side, weights[b])[kept] for side in (scores[p], t, g, h)))
    found = partial_tau_of_two(scores, t, (g, h), weights)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(partial_tau_of_two(scores, t, (h, g), weights), expected, atol=1e-12)
    known = tau_b(scores, t, weights), (tau_b(scores, g, weights), tau_b(scores, h, weights))
    np.testing.assert_allclose(partial_tau_of_two(scores, t, (g, h), weights, *known), expected, atol=1e-12)


def test_partial_tau_of_two_is_nan_where_one_of_the_given_says_the_same_as_another():
    rng = np.random.default_rng(7)
    s, t, g = rng.normal(size=(3, 30))
    for given_ in ((s, g), (g, s), (g, -s), (g, t), (g, g), (np.ones(30), g)):
        assert np.isnan(partial_tau_of_two(s[None], t, given_)).all()


def test_partial_tau_shrinks_where_only_the_given_links_the_two():
    rng = np.random.default_rng(2)
    given_, a, b = rng.normal(size=(3, 1500))
    s, t = given_ + a, given_ + b
    assert tau_b(s[None], t)[0, 0] > 0.3
    # Kendall's partial τ of Gaussians with partial r = 0 is (1/3 − 1/4) / (1 − 1/4) = 1/9, not 0
    assert partial_tau(s[None], t, given_)[0, 0] == pytest.approx(1 / 9, abs=0.05)


def test_partial_tau_is_nan_where_the_given_says_the_same_as_the_scores():
    rng = np.random.default_rng(3)
    s, t = rng.normal(size=(2, 30))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(partial_tau(s[None], t, 2 * s)).all()
        assert np.isnan(partial_tau(s[None], t, np.ones(30))).all()


def test_a_partial_tau_of_one_up_to_rounding_leaves_nothing_to_correlate() -> None:
    """Few architectures with ties: partial τ of first order reach 1 + 4e-16 and 1 − 4e-16."""
    rng, undefined = np.random.default_rng(0), 0
    for _ in range(400):
        score, truth, g, h = (rng.integers(0, 3, 4).astype(float) for _ in range(4))
        found = partial_tau_of_two(score[None], truth, (g, h))
        undefined += int(np.isnan(found).sum())
        assert (np.isnan(found) | (np.abs(found) <= 1 + 1e-6)).all(), found
    assert 0 < undefined < 400
