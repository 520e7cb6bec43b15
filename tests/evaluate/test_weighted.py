from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import weightedtau

from harness.evaluate.bootstrap import draws
from harness.evaluate.correlations import tau_b
from harness.evaluate.weighted import weighted_tau


def scipys(score, truth, rank):
    if len(score) < 2 or np.ptp(score) == 0 or np.ptp(truth) == 0:
        return np.nan
    return weightedtau(score, truth, rank=rank).statistic


@st.composite
def samples(draw):
    """Truths that differ, few distinct scores, some missing; small and above one leaf."""
    n = draw(st.sampled_from([2, 3, 7, 20, 65, 150]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    scores = rng.integers(0, draw(st.sampled_from([1, 2, 5, 10_000])), (3, n)).astype(float)
    scores[rng.random((3, n)) < draw(st.sampled_from([0, 0.2]))] = np.nan
    return scores, rng.permutation(n) / 7, draws(n, 3, int(rng.integers(2**32)))


@settings(max_examples=60, deadline=None)
@given(samples())
def test_it_is_scipys_of_the_resampled_arrays_ranked_anew_by_truth_within_each_draw(sample):
    scores, truth, weights = sample
    expected = np.full((3, 3), np.nan)
    for p, row in enumerate(scores):
        for b, multiplicity in enumerate(weights):
            finite = np.isfinite(row)
            s, t = (np.repeat(side[finite], multiplicity[finite]) for side in (row, truth))
            rank = np.empty(len(t), dtype=int)
            rank[np.argsort(-t, kind="stable")] = np.arange(len(t))
            expected[p, b] = scipys(s, t, rank)
    np.testing.assert_allclose(weighted_tau(*sample), expected, atol=1e-10)


def test_architectures_of_equal_truth_share_the_weights_of_their_ranks():
    rng = np.random.default_rng(0)
    truth, score = rng.integers(0, 6, 30).astype(float), rng.integers(0, 9, 30).astype(float)
    rank = np.empty(30, dtype=int)
    rank[np.argsort(-truth, kind="stable")] = np.arange(30)
    shared = {r: np.mean([1 / (1 + other) for other in rank[truth == truth[rank == r]]]) for r in rank}
    expected = weightedtau(score, truth, rank=rank, weigher=shared.__getitem__).statistic
    assert weighted_tau(score[None], truth)[0, 0] == pytest.approx(expected, abs=1e-12)


def test_a_mistake_at_the_top_costs_more_than_one_at_the_bottom():
    truth = np.arange(50.0)
    top, bottom = truth.copy(), truth.copy()
    top[[48, 49]], bottom[[0, 1]] = top[[49, 48]], bottom[[1, 0]]
    swapped = np.stack([top, bottom])
    assert tau_b(swapped, truth)[0, 0] == tau_b(swapped, truth)[1, 0]
    assert weighted_tau(swapped, truth)[0, 0] < weighted_tau(swapped, truth)[1, 0] < 1
    assert weighted_tau(np.stack([truth, -truth]), truth)[:, 0] == pytest.approx([1, -1], abs=1e-12)


def test_it_is_nan_where_one_side_is_constant_or_there_are_no_two():
    assert np.isnan(weighted_tau(np.ones((1, 5)), np.arange(5.0))).all()
    assert np.isnan(weighted_tau(np.arange(5.0)[None], np.full(5, 1 / 3))).all()
    assert np.isnan(weighted_tau(np.array([[1.0, np.nan, np.nan]]), np.arange(3.0))).all()
