from __future__ import annotations

import numpy as np

from harness.evaluate.subsets import everything, top_10_percent, top_20_percent, top_50_percent


def test_the_top_50_percent_includes_the_median():
    assert top_50_percent(np.array([3.0, 1.0, 2.0])).tolist() == [True, False, True]
    assert top_50_percent(np.array([4.0, 1.0, 2.0, 3.0])).tolist() == [True, False, False, True]


def test_the_top_20_percent_is_rounded_up():
    assert np.flatnonzero(top_20_percent(np.arange(11.0))).tolist() == [8, 9, 10]
    assert np.flatnonzero(top_20_percent(np.arange(10.0))).tolist() == [8, 9]


def test_the_top_10_percent_is_rounded_up():
    assert np.flatnonzero(top_10_percent(np.arange(21.0))).tolist() == [18, 19, 20]
    assert np.flatnonzero(top_10_percent(np.arange(20.0))).tolist() == [18, 19]


def test_ties_at_the_border_are_included():
    assert top_20_percent(np.array([1.0, 5.0, 5.0, 5.0, 2.0])).sum() == 3
    assert top_10_percent(np.array([1.0, 5.0, 5.0, 5.0, 2.0])).sum() == 3
    assert top_50_percent(np.array([1.0, 2.0, 2.0, 2.0])).tolist() == [False, True, True, True]


def test_an_architecture_without_truth_is_in_no_subset():
    truth = np.array([np.nan, 1.0, 2.0])
    assert everything(truth).tolist() == [False, True, True]
    assert top_50_percent(truth).tolist() == top_20_percent(truth).tolist() == [False, False, True]
    assert top_10_percent(truth).tolist() == [False, False, True] and not top_10_percent(np.full(3, np.nan)).any()
    assert not top_50_percent(np.full(3, np.nan)).any()
    assert not top_20_percent(np.full(3, np.nan)).any()
