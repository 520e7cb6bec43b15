from __future__ import annotations

import numpy as np
import pytest

from harness.predictors.growth_curves import curves, fit
from harness.predictors.learning_curve_extrapolation import LCE
from harness.schema import BadInput, NoScore

from .test_growth_curves import PUBLISHED

nan = float("nan")
EPOCHS = np.arange(25) / 4  # the default horizon of 12 epochs is 48 intervals
STEPS = np.arange(25) * 2


def seen(formula, parameters):
    return np.array([10.0, *(100 * formula(np.arange(1.0, 25.0), *parameters))])


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_curve_of_the_ensemble_is_continued_to_the_horizon_within_a_point(name, trace_of):
    formula, _, parameters = PUBLISHED[name]
    trace = trace_of(step=STEPS, valid_accuracy=seen(formula, parameters))
    truth = 100 * float(formula(np.array(48.0), *parameters))
    mean, sd = LCE(horizon_epochs=12.0, noise=0.01).estimate(trace)
    assert mean == pytest.approx(truth, abs=1)
    assert 0 < sd < 1


@pytest.mark.parametrize("n", [4, 5, 9])
def test_the_ensemble_is_weighted_by_aic_and_by_the_number_of_names(n, trace_of):
    accuracy = np.array([22, 30, 33, 39, 38, 44, 43, 47, 48.0])[:n]
    x = np.arange(1.0, n + 1)
    total, first, second = 0.0, 0.0, 0.0
    for curve in curves(24.0):
        if curve.parameters >= n:
            continue
        found = fit(curve, x, accuracy / 100)
        rss = sum((found.at(xi) - yi / 100) ** 2 for xi, yi in zip(x, accuracy, strict=True))
        aic = n * np.log(max(rss / n, 0.002**2)) + 2 * curve.parameters
        ahead, variance = 100 * found.at(np.array(24.0)), 1e4 * max(rss / (n - curve.parameters), 0.002**2)
        for _ in curve.names:
            total, first = total + np.exp(-aic / 2), first + np.exp(-aic / 2) * ahead
            second += np.exp(-aic / 2) * (ahead**2 + variance)
    mean = first / total
    trace = trace_of(valid_accuracy=[10.0, *accuracy])
    assert LCE(horizon_epochs=12.0, noise=0.2).estimate(trace) == pytest.approx(
        (mean, np.sqrt(second / total - mean**2)), rel=1e-4
    )


@pytest.mark.parametrize("level", [0.0, 10.0, 37.0, 100.0])
@pytest.mark.parametrize("length", [5, 8, 25])
def test_a_constant_curve_predicts_itself(level, length, trace_of):
    trace = trace_of(valid_accuracy=np.full(length, level))
    assert LCE().score(trace) == pytest.approx(level, abs=0.1)


def test_the_prediction_stays_between_0_and_100(trace_of):
    rising = trace_of(valid_accuracy=[0.0, 20.0, 50.0, 80.0, 99.0])
    falling = trace_of(valid_accuracy=[90.0, 60.0, 30.0, 10.0, 0.0])
    assert 0 <= LCE().score(falling) < LCE().score(rising) <= 100


def test_a_curve_that_is_higher_throughout_scores_higher(trace_of):
    low = np.array([10, 20, 28, 34, 38, 41, 43])
    assert LCE().score(trace_of(valid_accuracy=low + 15)) > LCE().score(trace_of(valid_accuracy=low))


def test_noise_in_the_curve_widens_the_stated_deviation(trace_of):
    formula, _, parameters = PUBLISHED["pow3"]
    smooth = seen(formula, parameters)
    rough = smooth + np.random.default_rng(0).normal(0, 4, 25)
    deviations = [LCE().estimate(trace_of(step=STEPS, valid_accuracy=curve))[1] for curve in (smooth, rough)]
    assert deviations[1] > 2 * deviations[0]


def test_the_unit_of_time_does_not_matter(trace_of):
    curve = [10, 20, 28, 34, 38, 41, 43]
    short = LCE(horizon_epochs=6.0).score(trace_of(valid_accuracy=curve))
    long = LCE(horizon_epochs=60.0).score(trace_of(step=40 * np.arange(7), valid_accuracy=curve))
    assert long == pytest.approx(short)


def test_a_horizon_in_the_past_is_the_end_of_the_trace(trace_of):
    trace = trace_of(valid_accuracy=[10, 20, 28, 34, 38, 41, 43])
    assert LCE(horizon_epochs=0.5).score(trace) == pytest.approx(43, abs=2)


def test_fewer_than_four_points_after_the_start_are_no_score(trace_of):
    with pytest.raises(NoScore, match="needs 4 points, has 3"):
        LCE().score(trace_of(valid_accuracy=[10, 20, 30, nan, 35]))
    assert np.isfinite(LCE().score(trace_of(valid_accuracy=[10, 20, 30, nan, 35, 38])))


def test_wrong_settings_are_refused_by_name():
    with pytest.raises(BadInput, match="horizon_epochs"):
        LCE(horizon_epochs=0.0)
    with pytest.raises(BadInput, match="noise"):
        LCE(noise=0.0)
