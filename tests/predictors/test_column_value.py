from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.predictors.column_value import ColumnValue
from harness.schema import BadInput, NoScore, at_initialization

nan = float("nan")


def test_the_last_finite_value_is_the_score_unless_the_reading_says_otherwise(trace_of):
    trace = trace_of(valid_accuracy=[10.0, 40.0, 30.0, nan])
    assert ColumnValue("valid_accuracy", 1.0, "learning_curve").score(trace) == 30.0


def test_a_lower_loss_scores_higher(trace_of):
    reader = ColumnValue("valid_loss", -1.0, "learning_curve")
    good, bad = trace_of(valid_loss=[2.3, 0.5]), trace_of(valid_loss=[2.3, 1.5])
    assert reader.score(good) > reader.score(bad)


def test_the_last_value_does_not_see_past_the_budget(trace_of):
    trace = trace_of(valid_accuracy=[10.0, 40.0, 99.0])
    assert ColumnValue("valid_accuracy", 1.0, "learning_curve").score(trace.until(4)) == 40.0


def test_the_best_value_is_the_highest_accuracy_and_the_lowest_loss_so_far(trace_of):
    trace = trace_of(valid_accuracy=[10.0, nan, 40.0, 30.0], valid_loss=[2.0, 0.4, nan, 1.0])
    assert ColumnValue("valid_accuracy", 1.0, "learning_curve", "best").score(trace) == 40.0
    assert ColumnValue("valid_loss", -1.0, "learning_curve", "best").score(trace) == -0.4


def test_the_first_value_is_that_at_initialization_whatever_the_budget(trace_of):
    trace = trace_of(synflow=[3.0, nan, 9.0])
    for budget in (0, 4, 8):
        assert ColumnValue("synflow", -1.0, "zero_cost", "first").score(trace.until(budget)) == -3.0
    assert ColumnValue("synflow", 1.0, "zero_cost", "last").score(trace) == 9.0


def test_a_first_reading_that_failed_is_not_replaced_by_a_later_one(trace_of):
    with pytest.raises(NoScore, match="no finite synflow at the first observation"):
        ColumnValue("synflow", 1.0, "zero_cost", "first").score(trace_of(synflow=[nan, 2.0]))


def test_a_signed_quantity_that_goes_to_0_is_scored_by_its_magnitude(trace_of):
    reader = ColumnValue("beta_eff", -1.0, "capacitance", "magnitude")
    below, near = trace_of(beta_eff=[-0.5, -0.5]), trace_of(beta_eff=[0.1, 0.1])
    assert reader.score(below) == -0.5
    assert reader.score(near) == -0.1 > reader.score(below)


@pytest.mark.parametrize(
    ("reading", "initial"), [("first", True), ("last", False), ("best", False), ("magnitude", False)]
)
def test_only_the_first_reading_needs_no_training(reading, initial):
    assert at_initialization(ColumnValue("synflow", 1.0, "zero_cost", reading)) is initial


@pytest.mark.parametrize("reading", ["last", "first", "best", "magnitude"])
def test_a_column_without_a_finite_value_gives_no_score(reading, trace_of):
    with pytest.raises(NoScore, match="no finite train_loss"):
        ColumnValue("train_loss", -1.0, "control", reading).score(trace_of(train_loss=[nan, np.inf]))


@pytest.mark.parametrize("wrong", [{"sign": 0.5}, {"sign": nan}, {"column": ""}, {"reading": "middle"}])
def test_a_wrong_setting_is_refused_by_name(wrong):
    with pytest.raises(BadInput, match=rf"predictor\.column_value\.{next(iter(wrong))}: must be .* \(got "):
        ColumnValue(**{"column": "flops", "sign": 1.0, "family": "size"} | wrong)


def test_a_reading_that_failed_is_no_score_while_one_that_was_not_due_leaves_the_last(trace_of) -> None:
    proxy = ColumnValue("jacov", 1.0, "zero_cost")
    clocks = {"jacov": "seconds_jacov"}
    idle = trace_of(jacov=[3.0, np.nan, np.nan], seconds_jacov=[0.1, 0.0, 0.0])
    assert proxy.score(replace(idle, clocks=clocks)) == 3.0
    failed = replace(trace_of(jacov=[3.0, np.nan, np.nan], seconds_jacov=[0.1, 0.0, 0.2]), clocks=clocks)
    assert proxy.score(failed.until(4)) == 3.0
    with pytest.raises(NoScore, match="no finite jacov at step 8"):
        proxy.score(failed)
