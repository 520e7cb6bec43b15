from __future__ import annotations

import numpy as np
import pytest

from harness.predictors.learning_curve_extrapolation import LCE
from harness.schema import BadInput, NoScore, Uncertain
from tools.curve_coverage import coverage, credible

from .test_growth_curves import PUBLISHED

nan = float("nan")
STEPS = np.arange(25) * 2  # the default horizon of 12 epochs is 48 intervals


def seen(formula, parameters):
    return np.array([10.0, *(100 * formula(np.arange(1.0, 25.0), *parameters))])


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_curve_of_the_ensemble_is_continued_to_the_horizon_within_a_point(name, trace_of):
    formula, parameters = PUBLISHED[name]
    trace = trace_of(step=STEPS, valid_accuracy=seen(formula, parameters))
    truth = 100 * float(formula(np.array(48.0), *parameters))
    mean, sd = LCE(noise=0.03).estimate(trace)
    assert mean == pytest.approx(truth, abs=1)
    assert 0 < sd < 1


def test_with_noise_a_curve_of_the_ensemble_is_mostly_within_the_credible_interval(trace_of):
    """One fixed curve a family: no promise of a posterior, but it should not be far off (see test_curve_posterior)."""
    random, hits = np.random.default_rng(1), []
    for formula, parameters in PUBLISHED.values():
        truth = 100 * float(formula(np.array(48.0), *parameters))
        for _ in range(8):
            noisy = seen(formula, parameters) + random.normal(0, 1, 25)
            low, high = credible(LCE(), trace_of(step=STEPS, valid_accuracy=noisy))
            hits.append(low <= truth <= high)
    assert np.mean(hits) >= 0.85


@pytest.mark.parametrize("level", [0.0, 10.0, 37.0, 100.0])
@pytest.mark.parametrize("length", [6, 8, 25])
def test_a_curve_that_does_not_rise_predicts_itself(level, length, trace_of):
    assert LCE().score(trace_of(valid_accuracy=np.full(length, level))) == pytest.approx(level, abs=1)


@pytest.mark.parametrize("horizon", [0.1, 12.0, 300.0])
def test_the_prediction_stays_between_0_and_100(horizon, trace_of):
    random = np.random.default_rng(0)
    for length in (3, 6, 20):
        mean, sd = LCE(horizon_epochs=horizon).estimate(trace_of(valid_accuracy=random.uniform(0, 100, length)))
        assert 0 <= mean <= 100 and 0 <= sd <= 50


def test_a_curve_that_is_higher_throughout_scores_higher(trace_of):
    low = np.array([10, 20, 28, 34, 38, 41, 43])
    assert LCE().score(trace_of(valid_accuracy=low + 15)) > LCE().score(trace_of(valid_accuracy=low))


def test_noise_in_the_curve_widens_the_stated_deviation(trace_of):
    smooth = seen(*PUBLISHED["pow3"])
    rough = smooth + np.random.default_rng(0).normal(0, 4, 25)
    deviations = [LCE().estimate(trace_of(step=STEPS, valid_accuracy=curve))[1] for curve in (smooth, rough)]
    assert deviations[1] > 2 * deviations[0]


def annealed(count, epochs):
    """Accuracies (count, epochs + 1) under a learning rate that a cosine anneals: they bend up at the end."""
    random, t = np.random.default_rng(0), np.arange(epochs + 1)
    rate = (1 + np.cos(np.pi * t / epochs)) / 2
    level, gain, pace = (random.uniform(*ends, (count, 1)) for ends in ((55, 75), (8, 20), (3, 15)))
    return level * (1 - np.exp(-t / pace)) + gain * (1 - rate) + random.normal(0, 1, (count, epochs + 1)) * rate


@pytest.mark.slow
def test_no_interval_is_claimed_as_annealed_curves_leave_the_posterior(trace_of):
    """Two epochs of the table in docs/findings/nasbench201.md, on curves that are made: early the posterior is wide
    enough, late the model's error decides."""
    assert not hasattr(LCE, "interval") and not hasattr(LCE, "exceeds")
    curves = annealed(20, 200)
    traces = [trace_of(step=8 * np.arange(201), valid_accuracy=curve) for curve in curves]
    early, late = (coverage(LCE(horizon_epochs=200.0), traces, curves[:, -1], 8 * epoch) for epoch in (5, 100))
    assert early.inside > 0.7
    assert late.inside < 0.2 and late.above > 0.8
    assert set(early.tau) == {"lce", "last", "best"}


def test_the_unit_of_time_does_not_matter(trace_of):
    curve = [10, 20, 28, 34, 38, 41, 43]
    short = LCE(horizon_epochs=6.0).score(trace_of(valid_accuracy=curve))
    long = LCE(horizon_epochs=60.0).score(trace_of(step=40 * np.arange(7), valid_accuracy=curve))
    assert long == pytest.approx(short)


def test_a_horizon_in_the_past_is_the_end_of_the_trace(trace_of):
    trace = trace_of(valid_accuracy=[10, 20, 28, 34, 38, 41, 43])
    assert LCE(horizon_epochs=0.5).score(trace) == pytest.approx(43, abs=2)


def test_fewer_than_two_points_after_the_start_are_no_score(trace_of):
    with pytest.raises(NoScore, match="needs 2 points, has 1"):
        LCE().score(trace_of(valid_accuracy=[10, 20, nan]))
    mean, sd = LCE().estimate(trace_of(valid_accuracy=[10, 20, nan, 25]))
    assert 25 < mean < 100
    assert sd > 5


def test_it_states_how_sure_it_is():
    assert isinstance(LCE(), Uncertain)


def test_wrong_settings_are_refused_by_name():
    with pytest.raises(BadInput, match="horizon_epochs"):
        LCE(horizon_epochs=0.0)
    with pytest.raises(BadInput, match="noise"):
        LCE(noise=0.0)
