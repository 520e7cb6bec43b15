from __future__ import annotations

from dataclasses import replace

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import kendalltau

from harness.evaluate.scoring import score_all
from harness.evaluate.scoring_table import ScoringInput
from harness.predictors.logit_linear import LogitLinear
from harness.predictors.weight_statistics import WeightStatistics
from harness.schema import Architecture, BadInput, NoScore

nan = float("nan")
WIDTH = 12
RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.normal(size=(90, WIDTH))
LINEAR = 100 * expit(VECTORS[:, 0] - 0.5 * VECTORS[:, 1])
BOWL = 50 + 15 * np.abs(VECTORS[:, 0])
MODELS = ("boosting", "linear", "dense")


@pytest.fixture(scope="module")
def traces(trace_of):
    return [trace_of(weight_statistics=[None, vector]) for vector in VECTORS]


def held_out_tau(model, traces, accuracies):
    fitted = WeightStatistics(model).fit(traces[:60], accuracies[:60])
    return kendalltau([fitted.score(trace) for trace in traces[60:]], accuracies[60:]).statistic


@pytest.mark.parametrize(("model", "least"), [("linear", 0.9), ("boosting", 0.5), ("dense", 0.7)])
def test_a_ranking_that_the_statistics_carry_is_found_on_other_architectures(model, least, traces):
    assert held_out_tau(model, traces, LINEAR) > least


def test_boosting_finds_a_bowl_that_the_linear_model_cannot(traces):
    assert held_out_tau("boosting", traces, BOWL) > 0.4
    assert held_out_tau("linear", traces, BOWL) < 0.3


def test_the_linear_model_is_linear_in_the_logit(traces):
    fitted = WeightStatistics("linear").fit(traces, LINEAR)
    assert [fitted.score(trace) for trace in traces] == pytest.approx(LINEAR, abs=0.1)


@pytest.mark.parametrize("model", MODELS)
def test_scores_are_the_same_every_time(model, traces):
    first, second = (WeightStatistics(model).fit(traces[:60], LINEAR[:60]) for _ in range(2))
    assert [first.score(trace) for trace in traces] == [second.score(trace) for trace in traces]


@pytest.mark.parametrize(("model", "few"), [("boosting", 4), ("linear", 4), ("dense", 8)])
def test_few_architectures_and_extreme_accuracies_still_give_a_fit(model, few, traces):
    accuracies = np.array([0.0, 100.0, 10.0, 60.0, 5.0, 50.0, 70.0, 0.0])[:few]
    fitted = WeightStatistics(model).fit(traces[:few], accuracies)
    assert 0 <= fitted.score(traces[9]) <= 100
    with pytest.raises(NoScore, match=f"needs {few} architectures"):
        WeightStatistics(model).fit(traces[: few - 1], accuracies[: few - 1])


@pytest.mark.parametrize("model", MODELS)
def test_entries_that_a_network_has_not_are_missing_values(model, trace_of):
    holed = VECTORS.copy()
    holed[:, 3] = nan
    holed[::7, 4] = np.inf
    traces = [trace_of(weight_statistics=[vector]) for vector in holed]
    assert held_out_tau(model, traces, LINEAR) > 0.5


@pytest.mark.parametrize("model", MODELS)
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


@pytest.mark.parametrize("model", MODELS)
def test_four_fifths_of_the_variance_are_explained_out_of_fold(model, trace_of):
    """Statistics as a network has them: few causes behind many entries; accuracy a smooth function of the causes."""
    random = np.random.default_rng(5)
    causes = random.normal(size=(120, 3))
    vectors = causes @ random.normal(size=(3, 40)) + 0.05 * random.normal(size=(120, 40))
    vectors[:, :3] += 5 * causes
    accuracies = 100 * expit(0.5 + 0.8 * causes[:, 0] - 0.4 * causes[:, 1])
    traces = [trace_of(weight_statistics=[v], step=[0]) for v in vectors]
    traces = [replace(t, architecture=Architecture(f"a{i}", f"a{i}")) for i, t in enumerate(traces)]
    table = score_all({"it": WeightStatistics(model)}, ScoringInput(traces, accuracies, [0], 5, 0))[0].set_index(
        "architecture"
    )
    scores = table["score"].reindex([t.architecture.name for t in traces]).to_numpy()
    wanted = accuracies - accuracies.mean()
    assert 1 - np.sum((scores - wanted) ** 2) / np.sum(wanted**2) > 0.8


@pytest.mark.parametrize("model", MODELS)
def test_scores_do_not_depend_on_the_unit_of_an_entry(model, traces, trace_of):
    units = 2.0 ** np.arange(-6, WIDTH - 6)
    others = [trace_of(weight_statistics=[vector * units]) for vector in VECTORS]
    plain, scaled = (WeightStatistics(model).fit(ts[:60], LINEAR[:60]) for ts in (traces, others))
    expected = [plain.score(trace) for trace in traces[60:]]
    assert [scaled.score(trace) for trace in others[60:]] == pytest.approx(expected, abs=1e-5)


@settings(max_examples=5, deadline=None)
@given(st.permutations(range(60)))
def test_the_linear_model_does_not_depend_on_the_order_of_the_architectures(order):
    order = np.array(order)
    plain, mixed = LogitLinear(VECTORS[:60], LINEAR[:60]), LogitLinear(VECTORS[:60][order], LINEAR[:60][order])
    assert mixed.predict(VECTORS[60:]) == pytest.approx(plain.predict(VECTORS[60:]), rel=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_cross_fitted_scores_do_not_depend_on_the_order_of_the_architectures(model, traces):
    named = [replace(t, architecture=Architecture(f"a{i}", f"a{i}")) for i, t in enumerate(traces[:40])]
    order = np.random.default_rng(1).permutation(40)
    plain = score_all({"it": WeightStatistics(model)}, ScoringInput(named, LINEAR[:40], [4], 5, 0))[0]
    mixed = score_all(
        {"it": WeightStatistics(model)}, ScoringInput([named[i] for i in order], LINEAR[:40][order], [4], 5, 0)
    )[0]
    assert plain.equals(mixed)


@pytest.mark.parametrize("model", MODELS)
def test_the_ends_are_the_last_fourteen_entries_and_nothing_else_counts(model, trace_of):
    vectors = np.random.default_rng(3).normal(size=(60, 126))
    accuracies = 100 * expit(vectors[:, -14] - vectors[:, -1])
    other = vectors.copy()
    other[:, :-14] = nan
    scores = []
    for table in (vectors, other):
        traces = [trace_of(weight_statistics=[vector]) for vector in table]
        fitted = WeightStatistics(model, features="ends").fit(traces[:50], accuracies[:50])
        scores.append([fitted.score(trace) for trace in traces[50:]])
    assert scores[0] == scores[1]
    assert kendalltau(scores[0], accuracies[50:]).statistic > 0.3


def test_there_is_no_score_where_the_ends_alone_are_missing(trace_of):
    vectors = np.random.default_rng(3).normal(size=(10, 126))
    fitted = WeightStatistics(features="ends").fit([trace_of(weight_statistics=[v]) for v in vectors], LINEAR[:10])
    vectors[0, -14:] = nan
    with pytest.raises(NoScore, match="no finite weight_statistics"):
        fitted.score(trace_of(weight_statistics=[vectors[0]]))


@pytest.mark.parametrize("model", MODELS)
def test_vectors_of_another_length_are_no_score(model, traces, trace_of):
    short = trace_of(weight_statistics=[VECTORS[0][:5]])
    with pytest.raises(NoScore, match="one length"):
        WeightStatistics(model).fit([*traces[:20], short], LINEAR[:21])
    with pytest.raises(NoScore, match="5 entries, those of the fit 12"):
        WeightStatistics(model).fit(traces[:20], LINEAR[:20]).score(short)


def test_boosting_is_plain_lightgbm_with_the_settings_that_are_written_down(traces):
    settings = {
        "objective": "regression", "learning_rate": 0.05, "num_leaves": 7, "min_data_in_leaf": 5, "min_data_in_bin": 1,
        "feature_fraction": 0.5, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 1.0, "deterministic": True,
        "force_row_wise": True, "num_threads": 1, "verbosity": -1, "seed": 7,
    }  # fmt: skip
    plain = lightgbm.train(settings, lightgbm.Dataset(VECTORS[:60], LINEAR[:60]), num_boost_round=200)
    fitted = WeightStatistics(seed=7).fit(traces[:60], LINEAR[:60])
    assert [fitted.score(t) for t in traces[60:]] == plain.predict(VECTORS[60:]).tolist()


def test_another_seed_is_another_dense_net(traces):
    scores = [WeightStatistics("dense", seed=s).fit(traces[:60], LINEAR[:60]).score(traces[60]) for s in (0, 1)]
    assert scores[0] != scores[1]


def test_wrong_settings_are_refused_by_name():
    with pytest.raises(BadInput, match="model"):
        WeightStatistics(model="forest")
    with pytest.raises(BadInput, match="trees"):
        WeightStatistics(trees=0)
    with pytest.raises(BadInput, match="features"):
        WeightStatistics(features="first")
    with pytest.raises(BadInput, match="seed"):
        WeightStatistics(seed=-1)
    with pytest.raises(BadInput, match=r"column: must be weight_statistics or gradient_statistics \(features: ends\)"):
        WeightStatistics(features="ends", column="layer_statistics")
