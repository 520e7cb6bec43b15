from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import kendalltau, linregress
from sklearn.linear_model import RidgeCV

from harness.evaluate.scoring import score_all
from harness.evaluate.scoring_table import ScoringInput
from harness.predictors.stack import Stack, features, readings
from harness.schema import Architecture, BadInput, NoScore

nan = float("nan")
GROUPS = {"curve": ["loss"], "size": ["params"], "proxy": ["noise", "beta_eff"], "weights": ["vector"]}
MODELS = ("boosting", "ridge")
RANDOM = np.random.default_rng(0)
CAUSES = RANDOM.normal(size=(90, 3))
ACCURACY = 100 * expit(0.3 + CAUSES[:, 0] + CAUSES[:, 1])


@pytest.fixture(scope="module")
def traces(trace_of):
    """The loss shows the first cause, beta_eff the second, the vector the third, which has no part in the accuracy."""
    made = []
    for i, (a, b, c) in enumerate(CAUSES):
        trace = trace_of(
            loss=[nan, 3 - a, 2 - a],
            params=[100.0 + i % 7] * 3,
            noise=RANDOM.normal(size=3),
            beta_eff=[nan, nan, np.exp(2 * b)],
            vector=[None, None, np.array([c, c * c])],
        )
        made.append(replace(trace, architecture=Architecture(f"a{i:02}", f"a{i:02}")))
    return made


def held_out_tau(method, traces):
    fitted = method.fit(traces[:60], ACCURACY[:60])
    return kendalltau([fitted.score(trace) for trace in traces[60:]], ACCURACY[60:]).statistic


def changed(traces, **columns):
    """Traces with these columns put through functions of their values."""
    return [
        replace(t, table=t.table.assign(**{name: [f(v) for v in t.table[name]] for name, f in columns.items()}))
        for t in traces
    ]


@pytest.mark.parametrize("model", MODELS)
def test_what_a_group_adds_is_the_difference_to_the_stack_without_it(model, traces):
    whole = held_out_tau(Stack(GROUPS, model), traces)
    useful = held_out_tau(Stack(GROUPS, model, without=["proxy"]), traces)
    useless = held_out_tau(Stack(GROUPS, model, without=["weights"]), traces)
    assert whole > 0.7
    assert useful < whole - 0.15
    assert useless > whole - 0.1


@pytest.mark.parametrize("model", MODELS)
def test_four_fifths_of_the_variance_are_explained_out_of_fold(model, traces):
    table = score_all({"it": Stack(GROUPS, model)}, ScoringInput(traces, ACCURACY, [8], 5, 0))[0].sort_values(
        "architecture"
    )
    wanted = ACCURACY - ACCURACY.mean()
    assert 1 - np.sum((table["score"] - wanted) ** 2) / np.sum(wanted**2) > 0.8


def test_only_columns_of_groups_in_use_are_asked_for_and_read(traces):
    method = Stack(GROUPS, without=["proxy", "weights"])
    assert method.columns == ("loss", "params")
    bare = [replace(t, table=t.table[["step", "loss", "params"]]) for t in traces]
    plain, fewer = (method.fit(ts[:60], ACCURACY[:60]) for ts in (traces, bare))
    assert [plain.score(t) for t in traces[60:]] == [fewer.score(t) for t in bare[60:]]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.sampled_from([nan, np.inf, 0.0, 1.5, -2.0, 7.0])), min_size=1, max_size=8)
)
def test_the_four_readings_agree_with_scipy(pairs):
    steps, values = np.cumsum([p[0] for p in pairs]).astype(float), np.array([p[1] for p in pairs])
    kept = np.isfinite(values)
    last, first, mean, slope = readings(steps, values, fact=False)
    if not kept.any():
        assert np.isnan([last, first, mean, slope]).all()
        return
    assert (last, first) == (values[kept][-1], values[kept][0])
    assert mean == pytest.approx(np.mean(values[kept]))
    expected = linregress(steps[kept], values[kept]).slope if kept.sum() > 1 else nan
    assert slope == pytest.approx(expected, nan_ok=True)


def test_features_stand_column_by_column_and_a_fact_is_read_once(trace_of):
    trace = trace_of(a=[1.0, 3.0], params=[7.0, 7.0], v=[[1.0, np.inf], None], w=[None, None])
    found = features(trace, {"a": 0, "params": 0, "v": 2, "w": 2})
    assert found.tolist() == pytest.approx([3, 1, 2, 0.5, 7, 1, nan, nan, nan], nan_ok=True)


@pytest.mark.parametrize("model", MODELS)
def test_the_unit_of_a_column_does_not_matter(model, traces):
    others = changed(traces, loss=lambda v: 1024 * v, beta_eff=lambda v: v / 2**20, noise=lambda v: 2.0**60 * v)
    plain, scaled = (Stack(GROUPS, model).fit(ts[:60], ACCURACY[:60]) for ts in (traces, others))
    expected = [plain.score(t) for t in traces[60:]]
    assert [scaled.score(t) for t in others[60:]] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_cross_fitted_scores_do_not_depend_on_the_order_of_the_architectures(model, traces):
    order = np.random.default_rng(1).permutation(40)
    plain = score_all({"it": Stack(GROUPS, model)}, ScoringInput(traces[:40], ACCURACY[:40], [8], 5, 0))[0]
    mixed = score_all(
        {"it": Stack(GROUPS, model)}, ScoringInput([traces[i] for i in order], ACCURACY[:40][order], [8], 5, 0)
    )[0]
    assert plain.equals(mixed)


@pytest.mark.parametrize("model", MODELS)
def test_scores_are_the_same_every_time(model, traces):
    first, second = (Stack(GROUPS, model).fit(traces[:60], ACCURACY[:60]) for _ in range(2))
    assert [first.score(t) for t in traces] == [second.score(t) for t in traces]


def test_the_ridge_agrees_with_the_steps_written_out(traces):
    method = Stack({"a": ["beta_eff"], "b": ["params"]}, "ridge")
    x = np.array([[np.exp(2 * b), 100.0 + i % 7] for i, (_, b, _) in enumerate(CAUSES)])
    z = np.arcsinh(x / np.median(x[:60], axis=0))
    z = (z - z[:60].mean(0)) / z[:60].std(0)
    z = np.hstack([np.repeat(z[:, :1], 3, axis=1), np.zeros((90, 1)), z[:, 1:]])  # last, first, mean are one value
    ridge = RidgeCV(np.logspace(-3, 5, 17)).fit(z[:60], logit(np.clip(ACCURACY[:60] / 100, 0.001, 0.999)))
    fitted = method.fit(traces[:60], ACCURACY[:60])
    assert [fitted.score(t) for t in traces[60:]] == pytest.approx(100 * expit(ridge.predict(z[60:])), rel=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_columns_that_are_missing_are_missing_values(model, traces):
    holed = changed(traces, noise=lambda v: nan, vector=lambda v: None)
    holed = [t if i % 5 else changed([t], loss=lambda v: np.inf)[0] for i, t in enumerate(holed)]
    assert held_out_tau(Stack(GROUPS, model), holed) > 0.5


@pytest.mark.parametrize("model", MODELS)
def test_a_vector_that_one_trace_lacks_is_missing_there(model, traces):
    fitted = Stack(GROUPS, model).fit(traces[:60], ACCURACY[:60])
    without = changed(traces[60:61], vector=lambda v: nan)[0]
    assert np.isfinite(fitted.score(without))


def test_there_is_no_score_without_a_value_or_a_fit(traces, trace_of):
    method = Stack({"curve": ["loss"]})
    empty = trace_of(loss=[nan, nan])
    with pytest.raises(NoScore, match="none of its columns"):
        method.fit(traces, ACCURACY).score(empty)
    with pytest.raises(NoScore, match="needs 4 architectures with any of its columns, has 3"):
        method.fit([*traces[:3], empty, traces[4]], np.array([*ACCURACY[:4], nan]))
    with pytest.raises(NoScore, match="needs 4 architectures with any of its columns, has 0"):
        method.fit(traces[:5], np.full(5, nan))


def test_vectors_of_another_length_are_no_score(traces):
    method = Stack({"weights": ["vector"]})
    longer = changed(traces[:1], vector=lambda v: None if v is None else [1.0, 2.0, 3.0])[0]
    with pytest.raises(NoScore, match="vectors of one length"):
        method.fit([*traces[1:20], longer], ACCURACY[:20])
    with pytest.raises(NoScore, match="vector has 3 entries, those of the fit 2"):
        method.fit(traces[1:20], ACCURACY[1:20]).score(longer)


def test_wrong_settings_are_refused_by_name():
    with pytest.raises(BadInput, match=r"without: must be a group of curve, size, proxy, weights \(got 'nope'"):
        Stack(GROUPS, without=["nope"])
    with pytest.raises(BadInput, match="model"):
        Stack(GROUPS, "forest")
    with pytest.raises(BadInput, match="trees"):
        Stack(GROUPS, trees=0)
    with pytest.raises(BadInput, match="seed"):
        Stack(GROUPS, seed=2**31)
    with pytest.raises(BadInput, match="a column in the groups"):
        Stack({"curve": ["loss"]}, without=["curve"])
    with pytest.raises(BadInput, match=r"must be every column once \(got \['loss'\]"):
        Stack({"curve": ["loss"], "again": ["loss"]})
