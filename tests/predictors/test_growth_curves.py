from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from harness.predictors.growth_curves import curves

HORIZON = 48.0
X = np.arange(1.0, 25.0)
exp, log = np.exp, np.log

# Domhan et al. 2015, table 1, in the paper's own letters
PUBLISHED = {
    "pow3": (lambda x, c, a, alpha: c - a * x**-alpha, [0.8, 0.5, 0.7]),
    "pow4": (lambda x, c, a, b, alpha: c - (a * x + b) ** -alpha, [0.8, 0.5, 1.4, 1.0]),
    "log-log-linear": (lambda x, a, b: log(a * log(x) + b), [0.2, 1.2]),
    "log power": (lambda x, a, b, c: a / (1 + (x / exp(b)) ** c), [0.8, 1.3, -1.2]),
    "MMF": (
        lambda x, alpha, beta, kappa, delta: alpha - (alpha - beta) / (1 + (kappa * x) ** delta),
        [0.8, 0.1, 0.2, 1.3],
    ),
    "hill3": (lambda x, y, eta, kappa: y * x**eta / (kappa**eta + x**eta), [0.75, 1.5, 5.0]),
    "Weibull": (
        lambda x, alpha, beta, kappa, delta: alpha - (alpha - beta) * exp(-((kappa * x) ** delta)),
        [0.7, 0.1, 0.1, 1.1],
    ),
    "Janoschek": (
        lambda x, alpha, beta, kappa, delta: alpha - (alpha - beta) * exp(-kappa * x**delta),
        [0.7, 0.1, 0.15, 0.8],
    ),
    "exp4": (lambda x, c, a, alpha, b: c - exp(-a * x**alpha + b), [0.7, 0.3, 0.7, -0.3]),
    "ilog2": (lambda x, c, a: c - a / log(1 + x), [0.9, 0.4]),
    "vapor pressure": (lambda x, a, b, c: exp(a + b / x + c * log(x)), [-0.9, -1.2, 0.12]),
}
NAMED = {name: curve for curve in curves(HORIZON) for name in curve.names}


def values(curve, x, horizon, first, last, s, t):
    """The curve by its definition, from places s, t in the unit square of shapes."""
    p, q = curve.shape(np.array([s]), np.array([t]))
    u = curve.profile(x, horizon, p, q)[0]
    if curve.ends == 0:
        return u * float(curve.rise(np.array([horizon]), p[:, None], q[:, None])[0, 0])
    return first * (1 - u) + last * u if curve.ends == 2 else last * u


def test_all_eleven_published_curves_take_part():
    assert set(NAMED) == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_curve_is_one_of_its_family_to_a_hundredth_of_a_point(name):
    formula, parameters = PUBLISHED[name]
    curve, target = NAMED[name], formula(X, *parameters)

    def residual(theta):
        return values(curve, X, HORIZON, *theta) - target

    first, last = target[0], formula(np.array(HORIZON), *parameters)
    starts = [(first, last, s, t) for s in (0.3, 0.6, 0.8) for t in (0.3, 0.6, 0.8)]
    assert any(np.abs(least_squares(residual, start, bounds=(0, 1)).fun).max() < 1e-4 for start in starts)


@settings(max_examples=60, deadline=None)
@given(*[st.floats(1e-3, 1)] * 4, st.floats(1.001, 2000), st.integers(1, 30))
def test_every_curve_of_the_prior_rises_and_stays_a_fraction(a, b, s, t, horizon, n):
    x = np.linspace(1, horizon, n + 1)
    for curve in curves(horizon):
        y = values(curve, x, horizon, min(a, b), max(a, b), s, t)
        assert np.isfinite(y).all()
        assert y.min() >= 0
        assert y.max() <= 1 + 1e-9
        assert np.diff(y).min() >= -1e-9


@pytest.mark.parametrize("curve", curves(HORIZON), ids=lambda curve: curve.names[0])
def test_the_ends_are_values_of_the_curve(curve):
    y = values(curve, np.array([1.0, HORIZON]), HORIZON, 0.2, 0.7, 0.5, 0.5)
    assert y[1] == pytest.approx(np.sqrt(0.5) if curve.ends == 0 else 0.7)
    if curve.ends == 2:
        assert y[0] == pytest.approx(0.2)


def test_a_curve_that_has_saturated_before_the_second_point_is_a_step():
    curve = next(c for c in curves(2000.0) if "Weibull" in c.names)
    u = curve.profile(np.array([1.0, 2.0, 3.0]), 2000.0, np.log(np.array([5.0])), np.log(np.array([0.05])))
    assert u.tolist() == [[0.0, 1.0, 1.0]]
