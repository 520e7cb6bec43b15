from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from harness.predictors.growth_curves import curves, fit

LONGEST = 48.0
X = np.arange(1.0, 25.0)
exp, log = np.exp, np.log

# Domhan et al. 2015, table 1, in the paper's own letters; bounds of all parameters; one start
PUBLISHED = {
    "pow3": (lambda x, c, a, alpha: c - a * x**-alpha, [(-9, 1), (0, 9), (0.01, 10)], [0.8, 0.5, 0.7]),
    "pow4": (
        lambda x, c, a, b, alpha: c - (a * x + b) ** -alpha,
        [(-9, 1), (0.01, 9), (0.05, 20), (0.01, 9)],
        [0.8, 0.5, 1.4, 1.0],
    ),
    "log-log-linear": (lambda x, a, b: log(a * log(x) + b), [(0, 2.5), (1, 2.7)], [0.2, 1.2]),
    "log power": (lambda x, a, b, c: a / (1 + (x / exp(b)) ** c), [(0, 1), (-2, 6), (-9, -0.01)], [0.8, 1.3, -1.2]),
    "MMF": (
        lambda x, alpha, beta, kappa, delta: alpha - (alpha - beta) / (1 + (kappa * x) ** delta),
        [(0, 1), (-9, 1), (0.003, 9), (0.1, 9)],
        [0.8, 0.1, 0.2, 1.3],
    ),
    "hill3": (
        lambda x, y, eta, kappa: y * x**eta / (kappa**eta + x**eta),
        [(0, 1), (0.01, 9), (0.2, 400)],
        [0.75, 1.5, 5.0],
    ),
    "Weibull": (
        lambda x, alpha, beta, kappa, delta: alpha - (alpha - beta) * exp(-((kappa * x) ** delta)),
        [(0, 1), (-9, 1), (0.003, 9), (0.1, 9)],
        [0.7, 0.1, 0.1, 1.1],
    ),
    "Janoschek": (
        lambda x, alpha, beta, kappa, delta: alpha - (alpha - beta) * exp(-kappa * x**delta),
        [(0, 1), (-9, 1), (0.003, 9), (0.1, 9)],
        [0.7, 0.1, 0.15, 0.8],
    ),
    "exp4": (
        lambda x, c, a, alpha, b: c - exp(-a * x**alpha + b),
        [(0, 1), (0.003, 9), (0.1, 9), (-9, 2)],
        [0.7, 0.3, 0.7, -0.3],
    ),
    "ilog2": (lambda x, c, a: c - a / log(1 + x), [(-9, 1), (0, 9)], [0.9, 0.4]),
    "vapor pressure": (
        lambda x, a, b, c: exp(a + b / x + c * log(x)),
        [(-9, 9), (-400, 0), (0, 1)],
        [-0.9, -1.2, 0.12],
    ),
}
NAMED = {name: curve for curve in curves(LONGEST) for name in curve.names}


def test_all_eleven_published_curves_take_part():
    assert set(NAMED) == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_curve_of_its_own_kind_is_fitted_to_a_hundredth_of_a_point(name):
    formula, _, parameters = PUBLISHED[name]
    found = fit(NAMED[name], X, formula(X, *parameters))
    assert np.abs(found.at(X) - formula(X, *parameters)).max() < 1e-4


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_noisy_curve_is_fitted_as_well_as_by_scipy_from_the_true_parameters(name):
    formula, bounds, parameters = PUBLISHED[name]
    y = formula(X, *parameters) + np.random.default_rng(1).normal(0, 0.01, len(X))
    slow = least_squares(lambda theta: formula(X, *theta) - y, parameters, bounds=np.array(bounds).T, x_scale="jac")
    assert fit(NAMED[name], X, y).rss <= 1.01 * 2 * slow.cost


@pytest.mark.parametrize("name", ["pow3", "Weibull", "MMF", "ilog2"])
def test_points_that_head_past_100_percent_are_fitted_with_an_asymptote_of_at_most_100_percent(name):
    formula, bounds, parameters = PUBLISHED[name]
    y = np.linspace(0.3, 0.99, len(X))
    slow = least_squares(lambda theta: formula(X, *theta) - y, parameters, bounds=np.array(bounds).T, x_scale="jac")
    found = fit(NAMED[name], X, y)
    assert found.level <= 1
    assert found.rss <= 1.01 * 2 * slow.cost


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=5, max_size=12))
def test_whatever_the_points_a_fit_rises_and_stays_a_fraction(points):
    x = np.arange(1.0, len(points) + 1)
    for curve in curves(LONGEST):
        values = fit(curve, x, np.array(points)).at(np.linspace(1, LONGEST, 50))
        assert np.isfinite(values).all()
        assert values.min() >= 0
        assert values.max() <= 1
        assert np.diff(values).min() >= -1e-9
