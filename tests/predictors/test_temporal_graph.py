from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from harness.predictors.temporal_graph import TemporalGraph, features, signatures
from harness.schema import BadInput, NoScore

nan = float("nan")
WIDTH = 6
RANDOM = np.random.default_rng(0)
START = RANDOM.normal(size=(90, WIDTH))
GROWTH = RANDOM.normal(size=90)
ACCURACY = 60 + 10 * GROWTH
KINDS = [(task, model) for task in ("regression", "classification") for model in ("ridge", "boosting")]
CLASSIFIERS = KINDS[2:]


def course(place, looks=6):
    """Signatures whose second entry grows along the training, or falls."""
    return [START[place] + np.eye(WIDTH)[1] * GROWTH[place] * look for look in range(looks)]


@pytest.fixture(scope="module")
def traces(trace_of):
    return [trace_of(temporal_graph=course(place)) for place in range(90)]


def fitted(traces, task="regression", model="ridge", **keys):
    return TemporalGraph(task=task, model=model, **keys).fit(traces[:60], ACCURACY[:60])


@pytest.mark.parametrize(("task", "model"), KINDS)
def test_what_grows_along_the_training_ranks_architectures_that_were_not_seen(task, model, traces):
    predictor = fitted(traces, task, model)
    scores = [predictor.score(trace) for trace in traces[60:]]
    assert kendalltau(scores, ACCURACY[60:]).statistic > 0.6


@pytest.mark.parametrize(("task", "model"), CLASSIFIERS)
def test_good_and_bad_architectures_that_were_not_seen_are_told_apart(task, model, traces):
    predictor = fitted(traces, task, model)
    said = np.array([predictor.probability(trace) for trace in traces[60:]]) > 0.5
    assert (said == (ACCURACY[60:] > np.median(ACCURACY[:60]))).mean() >= 0.8


def test_without_the_later_checkpoints_nothing_is_told_apart(traces):
    predictor = fitted(traces, "classification", checkpoints=1, take="first")
    said = np.array([predictor.probability(trace) for trace in traces[60:]]) > 0.5
    assert (said == (ACCURACY[60:] > np.median(ACCURACY[:60]))).mean() < 0.75


@pytest.mark.parametrize(("task", "model"), KINDS)
def test_accuracies_without_a_pattern_are_not_ranked(task, model, traces):
    shuffled = np.random.default_rng(1).permutation(ACCURACY)
    predictor = TemporalGraph(task=task, model=model).fit(traces[:60], shuffled[:60])
    scores = [predictor.score(trace) for trace in traces[60:]]
    assert abs(kendalltau(scores, shuffled[60:]).statistic) < 0.3


@pytest.mark.parametrize(("task", "model"), CLASSIFIERS)
def test_the_score_of_a_classifier_is_its_probability_in_the_unit_of_the_accuracy(task, model, traces):
    predictor = fitted(traces, task, model, good=0.25)
    seen = np.sort(ACCURACY[:60])
    bad, good = seen[:45].mean(), seen[45:].mean()
    for trace in traces[60:]:
        p = predictor.probability(trace)
        assert 0 < p < 1
        assert predictor.score(trace) == pytest.approx(bad + p * (good - bad))
    with pytest.raises(NoScore, match="regression"):
        fitted(traces).probability(traces[0])


def test_a_larger_penalty_draws_the_probabilities_to_the_middle(traces):
    light, heavy = (fitted(traces, "classification", penalty=penalty) for penalty in (1.0, 1e4))
    spread = [np.std([predictor.probability(trace) for trace in traces]) for predictor in (light, heavy)]
    assert spread[1] < 0.2 * spread[0]


@pytest.mark.parametrize(("task", "model"), KINDS)
def test_scores_are_the_same_every_time(task, model, traces):
    first, second = (fitted(traces, task, model) for _ in range(2))
    assert [first.score(trace) for trace in traces] == [second.score(trace) for trace in traces]


@pytest.mark.parametrize(("task", "model"), KINDS)
def test_missing_entries_and_infinite_ones_do_not_stop_the_ranking(task, model, trace_of):
    holed = []
    for place in range(90):
        vectors = np.array(course(place))
        vectors[:, 3] = nan
        if place % 7 == 0:
            vectors[:, 4] = np.inf
        holed.append(trace_of(temporal_graph=list(vectors)))
    predictor = fitted(holed, task, model)
    scores = [predictor.score(trace) for trace in holed[60:]]
    assert kendalltau(scores, ACCURACY[60:]).statistic > 0.5


def test_features_are_taken_evenly_from_the_first_to_the_last():
    vectors = [np.array([float(i), -1.0]) for i in range(9)]
    assert features(vectors, 5, "spread")[::2].tolist() == [0, 2, 4, 6, 8]
    assert features(vectors, 9, "spread")[::2].tolist() == [*range(9)]
    assert features(vectors, 1, "spread")[::2].tolist() == [8]
    assert features(vectors, 3, "first")[::2].tolist() == [0, 1, 2]
    assert features(vectors[:2], 3, "first")[::2].tolist() == pytest.approx([0, 1, nan], nan_ok=True)


def test_a_budget_of_fewer_checkpoints_uses_what_is_there(traces):
    short = [trace.until(4) for trace in traces]
    predictor = fitted(short)
    assert predictor.checkpoints == 2
    assert kendalltau([predictor.score(t) for t in short[60:]], ACCURACY[60:]).statistic > 0.6
    assert fitted([trace.until(0) for trace in traces]).checkpoints == 1


def test_observations_without_a_signature_are_passed_over_and_lists_are_arrays(trace_of):
    vectors = course(0, 3)
    trace = trace_of(temporal_graph=[list(vectors[0]), None, vectors[1], nan, vectors[2], None])
    assert np.array_equal(signatures(trace, "temporal_graph"), vectors)
    assert signatures(trace_of(temporal_graph=[None, np.full(3, nan)]), "temporal_graph") == []


def test_there_is_no_score_without_a_signature_or_a_fit(traces, trace_of):
    nothing = trace_of(temporal_graph=[None, nan])
    with pytest.raises(NoScore, match="no finite temporal_graph"):
        fitted(traces).score(nothing)
    with pytest.raises(NoScore, match="needs 4 architectures with temporal_graph, has 3"):
        TemporalGraph().fit([*traces[:4], nothing], np.array([*ACCURACY[:3], nan, 50]))
    with pytest.raises(NoScore, match="all of one accuracy"):
        TemporalGraph(task="classification").fit(traces[:10], np.full(10, 50.0))


def test_a_few_architectures_are_enough_for_every_model(traces):
    for task, model in KINDS:
        predictor = TemporalGraph(task=task, model=model).fit(traces[:4], np.array([0.0, 100.0, 10.0, 60.0]))
        assert 0 <= predictor.score(traces[5]) <= 100


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("task", "ranking"), ("model", "forest"), ("take", "last"), ("checkpoints", 0), ("good", 1.0), ("good", 0.0),
        ("penalty", 0.0), ("trees", 0),
    ],
)  # fmt: skip
def test_wrong_settings_are_refused_by_name(key, value):
    with pytest.raises(BadInput, match=f"predictor.temporal_graph.{key}"):
        TemporalGraph(**{key: value})


def test_observations_at_the_beginning_are_left_out(trace_of):
    trace = trace_of(temporal_graph=course(0))
    kept, all_of_them = signatures(trace, "temporal_graph", skip=2), signatures(trace, "temporal_graph")
    assert len(kept) == 4 and np.array_equal(kept[0], all_of_them[2])
    untrained = trace_of(temporal_graph=course(0, looks=1))
    with pytest.raises(NoScore, match="no finite temporal_graph"):
        TemporalGraph(skip=1).fit([trace_of(temporal_graph=course(p)) for p in range(8)], ACCURACY[:8]).score(untrained)
    with pytest.raises(BadInput, match=r"predictor.temporal_graph.skip: must be at least 0"):
        TemporalGraph(skip=-1)
