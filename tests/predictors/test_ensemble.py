from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau, norm

from harness.predictors.ensemble import Columns, Ensemble, Scale
from harness.schema import BadInput, Learned, NoScore

nan = float("nan")
ENSEMBLE = Ensemble(["flops", "movement"], trees=10)


def made(trace_of, n=60, seed=0):
    """Traces whose accuracy follows the product of two columns, and these accuracies."""
    random = np.random.default_rng(seed)
    a, b = random.uniform(1, 3, (2, n))
    traces = [trace_of(flops=[x, x], movement=[nan, y], valid_loss=[0.0, 0.0]) for x, y in zip(a, b, strict=True)]
    return traces, 60 + 4 * a * b + 0.1 * random.normal(size=n)


def test_an_order_that_depends_on_two_columns_is_found_on_architectures_not_in_the_fit(trace_of):
    traces, truth = made(trace_of)
    fitted = ENSEMBLE.fit(traces[:40], truth[:40])
    found = [fitted.score(trace) for trace in traces[40:]]
    assert kendalltau(found, truth[40:])[0] > 0.8
    assert abs(np.mean([fitted.score(trace) for trace in traces[:40]])) < 0.05  # normal scores of the fit
    assert isinstance(ENSEMBLE, Learned)


def test_a_monotone_change_of_a_column_changes_nothing(trace_of):
    traces, truth = made(trace_of)
    changed = [
        trace_of(**{name: np.exp(t.table[name].to_numpy()) if name == "flops" else t.table[name].to_numpy()
                    for name in ("flops", "movement")})
        for t in traces
    ]  # fmt: skip
    first, second = ENSEMBLE.fit(traces[:40], truth[:40]), ENSEMBLE.fit(changed[:40], truth[:40])
    for before, after in zip(traces[:40], changed[:40], strict=True):  # between the fit's values it is interpolated
        assert second.score(after) == pytest.approx(first.score(before), rel=1e-6)


def test_what_is_missing_lies_where_the_lowest_does(trace_of):
    traces, truth = made(trace_of)
    lowest = min(trace.last("movement") for trace in traces[:40])
    fitted = ENSEMBLE.fit(traces[:40], truth[:40])
    without = fitted.score(trace_of(flops=[2.0], movement=[nan]))
    assert (
        without
        == fitted.score(trace_of(flops=[2.0], movement=[lowest]))
        == fitted.score(trace_of(flops=[2.0], movement=[lowest - 5]))
    )
    assert without < fitted.score(trace_of(flops=[2.0], movement=[2.5]))
    with pytest.raises(NoScore, match="none of its columns"):
        fitted.score(trace_of(flops=[nan], movement=[nan]))


def test_normal_scores_are_those_of_the_ranks():
    scale = Scale(np.array([5.0, 1.0, 3.0, nan]))
    quantiles = norm.ppf([0.25, 0.625, 0.875])  # 1 and nan share the two lowest ranks
    assert scale.scores(np.array([1.0, 3.0, 5.0, 0.0, 9.0, nan])) == pytest.approx(quantiles[[0, 1, 2, 0, 2, 0]])
    assert scale.scores(np.array([2.0])) == pytest.approx(quantiles[:2].mean())


def test_one_dead_network_among_the_accuracies_changes_no_order_of_the_others(trace_of):
    traces, truth = made(trace_of)
    dead = truth[:40].copy()
    dead[truth[:40].argmin()] = 1.0  # it was the worst before
    one, two = ENSEMBLE.fit(traces[:40], truth[:40]), ENSEMBLE.fit(traces[:40], dead)
    assert [one.score(trace) for trace in traces[40:]] == [two.score(trace) for trace in traces[40:]]


def test_a_fit_of_too_few_is_no_score_and_accuracies_that_are_unknown_do_not_count(trace_of):
    traces, truth = made(trace_of)
    with pytest.raises(NoScore, match="needs 10 architectures, has 9"):
        ENSEMBLE.fit(traces[:9], truth[:9])
    with pytest.raises(NoScore, match="needs 10 architectures, has 9"):
        ENSEMBLE.fit(traces[:12], np.append(truth[:9], [nan] * 3))
    unknown = truth[:40].copy()
    unknown[20:] = nan
    probe = traces[50]
    few = ENSEMBLE.fit(traces[:20], truth[:20]).score(probe)
    assert ENSEMBLE.fit(traces[:40], unknown).score(probe) == few


def test_scores_are_the_same_every_time(trace_of):
    traces, truth = made(trace_of)
    one, two = (ENSEMBLE.fit(traces[:40], truth[:40]).score(traces[50]) for _ in range(2))
    assert one == two


def test_the_score_is_the_mean_of_three_models(trace_of):
    traces, truth = made(trace_of)
    fitted = ENSEMBLE.fit(traces[:40], truth[:40])
    x = fitted.read.scores(np.array([[2.0, 2.5]]))
    votes = [float(np.asarray(model.predict(x))[0]) for model in fitted.models]
    assert len(set(votes)) == len({type(model) for model in fitted.models}) == 3
    assert fitted.score(trace_of(flops=[2.0], movement=[2.5])) == pytest.approx(np.mean(votes))


def test_the_seed_draws_trees_and_boosting(trace_of):
    traces, truth = made(trace_of)
    x = np.array([[0.3, -0.4]])
    votes = [
        [float(np.asarray(model.predict(x))[0]) for model in Ensemble(["flops", "movement"], trees=40, seed=seed)
         .fit(traces[:40], truth[:40]).models]
        for seed in (0, 1)
    ]  # fmt: skip
    assert [first != second for first, second in zip(*votes, strict=True)] == [False, True, True]


def test_a_declared_order_is_half_of_the_score(trace_of):
    traces, truth = made(trace_of)
    declared = Ensemble(["flops", "movement"], {"flops": 1.0, "movement": 1.0}, trees=40)
    against = Ensemble(["flops", "movement"], {"flops": -1.0, "movement": -1.0}, trees=40)
    fits = (each.fit(traces[:40], truth[:40]) for each in (declared, against))
    found, turned = ([fitted.score(trace) for trace in traces[40:]] for fitted in fits)
    assert kendalltau(found, truth[40:])[0] > 0.8
    assert np.std(turned) < 0.4 * np.std(found)  # what was learned and what was declared take each other away
    sums = norm.logcdf([[1.0, 0.5], [-1.0, 0.2]]).sum(axis=1)
    columns = Columns([Scale(np.arange(9.0))] * 2, [1.0, 1.0], np.stack([np.arange(9.0)] * 2, axis=1))
    assert columns._sums(np.array([[1.0, 0.5], [-1.0, 0.2]])) == pytest.approx(sums)
    with pytest.raises(BadInput, match=r"predictor\.ensemble\.signs: must be columns of reads \(flops\) \(got 'zen'"):
        Ensemble(["flops"], {"zen": 1.0})


def test_wrong_settings_are_refused_by_name():
    with pytest.raises(BadInput, match=r"predictor\.ensemble\.reads: must be one trace column or more, each once"):
        Ensemble([])
    with pytest.raises(BadInput, match=r"predictor\.ensemble\.reads: must be one trace column or more, each once"):
        Ensemble(["flops", "flops"])
    with pytest.raises(BadInput, match=r"predictor\.ensemble\.seed: must be a whole number from 0 to 2147483647"):
        Ensemble(["flops"], seed=-1)
    with pytest.raises(BadInput, match=r"predictor\.ensemble\.trees: must be at least 1 \(got 0"):
        Ensemble(["flops"], trees=0)
