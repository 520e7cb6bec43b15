from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from harness.predictors.curve_combination import NOISE, CurveCombination
from harness.schema import BadInput, NoScore

nan = float("nan")
TIME = np.arange(1, 9)
FAST, SLOW = 70 - 60 * np.exp(-TIME), 80 - 75 * np.exp(-TIME / 9)


def slow_estimate(y, known, noise=2.0, scale=0.3, shift=5.0):
    """The mixture by its definition: joint normal of the seen part and the end, conditioned with SciPy and NumPy."""
    weights, means, variances = [], [], []
    for z in NOISE:
        for curve, end in known:
            whole = np.append(curve, end)
            cov = scale**2 * np.outer(whole, whole) + shift**2
            seen = cov[:-1, :-1] + (noise * np.exp(z)) ** 2 * np.eye(len(y))
            gain = np.linalg.solve(seen, cov[:-1, -1])
            weights.append(np.exp(-(z**2) / 2) * multivariate_normal(curve, seen).pdf(y))
            means.append(end + gain @ (y - curve))
            variances.append(cov[-1, -1] - gain @ cov[:-1, -1])
    weights, means, variances = np.array(weights) / np.sum(weights), np.array(means), np.array(variances)
    mean = weights @ means
    return mean, np.sqrt(weights @ (variances + (means - mean) ** 2))


@pytest.fixture
def fit(trace_of):
    def make(curves, ends, **settings):
        traces = [trace_of(valid_accuracy=[10.0, *curve]) for curve in curves]
        return CurveCombination(**settings).fit(traces, np.array(ends, dtype=float))

    return make


def test_the_mixture_agrees_with_conditioned_normal_distributions(fit, trace_of):
    y = FAST + np.random.default_rng(0).normal(0, 3, 8)
    fitted = fit([FAST, SLOW, 0.5 * SLOW], [72, 85, 40], shift_spread=5.0)
    known = [(FAST, 72.0), (SLOW, 85.0), (0.5 * SLOW, 40.0)]
    assert fitted.estimate(trace_of(valid_accuracy=[10, *y])) == pytest.approx(slow_estimate(y, known), rel=1e-8)


def test_the_curve_that_looks_the_same_says_the_end(fit, trace_of):
    fitted = fit([FAST, SLOW], [70, 80])
    assert fitted.score(trace_of(valid_accuracy=[10, *SLOW])) == pytest.approx(80, abs=3)
    assert fitted.score(trace_of(valid_accuracy=[10, *FAST])) == pytest.approx(70, abs=3)


def test_a_slow_curve_overtakes_a_fast_one_that_is_ahead(fit, trace_of):
    fitted = fit([FAST, SLOW], [70, 80])
    fast, slow = (trace_of(valid_accuracy=[10, *(c + 1)]) for c in (FAST, SLOW))
    assert slow.table["valid_accuracy"].iloc[-1] < fast.table["valid_accuracy"].iloc[-1]
    assert fitted.score(slow) > fitted.score(fast)


@pytest.mark.parametrize(("scale", "shift"), [(1.2, 0.0), (1.0, -6.0), (0.8, 8.0)])
def test_the_end_is_scaled_and_shifted_like_the_seen_part(scale, shift, fit, trace_of):
    fitted = fit([FAST, FAST], [75, 75], noise=0.05)
    mean, sd = fitted.estimate(trace_of(valid_accuracy=[10, *(scale * FAST + shift)]))
    assert mean == pytest.approx(scale * 75 + shift, abs=0.5)
    assert sd < 1


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(5)))
def test_the_order_of_the_known_trainings_does_not_matter(order):
    curves = [(dict(enumerate(SLOW * f, 1)), 80 * f) for f in (0.6, 0.7, 0.8, 0.9, 1.0)]
    from harness.predictors.curve_combination import FittedCombination

    settings_ = CurveCombination()
    y, ends = SLOW * 0.77, np.array([end for _, end in curves])
    matrix = np.array([[*curve.values()] for curve, _ in curves])
    fitted = FittedCombination(settings_, tuple(curves))
    base, shuffled = fitted._affine(y, matrix, ends), fitted._affine(y, matrix[list(order)], ends[list(order)])
    for a, b in zip(base, shuffled, strict=True):
        assert np.allclose(a[:, list(order)], b)


def test_trainings_without_the_steps_or_an_accuracy_do_not_take_part(fit, trace_of):
    traces = [trace_of(valid_accuracy=[10, *c]) for c in (FAST, SLOW, SLOW)]
    holed = trace_of(valid_accuracy=[10, nan, *SLOW[1:]])
    fitted = CurveCombination().fit([*traces, holed], np.array([70.0, 80.0, nan, 10.0]))
    same = CurveCombination().fit(traces[:2], np.array([70.0, 80.0]))
    trace = trace_of(valid_accuracy=[10, *SLOW])
    assert fitted.estimate(trace) == same.estimate(trace)
    with pytest.raises(NoScore, match="observed at the 9 steps"):
        fitted.estimate(trace_of(valid_accuracy=[10, *SLOW, 60]))
    with pytest.raises(NoScore, match="after the start"):
        fitted.estimate(trace.until(0))


def test_one_point_is_enough_and_few_trainings_are_not(fit, trace_of):
    assert 0 <= fit([FAST[:1], SLOW[:1]], [70, 80]).score(trace_of(valid_accuracy=[10, 30])) <= 100
    with pytest.raises(NoScore, match="needs 2 architectures with a curve of valid_accuracy, has 1"):
        fit([FAST], [70])


def test_wrong_settings_are_refused_by_name():
    for key in ("noise", "scale_spread", "shift_spread"):
        with pytest.raises(BadInput, match=f"predictor.cl.{key}"):
            CurveCombination(**{key: 0.0})
