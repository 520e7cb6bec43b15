from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress

from harness.predictors.capacitance_trend import CapacitanceTrend
from harness.schema import BadInput, NoScore

nan = float("nan")
STEP = np.array([0, 8, 16, 40, 41])
BETA = np.array([2.0, 1.4, 1.1, 0.9, 0.95])


@pytest.mark.parametrize(("time", "x"), [("linear", STEP), ("log", np.log(1 + STEP))])
def test_the_score_is_the_slope_of_least_squares_with_its_sign(time, x, trace_of):
    slope = linregress(x, BETA).slope
    trace = trace_of(beta_eff=BETA, step=STEP)
    assert CapacitanceTrend(time=time).score(trace) == pytest.approx(-slope)
    assert CapacitanceTrend(time=time, sign=1.0).score(trace) == pytest.approx(slope)


def test_the_network_whose_capacitance_falls_faster_is_better(trace_of):
    fast, slow = trace_of(beta_eff=[2.0, 1.0, 0.5]), trace_of(beta_eff=[2.0, 1.8, 1.7])
    for time in ("linear", "log"):
        assert CapacitanceTrend(time=time).score(fast) > CapacitanceTrend(time=time).score(slow) > 0


@settings(max_examples=20, deadline=None)
@given(level=st.floats(-10, 10), unit=st.floats(0.1, 10))
def test_a_level_is_no_trend_and_a_unit_multiplies_it(level, unit, trace_of):
    plain = CapacitanceTrend().score(trace_of(beta_eff=BETA, step=STEP))
    assert CapacitanceTrend().score(trace_of(beta_eff=level + unit * BETA, step=STEP)) == pytest.approx(unit * plain)


def test_the_observation_at_step_0_can_be_left_out_and_gaps_are_passed_over(trace_of):
    trace = trace_of(beta_eff=[2.0, 1.4, nan, 1.1, 0.9], step=[0, 8, 12, 16, 40])
    rest = linregress(np.log([9, 17, 41]), [1.4, 1.1, 0.9]).slope
    assert CapacitanceTrend(skip_initial=True).score(trace) == pytest.approx(-rest)
    assert CapacitanceTrend().score(trace) != pytest.approx(-rest)


def test_one_value_has_no_trend(trace_of):
    with pytest.raises(NoScore, match="needs 2 finite values of beta_eff, has 1"):
        CapacitanceTrend().score(trace_of(beta_eff=[nan, 1.0]))
    with pytest.raises(NoScore, match="has 1"):
        CapacitanceTrend(skip_initial=True).score(trace_of(beta_eff=[2.0, 1.0]))


@pytest.mark.parametrize(("key", "value"), [("column", ""), ("time", "sqrt"), ("sign", 0.0)])
def test_a_wrong_setting_is_named(key, value):
    with pytest.raises(BadInput, match=rf"predictor\.capacitance_trend\.{key}: .* \(got {value!r}\)"):
        CapacitanceTrend(**{key: value})
