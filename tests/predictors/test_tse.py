from __future__ import annotations

from importlib.resources import files
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from harness.predictors.tse import TSE, TSEE, TSEEMA
from harness.schema import BadInput, NoScore, Predictor

nan = float("nan")
BATCHES = np.random.default_rng(0).uniform(0.5, 2.5, 35)  # one loss a step, 8 steps an epoch
STEPS = np.array([0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 35])
ALL: list[Predictor] = [TSE(), TSEE(), TSEEMA()]


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


def test_tse_ema_discounts_whole_epochs(trace_of):
    means = np.array([2.0, 1.5, 1.2, 1.1])
    trace = trace_of(step=np.array([0, 8, 16, 24, 32]), train_loss=[nan, *means])
    assert TSEEMA(gamma=0.9).score(trace) == pytest.approx(-(1.1 + 0.9 * 1.2 + 0.81 * 1.5 + 0.729 * 2.0))
    assert TSEEMA(gamma=1e-9).score(trace) == pytest.approx(-1.1)
    assert TSEEMA(gamma=1 - 1e-9).score(trace) == pytest.approx(-means.sum())


def test_tse_ema_does_not_depend_on_how_often_is_observed(trace_of):
    every = BATCHES[:32]
    dense = trace_of(step=np.arange(33), train_loss=[nan, *every])
    sparse = trace_of(step=np.arange(0, 33, 4), train_loss=[nan, *every.reshape(8, 4).mean(1)])
    by_hand = sum(0.9**age * every[24 - 8 * age : 32 - 8 * age].mean() for age in range(4))
    assert TSEEMA().score(dense) == pytest.approx(TSEEMA().score(sparse)) == pytest.approx(-by_hand)


def test_tse_ema_shares_out_an_interval_over_the_beginning_of_an_epoch(trace):
    """The last 8 of 27 steps are one epoch; the interval of the steps 18 to 21 belongs to two."""
    over = BATCHES[18:21].mean()
    epochs = (
        BATCHES[21:27].sum() + 2 * over,
        over + BATCHES[12:18].sum() + BATCHES[9:12].mean(),
        2 * BATCHES[9:12].mean() + BATCHES[3:9].sum(),
        BATCHES[:3].sum(),
    )
    assert TSEEMA().score(trace.until(27)) == pytest.approx(-sum(0.9**k * each for k, each in enumerate(epochs)) / 8)


def test_the_three_differ_on_real_curves(trace_of):
    """The loss curves of the embedded ground truth: 500 architectures, seed 0, 6 epochs; here the first 4 of them.

    With the recursion of the authors' code tse_ema had a Spearman correlation of 1.000 with tse_e.
    """
    table = pd.read_parquet(files("harness.benches.nasbench201") / "digits.parquet")
    one = table[(table["seed"] == table["seed"].min()) & (table["epoch"] <= 4)]
    curves = one.pivot(index="architecture", columns="epoch", values="train_loss").to_numpy()
    traces = [trace_of(step=8 * np.arange(5), train_loss=[nan, *curve]) for curve in curves]
    scores = np.array([[predictor.score(trace) for predictor in ALL] for trace in traces])
    rho = spearmanr(scores).statistic
    tse, tse_e, tse_ema = range(3)
    assert rho[tse_e, tse_ema] < 0.95
    assert rho[tse, tse_ema] < 0.999


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
    with pytest.raises(BadInput, match="gamma"):
        TSEEMA(gamma=1.0)
