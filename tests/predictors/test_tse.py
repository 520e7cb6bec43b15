from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from harness.predictors.tse import TSE, TSEE, TSEEMA
from harness.schema import BadInput, NoScore

nan = float("nan")
BATCHES = np.random.default_rng(0).uniform(0.5, 2.5, 35)  # one loss a step, 8 steps an epoch
STEPS = np.array([0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 35])
ALL = [TSE(), TSEE(), TSEEMA()]


@pytest.fixture
def trace(trace_of):
    means = [BATCHES[a:b].mean() for a, b in pairwise(STEPS)]
    return trace_of(step=STEPS, train_loss=[nan, *means])


def test_tse_is_minus_the_sum_of_the_losses_of_all_batches(trace):
    assert TSE().score(trace) == pytest.approx(-BATCHES.sum())
    assert TSE().score(trace.until(12)) == pytest.approx(-BATCHES[:12].sum())


def test_tse_e_sums_the_last_epochs_alone(trace):
    assert TSEE(epochs=1.0).score(trace.until(27)) == pytest.approx(-(BATCHES[21:27].sum() + 2 * BATCHES[18:21].mean()))
    assert TSEE(epochs=3.0).score(trace.until(24)) == pytest.approx(-BATCHES[:24].sum())


def test_tse_e_of_a_trace_shorter_than_its_epochs_is_tse(trace):
    assert TSEE(epochs=100.0).score(trace) == pytest.approx(TSE().score(trace))


def test_tse_ema_follows_the_recursion(trace):
    losses = trace.table["train_loss"].to_numpy()[1:]
    weights = np.array([0.9 * 0.1 ** (len(losses) - 1 - i) for i in range(len(losses))])
    weights[0] = 0.1 ** (len(losses) - 1)
    assert weights.sum() == pytest.approx(1)
    assert TSEEMA(mu=0.9).score(trace) == pytest.approx(-(weights @ losses))
    assert TSEEMA(mu=1.0).score(trace) == pytest.approx(-losses[-1])


@pytest.mark.parametrize("predictor", ALL)
def test_faster_training_scores_higher(predictor, trace_of):
    fast, slow = trace_of(train_loss=[nan, 1.0, 0.5]), trace_of(train_loss=[nan, 1.5, 1.0])
    assert predictor.score(fast) > predictor.score(slow)


@pytest.mark.parametrize("predictor", ALL)
def test_there_is_no_score_before_the_first_step(predictor, trace):
    with pytest.raises(NoScore, match="before the first step"):
        predictor.score(trace.until(0))


@pytest.mark.parametrize("predictor", ALL)
def test_a_missing_loss_gives_no_score_instead_of_a_smaller_sum(predictor, trace_of):
    with pytest.raises(NoScore, match="step 8"):
        predictor.score(trace_of(train_loss=[nan, 1.0, nan, 0.5]))


@pytest.mark.parametrize("predictor", ALL)
def test_a_training_that_diverged_is_not_taken_for_a_fast_one(predictor, trace_of):
    trace = trace_of(train_loss=[nan, 1.0, 0.9], diverged=11)
    with pytest.raises(NoScore, match="diverged at step 11"):
        predictor.score(trace)
    predictor.score(trace.until(8))


def test_wrong_settings_are_refused_by_name():
    with pytest.raises(BadInput, match="epochs"):
        TSEE(epochs=0.0)
    with pytest.raises(BadInput, match="mu"):
        TSEEMA(mu=0.0)
