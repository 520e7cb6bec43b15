"""What a run prints when it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from harness.report.run_tables import RunTables
from harness.report.screen import print_answer
from harness.report.tables.needs import by_needs
from tests.report.conftest import read_once as read


def printed(tables: RunTables, width: int = 80, rows: int | None = None) -> str:
    text = StringIO()
    print_answer(tables, Console(file=text, width=width), rows)
    return text.getvalue()


def ranking(text: str) -> list[list[str]]:
    """The words of each row of the ranking."""
    return [line.split() for line in text.split("Which to use")[0].splitlines() if line.lstrip()[:1].isdigit()]


@pytest.mark.parametrize("how", [{}, {"n": 20, "k": 5, "silent": True}, {"n": 20, "k": 5, "seeds": 1}])
def test_the_terminal_table_fits_80_columns_one_line_a_predictor(
    make: Callable[..., Path], how: dict[str, int]
) -> None:
    tables = read(make(**how))
    lines = printed(tables).splitlines()
    assert max(map(len, lines)) <= 80
    for name in tables.final["predictor"]:
        assert sum(row[1] == name for row in ranking(printed(tables))) == 1


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
    assert "regret@1" in printed(renamed, 120).split("Which to use")[0]


def test_the_best_few_are_printed_with_the_best_baseline_and_the_best_under_study(results: Path) -> None:
    tables = read(results)
    final = tables.final
    rows = ranking(printed(tables, rows=1))
    baseline = final.loc[final["baseline"], "predictor"].iloc[0]
    wanted = {final["predictor"].iloc[0], baseline, tables.best_studied}
    assert {row[1] for row in rows} == wanted and None not in wanted
    places = {name: place for place, name in enumerate(final["predictor"], 1)}
    assert all(int(row[0]) == places[row[1]] for row in rows)
    assert f"{len(final) - len(wanted)} more predictors in the report" in printed(tables, rows=1)
    assert "more predictors" not in printed(tables)


def test_the_screen_ends_on_the_answer(results: Path) -> None:
    tables = read(results)
    third = str(tables.final["predictor"].iloc[2])
    evaluation = tables.status["evaluation"] | {"studied": [third]}
    studied = replace(tables, status=tables.status | {"evaluation": evaluation})
    last = printed(studied, 300, rows=1).rpartition("\n\n")[2].splitlines()
    assert last[0].startswith(f"{tables.final['predictor'].iloc[0]} ranks best, τ ")
    assert last[1].startswith(f"{third} ranks 3rd of ")
    assert any(line.startswith("Noise ceiling: ") for line in last)


def test_the_verdict_calls_no_difference_significant_whose_p_is_above_the_level(results: Path) -> None:
    tables = read(results)
    for p, said in ((0.9, "(not significant: p = 0.90, Holm)"), (0.01, "(significant: p = 0.010, Holm)")):
        changed = replace(tables, differences=tables.differences.assign(p_holm=p))
        assert said in printed(changed, 300)


def test_nothing_ranked_is_said(results: Path) -> None:
    tables = read(results)
    text = printed(replace(tables, metrics=tables.metrics.assign(tau=np.nan)), 300)
    assert "nothing was ranked" in text and "ranks best" not in text


def test_the_table_of_needs_grants_a_predictor_no_training_and_no_label_that_its_row_denies(results: Path) -> None:
    tables = read(results)
    found = by_needs(tables).numbers
    final = tables.final.set_index("predictor")
    scores = tables.scores.pivot(index=["predictor", "architecture"], columns="step", values="score")
    moves = (scores[0].fillna(-99) != scores[tables.last_step].fillna(-99)).groupby("predictor").any()
    assert len(found) >= 2
    for row in found.itertuples():
        allowed = final[final["tau"].notna()]
        if not row.labels:
            allowed = allowed[allowed["fitted_on"] == 0]
        if row.training == "none":
            allowed = allowed[~moves[allowed.index]]
        assert row.predictor == allowed["tau"].idxmax() and row.of == len(allowed)


def test_without_a_budget_at_the_start_the_first_one_tells_what_training_changes(results: Path) -> None:
    tables = read(results)
    kept = [step for step in sorted(tables.scores["step"].unique()) if step > 0]
    name = str(tables.final["predictor"].iloc[0])
    scores = tables.scores[tables.scores["step"] > 0].copy()
    last = scores[scores["step"] == kept[-1]].set_index(["predictor", "architecture"])["score"]
    mine = scores["predictor"] == name
    scores.loc[mine, "score"] = [last[name, each] for each in scores.loc[mine, "architecture"]]
    found = by_needs(replace(tables, scores=scores)).numbers
    assert found.loc[found["training"] == "none", "predictor"].tolist()[-1] == name
    one = by_needs(replace(tables, scores=scores[scores["step"] == kept[-1]])).numbers
    assert set(one["training"]) == {"brief"}


def test_a_predictor_that_is_fitted_needs_labels(results: Path) -> None:
    tables = read(results)
    best = tables.final["predictor"].iloc[0]
    metrics = tables.metrics.copy()
    metrics["fitted_on"] = np.where(metrics["predictor"] == best, 64.0, 0.0)
    found = by_needs(replace(tables, metrics=metrics)).numbers.set_index(["training", "labels"])
    assert found.loc[("brief", 64), "predictor"] == best
    assert pd.notna(found.loc[("brief", 0), "predictor"]) and found.loc[("brief", 0), "predictor"] != best
