from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.predictors.capacitance_ridge import CapacitanceRidge
from harness.schema import BadInput, NoScore

nan = float("nan")
BETA = np.array([2.0, 1.4, 1.1, 0.9, 0.8])
ACCURACY = 80 - 30 * BETA + np.array([1.0, -1.5, 0.3, 0.8, -0.6])


def evidence_ridge(x, y):
    """Slow MacKay updates of noise and weight precision; (mean, sd) at 0. Priors of 1e-6 as in the literature."""
    centre = x - x.mean()
    noise, weight = 1 / y.var(), 1.0
    for _ in range(2000):
        precision = noise * centre @ centre + weight
        w = noise * centre @ (y - y.mean()) / precision
        gamma = noise * centre @ centre / precision
        weight = (gamma + 2e-6) / (w * w + 2e-6)
        noise = (len(y) - gamma + 2e-6) / (np.sum((y - y.mean() - w * centre) ** 2) + 2e-6)
    precision = noise * centre @ centre + weight
    return y.mean() - w * x.mean(), np.sqrt(1 / noise + x.mean() ** 2 / precision)


def test_the_score_is_the_bayesian_ridge_read_at_zero(trace_of):
    mean, sd = CapacitanceRidge().estimate(trace_of(beta_eff=BETA, valid_accuracy=ACCURACY))
    expected = evidence_ridge(BETA / BETA.max(), ACCURACY)
    assert (mean, sd) == pytest.approx(expected, rel=1e-2)


def test_a_straight_line_is_continued_to_zero(trace_of):
    trace = trace_of(beta_eff=BETA, valid_accuracy=80 - 30 * BETA)
    assert CapacitanceRidge().score(trace) == pytest.approx(80, abs=0.01)


@settings(max_examples=20, deadline=None)
@given(unit=st.floats(-150, 150))
def test_the_unit_of_the_column_does_not_matter(unit, trace_of):
    plain = CapacitanceRidge().estimate(trace_of(beta_eff=BETA, valid_accuracy=ACCURACY))
    scaled = CapacitanceRidge().estimate(trace_of(beta_eff=10**unit * BETA, valid_accuracy=ACCURACY))
    assert scaled == pytest.approx(plain)


def test_the_observation_at_step_0_can_be_left_out(trace_of):
    trace = trace_of(beta_eff=[9.0, *BETA], valid_accuracy=[95.0, *ACCURACY])
    without = CapacitanceRidge().score(trace_of(beta_eff=BETA, valid_accuracy=ACCURACY))
    assert CapacitanceRidge(skip_initial=True).score(trace) == pytest.approx(without)
    assert CapacitanceRidge(skip_initial=False).score(trace) != pytest.approx(without)


def test_the_same_reading_of_the_training_loss_is_its_control(trace_of):
    control = CapacitanceRidge(column="train_loss", family="control")
    assert control.columns == ("train_loss", "valid_accuracy")
    trace = trace_of(train_loss=[nan, *BETA], valid_accuracy=[10.0, *ACCURACY])
    assert control.score(trace) == CapacitanceRidge().score(trace_of(beta_eff=BETA, valid_accuracy=ACCURACY))


def test_fewer_than_two_different_values_are_no_score(trace_of):
    with pytest.raises(NoScore, match="needs 2 different values of beta_eff, has 1"):
        CapacitanceRidge().score(trace_of(beta_eff=[0.5, 0.5, nan, 0.4], valid_accuracy=[10.0, 20.0, 30.0, nan]))
    with pytest.raises(NoScore, match="has 0"):
        CapacitanceRidge(skip_initial=True).score(trace_of(beta_eff=[0.5], valid_accuracy=[10.0]))


def test_an_accuracy_that_does_not_move_predicts_itself(trace_of):
    trace = trace_of(beta_eff=BETA, valid_accuracy=np.full(5, 10.0))
    assert CapacitanceRidge().score(trace) == pytest.approx(10)


def test_an_empty_column_name_is_refused():
    with pytest.raises(BadInput, match="column"):
        CapacitanceRidge(column="")
