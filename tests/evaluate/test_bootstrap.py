from __future__ import annotations

import numpy as np
import pytest

from harness.evaluate.bootstrap import draws, interval, observed_and_draws


def test_the_seed_decides_the_draws():
    assert (draws(30, 20, 1) == draws(30, 20, 1)).all()
    assert (draws(30, 20, 1) != draws(30, 20, 2)).any()


def test_every_draw_holds_as_many_as_there_are():
    weights = draws(30, 500, 0)
    assert weights.shape == (500, 30)
    assert (weights.sum(axis=1) == 30).all()
    assert weights.min() == 0
    assert (weights == 0).mean() == pytest.approx((1 - 1 / 30) ** 30, abs=0.01)
    assert draws(0, 5, 0).shape == (5, 0)


def test_the_sample_itself_stands_before_the_draws():
    weights = observed_and_draws(8, 3, 5)
    assert (weights[0] == 1).all()
    assert (weights[1:] == draws(8, 3, 5)).all()


def test_an_interval_leaves_its_level_between_its_ends():
    values = np.arange(1001.0)
    assert interval(values, 0.9) == pytest.approx((50, 950))


def test_a_draw_without_a_value_is_left_out():
    assert interval(np.array([np.nan, 1.0, 1.0, np.nan]), 0.95) == (1.0, 1.0)
    assert np.isnan(interval(np.full(4, np.nan), 0.95)).all()


def test_the_interval_of_a_mean_is_close_to_the_textbook_one():
    sample = np.random.default_rng(0).normal(size=400)
    low, high = interval(draws(400, 4000, 0) @ sample / 400, 0.95)
    half = 1.96 * sample.std() / 20
    assert (low, high) == pytest.approx((sample.mean() - half, sample.mean() + half), abs=0.01)
