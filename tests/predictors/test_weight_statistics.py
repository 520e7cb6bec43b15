from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import kendalltau

from harness.predictors.weight_statistics import WeightStatistics
from harness.schema import BadInput, NoScore

nan = float("nan")
WIDTH = 12
RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.normal(size=(90, WIDTH))
LINEAR = 100 * expit(VECTORS[:, 0] - 0.5 * VECTORS[:, 1])
BOWL = 50 + 15 * np.abs(VECTORS[:, 0])


@pytest.fixture(scope="module")
def traces(trace_of):
    return [trace_of(weight_statistics=[None, vector]) for vector in VECTORS]


def held_out_tau(model, traces, accuracies):
    fitted = WeightStatistics(model).fit(traces[:60], accuracies[:60])
    return kendalltau([fitted.score(trace) for trace in traces[60:]], accuracies[60:]).statistic


@pytest.mark.parametrize(("model", "least"), [("linear", 0.9), ("boosting", 0.5)])
def test_a_ranking_that_the_statistics_carry_is_found_on_other_architectures(model, least, traces):
    assert held_out_tau(model, traces, LINEAR) > least


def test_boosting_finds_a_bowl_that_the_linear_model_cannot(traces):
    assert held_out_tau("boosting", traces, BOWL) > 0.4
    assert held_out_tau("linear", traces, BOWL) < 0.3


def test_the_linear_model_is_linear_in_the_logit(traces):
    fitted = WeightStatistics("linear").fit(traces, LINEAR)
    assert [fitted.score(trace) for trace in traces] == pytest.approx(LINEAR, abs=0.1)


@pytest.mark.parametrize("model", ["boosting", "linear"])
def test_scores_are_the_same_every_time(model, traces):
    first, second = (WeightStatistics(model).fit(traces[:60], LINEAR[:60]) for _ in range(2))
    assert [first.score(trace) for trace in traces] == [second.score(trace) for trace in traces]


@pytest.mark.parametrize("model", ["boosting", "linear"])
def test_few_architectures_and_extreme_accuracies_still_give_a_fit(model, traces):
    fitted = WeightStatistics(model).fit(traces[:4], np.array([0.0, 100.0, 10.0, 60.0]))
    assert 0 <= fitted.score(traces[5]) <= 100


@pytest.mark.parametrize("model", ["boosting", "linear"])
def test_entries_that_a_network_has_not_are_missing_values(model, trace_of):
    holed = VECTORS.copy()
    holed[:, 3] = nan
    holed[::7, 4] = np.inf
    traces = [trace_of(weight_statistics=[vector]) for vector in holed]
    assert held_out_tau(model, traces, LINEAR) > 0.5


@pytest.mark.parametrize("model", ["boosting", "linear"])
def test_a_vector_read_back_as_a_list_counts_as_an_array(model, traces, trace_of):
    fitted = WeightStatistics(model).fit(traces[:60], LINEAR[:60])
    assert fitted.score(trace_of(weight_statistics=[list(VECTORS[70])])) == fitted.score(traces[70])


def test_the_last_vector_with_a_finite_entry_is_read(traces, trace_of):
    fitted = WeightStatistics("linear").fit(traces, LINEAR)
    trace = trace_of(weight_statistics=[VECTORS[1], VECTORS[0], np.full(WIDTH, nan), None, nan])
    assert fitted.score(trace) == fitted.score(traces[0])


def test_there_is_no_score_without_a_vector_or_a_fit(traces, trace_of):
    with pytest.raises(NoScore, match="no finite weight_statistics"):
        WeightStatistics().fit(traces, LINEAR).score(trace_of(weight_statistics=[None, np.full(WIDTH, nan)]))
    with pytest.raises(NoScore, match="needs 4 architectures with weight_statistics, has 3"):
        WeightStatistics().fit(traces[:5], np.array([*LINEAR[:3], nan, nan]))


def test_wrong_settings_are_refused_by_name():
    with pytest.raises(BadInput, match="model"):
        WeightStatistics(model="forest")
    with pytest.raises(BadInput, match="trees"):
        WeightStatistics(trees=0)
