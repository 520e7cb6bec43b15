"""The ranked table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.report.ranked_table import ranked_table
from tests.report.conftest import read_once as read


def test_each_predictor_has_one_row_with_its_own_difference(results: Path) -> None:
    tables = read(results)
    table = ranked_table(tables).set_index("predictor")
    assert sorted(table.index) == sorted(tables.metrics["predictor"].unique())
    at = tables.differences.query("step == 64").set_index("predictor")
    for name in at.index:
        assert table.loc[name, "difference"] == at.loc[name, "difference"]
        assert table.loc[name, "difference_low"] == at.loc[name, "low"]


def test_the_best_baseline_has_no_difference_to_itself(results: Path) -> None:
    table = ranked_table(read(results)).set_index("predictor")
    best = table["against"].dropna().unique()
    assert len(best) == 1
    assert np.isnan(table.loc[best[0], "difference"])


def test_a_predictor_without_a_tau_stands_last(results: Path) -> None:
    tables = read(results)
    metrics = tables.metrics.copy()
    first = tables.final["predictor"].iloc[0]
    metrics.loc[metrics["predictor"] == first, "tau"] = np.nan
    assert ranked_table(replace(tables, metrics=metrics))["predictor"].iloc[-1] == first
