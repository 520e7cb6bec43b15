from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kendalltau

from harness.predictors.lcsvr import LcSVR
from harness.schema import Architecture, Learned, NoScore

nan = float("nan")
RANDOM = np.random.default_rng(0)
N = 60
SPEED = RANDOM.uniform(0.3, 1.5, N)
END = RANDOM.uniform(40, 90, N)
SIZE = RANDOM.uniform(1, 9, N)
BARE = LcSVR(facts=[])


@pytest.fixture(scope="module")
def traces(trace_of):
    def curve(i, length=9):
        seen = END[i] * (1 - np.exp(-SPEED[i] * np.arange(length) / 4)) + RANDOM.normal(0, 0.5, length)
        facts = {name: np.full(length, SIZE[i]) for name in ("params", "flops", "layers")}
        return replace(trace_of(valid_accuracy=seen, **facts), architecture=Architecture(str(i), str(i)))

    return [curve(i) for i in range(N)]


def held_out(predictor, traces, accuracies):
    fitted = predictor.fit(traces[:40], accuracies[:40])
    return kendalltau([fitted.score(trace) for trace in traces[40:]], accuracies[40:]).statistic


def test_the_end_of_a_curve_is_read_from_its_shape_better_than_from_its_last_value(traces):
    last = kendalltau([trace.column("valid_accuracy")[-1] for trace in traces[40:]], END[40:]).statistic
    assert held_out(LcSVR(), traces, END) > last + 0.05


def test_facts_that_carry_the_ranking_are_used(traces):
    accuracies = 40 + 5 * SIZE
    assert held_out(LcSVR(), traces, accuracies) > 0.7
    assert held_out(BARE, traces, accuracies) < 0.4


@pytest.mark.parametrize("length", [2, 3])
def test_curves_of_one_or_two_points_are_enough(length, traces):
    short = [trace.until(4 * (length - 1)) for trace in traces]
    fitted = LcSVR().fit(short[:40], END[:40])
    assert 0 < fitted.score(short[50]) < 100


def test_the_value_before_training_does_not_count(traces):
    def without(trace):
        table = trace.table.copy()
        table.loc[0, "valid_accuracy"] = nan
        return replace(trace, table=table)

    fitted = BARE.fit(traces[:40], END[:40])
    assert BARE.fit([without(t) for t in traces[:40]], END[:40]).score(traces[50]) == fitted.score(without(traces[50]))


def test_scores_are_the_same_every_time(traces):
    first, second = (LcSVR().fit(traces[:40], END[:40]).score(traces[50]) for _ in range(2))
    assert first == second


def test_features_are_the_curve_its_differences_its_moments_and_the_facts(trace_of):
    trace = trace_of(valid_accuracy=[9, 10.0, 30.0, 40.0], params=[5.0] * 4)
    features = LcSVR(facts=["params"])._features(trace, (4, 8, 12))
    expected = [10, 30, 40, 20, 10, -10, 80 / 3, np.std([10, 30, 40]), 5]
    assert features == pytest.approx(expected)


def test_a_trace_with_another_grid_of_steps_has_no_score_and_does_not_spoil_the_fit(traces):
    table = traces[0].table.copy()
    table.loc[3, "valid_accuracy"] = nan
    holed = replace(traces[0], table=table)
    fitted = LcSVR().fit([holed, *traces[1:40]], END[:40])
    assert fitted.score(traces[50]) == LcSVR().fit(traces[1:40], END[1:40]).score(traces[50])
    with pytest.raises(NoScore, match="8 steps of the fit"):
        fitted.score(holed)


def test_too_few_architectures_are_no_fit_and_few_are_a_fit_without_a_search(traces):
    with pytest.raises(NoScore, match="needs 4 architectures with a curve of valid_accuracy, has 3"):
        LcSVR().fit(traces[:5], np.array([*END[:3], nan, nan]))
    with pytest.raises(NoScore, match="has 0"):
        LcSVR().fit([trace.until(0) for trace in traces], END)
    assert 0 < LcSVR().fit(traces[:4], np.array([0.0, 100.0, 50.0, 60.0])).score(traces[9]) < 100


def test_it_is_learned():
    assert isinstance(LcSVR(), Learned)
    assert LcSVR().columns == ("valid_accuracy", "params", "flops", "layers")
