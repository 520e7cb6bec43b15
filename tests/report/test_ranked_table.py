"""The ranked table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from harness.report.ranked_table import print_ranked, ranked_table
from harness.report.run_tables import RunTables
from tests.report.conftest import read_once as read


def printed(tables: RunTables, width: int = 80) -> str:
    text = StringIO()
    print_ranked(tables, Console(file=text, width=width))
    return text.getvalue()


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


@pytest.mark.parametrize("how", [{}, {"n": 20, "k": 5, "silent": True}, {"n": 20, "k": 5, "seeds": 1}])
def test_the_terminal_table_fits_80_columns_one_line_a_predictor(
    make: Callable[..., Path], how: dict[str, int]
) -> None:
    tables = read(make(**how))
    lines = printed(tables).splitlines()
    assert max(map(len, lines)) <= 80
    for name in tables.final["predictor"]:
        assert sum(line.split()[:1] == [name] for line in lines) == 1


def test_the_terminal_table_states_estimates_intervals_and_ceiling(results: Path) -> None:
    text = printed(read(results))
    assert "test–retest .86 [.84, .88], oracle .92 [.90, .94]" in text
    assert "…" not in text


def test_names_are_printed_as_they_are_and_not_read_as_markup(results: Path) -> None:
    tables = read(results)
    metrics = tables.metrics.replace({"predictor": {"movement": "[bold]m"}})
    assert "[bold]m" in printed(replace(tables, metrics=metrics))


def test_no_number_is_cut_at_80_columns_however_long_the_names(results: Path) -> None:
    tables = read(results)
    long = {"movement": "stack_without_capacitance"}
    renamed = replace(tables, metrics=tables.metrics.replace({"predictor": long}))
    text = printed(renamed)
    assert "stack_without_capacitance" in text and "…" not in text and max(map(len, text.splitlines())) <= 80
    assert "family" not in text and "family" in printed(renamed, 120)
