from __future__ import annotations

import numpy as np

from harness.evaluate.subsets import best_fifth, best_tenth, better_half, everything


def test_the_better_half_includes_the_median():
    assert better_half(np.array([3.0, 1.0, 2.0])).tolist() == [True, False, True]
    assert better_half(np.array([4.0, 1.0, 2.0, 3.0])).tolist() == [True, False, False, True]


def test_the_best_fifth_is_rounded_up():
    assert np.flatnonzero(best_fifth(np.arange(11.0))).tolist() == [8, 9, 10]
    assert np.flatnonzero(best_fifth(np.arange(10.0))).tolist() == [8, 9]


def test_the_best_tenth_is_rounded_up():
    assert np.flatnonzero(best_tenth(np.arange(21.0))).tolist() == [18, 19, 20]
    assert np.flatnonzero(best_tenth(np.arange(20.0))).tolist() == [18, 19]


def test_ties_at_the_border_are_included():
    assert best_fifth(np.array([1.0, 5.0, 5.0, 5.0, 2.0])).sum() == 3
    assert best_tenth(np.array([1.0, 5.0, 5.0, 5.0, 2.0])).sum() == 3
    assert better_half(np.array([1.0, 2.0, 2.0, 2.0])).tolist() == [False, True, True, True]


def test_an_architecture_without_truth_is_in_no_subset():
    truth = np.array([np.nan, 1.0, 2.0])
    assert everything(truth).tolist() == [False, True, True]
    assert better_half(truth).tolist() == best_fifth(truth).tolist() == [False, False, True]
    assert best_tenth(truth).tolist() == [False, False, True] and not best_tenth(np.full(3, np.nan)).any()
    assert not better_half(np.full(3, np.nan)).any()
    assert not best_fifth(np.full(3, np.nan)).any()
