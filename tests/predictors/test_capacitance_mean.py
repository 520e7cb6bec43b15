from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from harness.predictors.capacitance_mean import CapacitanceMean
from harness.schema import BadInput, NoScore

nan = float("nan")


def test_the_score_is_the_mean_of_the_lines_between_the_observations(trace_of):
    trace = trace_of(beta_eff=[3.0, 1.0, 0.5], step=[0, 10, 40])
    fine = np.interp(np.linspace(0, 40, 400_001), [0, 10, 40], [3.0, 1.0, 0.5]).mean()
    assert CapacitanceMean().score(trace) == pytest.approx(-fine, rel=1e-5)
    assert CapacitanceMean(sign=1.0).score(trace) == pytest.approx(fine, rel=1e-5)


@hypothesis_settings(max_examples=20, deadline=None)
@given(value=st.floats(-100, 100), at=st.integers(1, 39))
def test_a_constant_is_its_mean_wherever_it_is_observed(value, at, trace_of):
    trace = trace_of(beta_eff=[value] * 3, step=[0, at, 40])
    assert CapacitanceMean(sign=1.0).score(trace) == pytest.approx(value)


def test_of_two_networks_that_end_alike_the_one_that_fell_earlier_is_better(trace_of):
    early, late = trace_of(beta_eff=[2.0, 0.5, 0.5]), trace_of(beta_eff=[2.0, 1.5, 0.5])
    assert CapacitanceMean().score(early) > CapacitanceMean().score(late)


def test_the_observation_at_step_0_can_be_left_out_and_gaps_are_passed_over(trace_of):
    trace = trace_of(beta_eff=[9.0, 2.0, nan, 1.0], step=[0, 8, 12, 16])
    assert CapacitanceMean(skip_initial=True).score(trace) == pytest.approx(-1.5)
    assert CapacitanceMean().score(trace) == pytest.approx(-(5.5 * 8 + 1.5 * 8) / 16)


def test_one_value_has_no_area(trace_of):
    with pytest.raises(NoScore, match="needs 2 finite values of beta_eff, has 1"):
        CapacitanceMean().score(trace_of(beta_eff=[nan, 1.0]))


@pytest.mark.parametrize(("key", "value"), [("column", ""), ("sign", 2.0)])
def test_a_wrong_setting_is_named(key, value):
    with pytest.raises(BadInput, match=rf"predictor\.capacitance_mean\.{key}: .* \(got {value!r}\)"):
        CapacitanceMean(**{key: value})
