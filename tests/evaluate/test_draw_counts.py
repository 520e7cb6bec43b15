"""Sums over draws: by halves, of one draw or of many, against the sums written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from harness.evaluate import draw_counts as multiplicities
from harness.evaluate.correlations import pearson, spearman, tau_b
from harness.evaluate.draw_counts import FEW_DRAWS, LEAF, inversions, inverted, running
from harness.evaluate.selection import half_accuracy
from harness.evaluate.weighted import weighted_tau


@pytest.mark.parametrize("n", [1, 2, LEAF, LEAF + 1, 200, 517])
@pytest.mark.parametrize("draws", [1, 2, FEW_DRAWS + 1])
def test_inversions_are_those_of_the_pairs_one_by_one(n: int, draws: int) -> None:
    rng = np.random.default_rng(n)
    s, left, right = rng.integers(0, max(1, n // 3), n), rng.random((n, draws)), rng.random((n, draws))
    pairs = np.triu(s[:, None] > s, 1)
    np.testing.assert_allclose(inversions(s, left, right), np.einsum("ib,ij,jb->b", left, pairs, right), rtol=1e-12)


@pytest.mark.parametrize("draws", [1, FEW_DRAWS - 1, FEW_DRAWS])
@pytest.mark.parametrize("rows", [0, 1, 2, 3, 15, 16, 17, 500])
def test_running_sums_are_those_of_the_first_rows(rows: int, draws: int) -> None:
    table = np.random.default_rng(rows).integers(0, 9, (rows, draws)).astype(np.float32)
    expected = [table[:number].sum(axis=0) for number in range(rows + 1)]
    np.testing.assert_array_equal(running(table), np.array(expected).reshape(rows + 1, draws))


def test_architectures_are_inverted_with_those_that_pairs_one_by_one_say() -> None:
    rng = np.random.default_rng(0)
    for n in (0, 1, LEAF, 203):
        s, drawn = rng.integers(0, n // 3 + 1, n), rng.integers(0, 4, (n, 70)).astype(float)
        pairs = np.triu(s[:, None] > s, 1)
        np.testing.assert_array_equal(inverted(s, drawn), (pairs | pairs.T).astype(float) @ drawn)


def test_tau_of_so_many_that_float32_cannot_hold_their_pairs_is_scipys() -> None:
    rng = np.random.default_rng(0)
    truth, weights = rng.normal(size=12_000), rng.multinomial(12_000, np.full(12_000, 1 / 12_000), size=2)
    scores = np.stack([0.1 * rng.normal(size=12_000) - truth, rng.integers(0, 3, 12_000)])
    expected = [[kendalltau(np.repeat(s, w), np.repeat(truth, w)).statistic for w in weights] for s in scores]
    np.testing.assert_allclose(tau_b(scores, truth, weights), expected, rtol=1e-13)


@pytest.mark.parametrize("statistic", [tau_b, spearman, pearson, weighted_tau, half_accuracy], ids=lambda f: f.__name__)
def test_draws_that_are_judged_a_few_at_a_time_give_what_all_together_do(statistic, monkeypatch) -> None:
    rng = np.random.default_rng(0)
    truth, weights = rng.normal(size=80), rng.multinomial(80, np.full(80, 1 / 80), size=21)
    scores = np.round(truth + rng.normal(size=(3, 80)), 1)
    together = statistic(scores, truth, weights)
    monkeypatch.setattr(multiplicities, "AT_ONCE", 80 * 4)
    np.testing.assert_allclose(statistic(scores, truth, weights), together, rtol=1e-13)
    assert together.shape == (3, 21)
