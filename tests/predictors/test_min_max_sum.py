from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.predictors.min_max_sum import MinMaxSum
from harness.schema import Architecture, BadInput, Collective, Explained, NoScore, Trace, at_initialization

NAN = float("nan")


def traces(*rows, later=None):
    tables = [pd.DataFrame({"step": [0, 8], "a": [a, later or a], "b": [b, b]}) for a, b in rows]
    return [Trace(Architecture(str(i), str(i)), 0, table) for i, table in enumerate(tables)]


def test_each_column_is_scaled_by_its_range_among_those_that_have_all() -> None:
    total = MinMaxSum(["a", "b"], "transferability", "first")
    assert isinstance(total, Collective) and isinstance(total, Explained) and at_initialization(total)
    given = traces((1.0, -3.0), (3.0, -1.0), (2.0, -3.0), (9.0, NAN))
    np.testing.assert_allclose(total.score_together(given), [0.0, 2.0, 0.5, NAN])
    assert total.reason(given[3]) == "no finite b"


def test_the_last_value_is_read_where_that_is_asked_and_one_value_for_all_adds_nothing() -> None:
    given = traces((1.0, 5.0), (2.0, 6.0), later=4.0)
    np.testing.assert_allclose(MinMaxSum(["a", "b"], "transferability").score_together(given), [0, 1])


def test_without_any_architecture_that_has_all_columns_there_is_no_score() -> None:
    with pytest.raises(NoScore, match="no architecture has all of its columns; some or all lack a, b"):
        MinMaxSum(["a", "b"], "transferability").score_together(traces((NAN, 1.0), (1.0, NAN)))


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"inputs": []}, r"predictor\.min_max_sum\.inputs: must be .* \(got \[\]\)"),
        ({"inputs": ["a", "a"]}, r"predictor\.min_max_sum\.inputs: must be .*, each once"),
        ({"inputs": ["a"], "reading": "best"}, r"predictor\.min_max_sum\.reading: must be 'first' or 'last'"),
    ],
)
def test_a_wrong_setting_is_one_line(settings, line) -> None:
    with pytest.raises(BadInput, match=line):
        MinMaxSum(family="transferability", **settings)
