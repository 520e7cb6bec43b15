"""Sums over draws: by halves, of one draw or of many, against the sums written out."""

from __future__ import annotations

import numpy as np
import pytest

from harness.evaluate.multiplicities import FEW_DRAWS, LEAF, inversions, running


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
