from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import linregress

from harness.predictors.capacitance_pooled import CapacitancePooled
from harness.schema import NoScore

nan = float("nan")
BETA = np.random.default_rng(0).uniform(0.001, 0.003, 40)
TRUTH = 95 - 9000 * BETA + np.random.default_rng(1).normal(0, 1, 40)


@pytest.fixture
def traces(trace_of):
    return [trace_of(beta_eff=[1.0, value, nan]) for value in BETA]


def test_with_many_architectures_it_agrees_with_ordinary_least_squares(traces, trace_of):
    line = linregress(BETA, TRUTH)
    fitted = CapacitancePooled().fit(traces, TRUTH)
    mean, sd = fitted.estimate(trace_of(beta_eff=[0.0025]))
    assert mean == pytest.approx(line.intercept + line.slope * 0.0025, abs=0.1)
    assert sd == pytest.approx(np.std(TRUTH - line.intercept - line.slope * BETA, ddof=2), rel=0.1)


def test_the_direction_is_learned(traces, trace_of):
    small, large = trace_of(beta_eff=[0.001]), trace_of(beta_eff=[0.003])
    falling, rising = CapacitancePooled().fit(traces, TRUTH), CapacitancePooled().fit(traces, -TRUTH)
    assert falling.score(small) > falling.score(large)
    assert rising.score(small) < rising.score(large)


def test_traces_without_a_value_and_missing_accuracies_are_passed_over(traces, trace_of):
    clean = CapacitancePooled().fit(traces, TRUTH)
    mixed = CapacitancePooled().fit(
        [trace_of(beta_eff=[nan]), *traces, trace_of(beta_eff=[7.0])], np.array([50.0, *TRUTH, nan])
    )
    probe = trace_of(beta_eff=[0.002])
    assert mixed.estimate(probe) == clean.estimate(probe)


def test_there_is_no_score_without_a_value_or_a_fit(traces, trace_of):
    with pytest.raises(NoScore, match="no finite beta_eff"):
        CapacitancePooled().fit(traces, TRUTH).score(trace_of(beta_eff=[nan, nan]))
    with pytest.raises(NoScore, match="the fit needs 2 different values of beta_eff, has 1"):
        CapacitancePooled().fit(traces[:1], TRUTH[:1])
    with pytest.raises(NoScore, match="has 0"):
        CapacitancePooled().fit([], np.array([]))
