from __future__ import annotations

import numpy as np
import pytest

from harness.predictors import curve_posterior
from harness.predictors.curve_posterior import NOISE, coarse, posterior
from harness.predictors.growth_curves import curves

RANDOM = np.random.default_rng(5)


def moments(values, weights):
    mean = weights @ values
    return mean, np.sqrt(weights @ (values - mean) ** 2)


def interval(values, weights, level):
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    places = np.searchsorted(total, [(1 - level) / 2, (1 + level) / 2]).clip(max=len(values) - 1)
    return values[order][places]


@pytest.fixture
def only(monkeypatch):
    """A function: the ensemble is from now on the family of this name alone."""

    def choose(name):
        monkeypatch.setattr(
            curve_posterior, "curves", lambda horizon: tuple(c for c in curves(horizon) if name in c.names)
        )
        coarse.cache_clear()

    yield choose
    coarse.cache_clear()


def brute_force(x, y, horizon, noise, shapes=160, ends=200):
    """Mean and sd of pow3's value at the horizon, by summing prior times likelihood over a fine grid of everything."""
    alpha = np.exp(np.linspace(np.log(0.01), np.log(10), 2 * shapes + 1)[1::2])
    grid = (np.arange(ends) + 0.5) / ends
    first, last = (g.ravel() for g in np.meshgrid(grid, grid, indexing="ij"))
    first, last = first[first <= last], last[first <= last]
    total = np.zeros(3)
    for exponent in alpha:
        u = (1 - x**-exponent) / (1 - horizon**-exponent)
        rss = ((first[:, None] * (1 - u) + last[:, None] * u - y) ** 2).sum(axis=1)
        for z in NOISE:
            sigma = noise * np.exp(z)
            weight = np.exp(-(z**2) / 2 - len(y) * np.log(sigma / 0.1) - rss / (2 * sigma**2))
            total += [weight.sum(), weight @ last, weight @ last**2]
    mean = total[1] / total[0]
    return mean, np.sqrt(total[2] / total[0] - mean**2)


@pytest.mark.parametrize(
    ("y", "horizon"),
    [
        ([0.30, 0.52, 0.55, 0.63, 0.66, 0.65], 24.0),
        ([0.10, 0.12, 0.09], 12.0),  # barely rises
        ([0.60, 0.50, 0.45, 0.47], 12.0),  # falls: the limits decide
        ([0.70, 0.86, 0.93, 0.97, 0.99], 40.0),  # heads past 100 percent
    ],
)
def test_one_family_agrees_with_a_sum_over_a_fine_grid_of_all_parameters(y, horizon, only):
    only("pow3")
    x = np.arange(1.0, len(y) + 1)
    mean, sd = moments(*posterior(x, np.array(y), horizon, 0.03))
    slow_mean, slow_sd = brute_force(x, np.array(y), horizon, 0.03)
    assert mean == pytest.approx(slow_mean, abs=0.05 * slow_sd + 1e-3)
    assert sd == pytest.approx(slow_sd, rel=0.06)


@pytest.mark.parametrize("n", [pytest.param(4, marks=pytest.mark.slow), 10, pytest.param(24, marks=pytest.mark.slow)])
def test_intervals_hold_the_truth_as_often_as_they_say(n):
    """Curves of every family from the prior, with noise of the prior's spread."""
    x, horizon = np.arange(1.0, n + 1), 36.0
    hits, errors, sds = [], [], []
    for curve in curves(horizon):
        for _ in range(14):
            p, q = curve.shape(RANDOM.uniform(size=1), RANDOM.uniform(size=1))
            last = float(np.sqrt(RANDOM.uniform())) if curve.ends == 2 else RANDOM.uniform()
            if curve.ends == 0:
                last = float(curve.rise(np.array([horizon]), p[:, None], q[:, None])[0, 0])
            u = curve.profile(x, horizon, p, q)[0]
            first = RANDOM.uniform(0, last) if curve.ends == 2 else 0.0
            noise = 0.01 * np.exp(RANDOM.normal())
            y = first * (1 - u) + last * u + RANDOM.normal(0, noise, n)
            values, weights = posterior(x, y, horizon, 0.01)
            low, high = interval(values, weights, 0.95)
            hits.append(low - 1e-3 <= last <= high + 1e-3)
            mean, sd = moments(values, weights)
            errors.append(abs(mean - last))
            sds.append(sd)
    assert 0.90 <= np.mean(hits) <= 1.0
    assert np.mean(errors) < {4: 0.11, 10: 0.04, 24: 0.02}[n]
    assert np.mean(sds) < 2.5 * np.mean(errors)  # not by intervals that are always wide


def test_the_posterior_narrows_as_the_curve_goes_on():
    x = np.arange(1.0, 31.0)
    y = 0.8 - 0.5 * x**-0.7 + RANDOM.normal(0, 0.01, 30)
    widths = [moments(*posterior(x[:n], y[:n], 60.0, 0.01))[1] for n in (2, 5, 12, 30)]
    assert widths[0] > widths[1] > 1.5 * widths[2] > 2 * widths[3] > 0


def test_weights_are_a_distribution_over_fractions_whatever_the_points():
    for y in ([0.9, 0.1, 0.0], [0.0] * 5, [1.0] * 5, [0.5] * 6, RANDOM.uniform(0, 1, 40).tolist()):
        for noise in (1e-4, 0.01, 0.3):
            values, weights = posterior(np.arange(1.0, len(y) + 1), np.array(y), 50.0, noise)
            assert np.isfinite(weights).all() and weights.min() >= 0
            assert weights.sum() == pytest.approx(1)
            assert values.min() >= 0 and values.max() <= 1


def test_the_same_curve_gives_the_same_numbers():
    x, y = np.arange(1.0, 9.0), np.linspace(0.2, 0.6, 8)
    first = posterior(x, y, 20.0, 0.01)
    coarse.cache_clear()
    again = posterior(x, y, 20.0, 0.01)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
