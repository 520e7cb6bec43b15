from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from harness.predictors.rank_aggregate import RankAggregate
from harness.schema import BadInput, Explained, NoScore

nan = float("nan")
AGGREGATE = RankAggregate({"flops": 1.0, "valid_loss": -1.0}, "combination")
TABLES = st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=12)


def scores(trace_of, rows, aggregate=AGGREGATE):
    traces = [trace_of(flops=[nan, float(a)], valid_loss=[nan, float(b)]) for a, b in rows]
    return aggregate.score_together(traces)


@settings(max_examples=30, deadline=None)
@given(rows=TABLES)
def test_the_score_is_the_sum_of_the_logs_of_scipys_ranks(rows, trace_of):
    first, second = (rankdata(column) for column in np.array(rows, dtype=float).T * [[1], [-1]])
    slow = [np.log(a / len(rows)) + np.log(b / len(rows)) for a, b in zip(first, second, strict=True)]
    assert scores(trace_of, rows) == pytest.approx(slow)


@settings(max_examples=30, deadline=None)
@given(rows=TABLES)
def test_a_monotone_change_of_any_column_changes_nothing(rows, trace_of):
    changed = [(np.exp(a), float(b) ** 3 - 100) for a, b in rows]
    assert scores(trace_of, changed) == pytest.approx(scores(trace_of, rows), abs=1e-12)


def test_the_order_of_the_architectures_does_not_matter(trace_of):
    rows = [(3, 1), (1, 2), (2, 2), (5, 0)]
    assert scores(trace_of, rows[::-1]) == pytest.approx(scores(trace_of, rows)[::-1])


def test_the_best_in_every_column_scores_0_and_steadiness_beats_one_peak(trace_of):
    best, steady, _, peak, worst = scores(trace_of, [(9, 1), (6, 4), (5, 5), (7, 8), (1, 9)])
    assert best == 0
    assert best > steady > peak > worst
    assert worst == pytest.approx(2 * np.log(1 / 5))


def test_the_last_finite_value_is_read(trace_of):
    traces = [trace_of(flops=[1.0, 1.0], valid_loss=[loss, nan]) for loss in (1.0, 2.0)]
    assert AGGREGATE.score_together(traces) == pytest.approx([np.log(1.5 / 2), np.log(1.5 / 2) + np.log(1 / 2)])


def test_an_architecture_that_lacks_a_column_has_no_score_and_no_rank(trace_of):
    rows = [(3, 1), (9, nan), (1, 2), (nan, 0)]
    seen = scores(trace_of, rows)
    assert np.isnan(seen[[1, 3]]).all()
    assert seen[[0, 2]] == pytest.approx(scores(trace_of, [rows[0], rows[2]]))


def test_a_column_that_nobody_has_is_named(trace_of):
    traces = [trace_of(flops=[1.0], valid_loss=[nan]), trace_of(flops=[2.0], valid_loss=[np.inf])]
    with pytest.raises(NoScore, match="valid_loss"):
        AGGREGATE.score_together(traces)


def test_the_columns_that_a_trace_lacks_are_named(trace_of):
    three = RankAggregate({"flops": 1.0, "valid_loss": -1.0, "zen": 1.0}, "combination")
    assert isinstance(three, Explained)
    assert three.reason(trace_of(flops=[1.0], valid_loss=[nan], zen=[np.inf])) == "no finite valid_loss, zen"
    assert three.reason(trace_of(flops=[nan], valid_loss=[1.0], zen=[2.0])) == "no finite flops"


def test_columns_are_the_keys_of_the_signs():
    assert AGGREGATE.columns == ("flops", "valid_loss")


@pytest.mark.parametrize("wrong", [{}, {"flops": 0.0}, {"flops": nan}])
def test_wrong_signs_are_refused_by_name(wrong):
    with pytest.raises(BadInput, match="signs"):
        RankAggregate(wrong, "combination")


def test_where_missing_is_last_those_that_lack_a_column_share_its_worst_rank(trace_of):
    aggregate = RankAggregate({"flops": 1.0, "valid_loss": -1.0}, "combination", missing="last")
    rows = [(3.0, 1.0), (nan, 2.0), (nan, 3.0), (5.0, nan), (nan, nan)]
    found = scores(trace_of, rows, aggregate)
    flops, loss = np.array([3, 1.5, 1.5, 4]) / 4, np.array([4, 3, 2, 1]) / 4
    assert found[:4] == pytest.approx(np.log(flops) + np.log(loss)) and np.isnan(found[4])
    assert np.isnan(scores(trace_of, rows)[1:]).all()
    with pytest.raises(BadInput, match=r"missing: must be 'unscored' or 'last' \(got 'first'"):
        RankAggregate({"flops": 1.0}, "combination", missing="first")
