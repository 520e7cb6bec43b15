"""What a run prints when it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from harness.report.renderers import plain
from harness.report.run_tables import RunTables
from harness.report.screen import print_answer
from harness.report.sentences.verdict import first_choice
from harness.report.tables.needs import by_needs
from harness.report.terminal_table import DISC, shade
from harness.schema.families import FAMILIES
from tests.report.conftest import read_once as read


def printed(tables: RunTables, width: int = 80, rows: int | None = None) -> str:
    text = StringIO()
    print_answer(tables, Console(file=text, width=width), rows)
    return text.getvalue()


def ranking(text: str) -> list[list[str]]:
    """The words of each row of the ranking."""
    table = text.partition("Kendall τ ")[2].partition("\n\n")[0]
    return [line.split() for line in table.splitlines() if line.lstrip()[:1].isdigit()]


@pytest.mark.parametrize("how", [{}, {"n": 20, "k": 5, "silent": True}, {"n": 20, "k": 5, "seeds": 1}])
def test_the_terminal_table_fits_80_columns_one_line_a_predictor(
    make: Callable[..., Path], how: dict[str, int]
) -> None:
    tables = read(make(**how))
    text = printed(tables)
    assert max(map(len, text.splitlines())) <= 80
    named = [row[1] for row in ranking(text)]
    assert [named.count(name) for name in tables.final["predictor"]] == [1] * len(tables.final)


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
    assert "regret@1" in printed(renamed, 120).partition("Kendall τ ")[2]


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
    assert last[1].startswith("Its first choice loses ")
    assert last[2].startswith(f"{third} ranks 3rd of ")
    assert last[3].startswith("Noise ceiling: ") and "Training took " in last[3]


def test_what_to_use_comes_first_and_the_page_last(results: Path) -> None:
    text = StringIO()
    print_answer(read(results), Console(file=text, width=80), 10, "reports/a run/index.html")
    lines = text.getvalue().splitlines()
    hidden = len(read(results).final) - len(ranking(text.getvalue()))
    assert lines[0].strip() == "Which to use"
    assert lines[-1] == "report reports/a run/index.html"
    assert f"Kendall τ after 64 steps, 95 % intervals ({hidden} more predictors in the report)" in text.getvalue()


def test_no_interval_and_no_equation_is_broken_at_the_end_of_a_line(results: Path) -> None:
    tables = read(results)
    for width in range(60, 100, 3):
        for line in printed(tables, width).splitlines():
            assert line.count("[") == line.count("]") and not line.rstrip().endswith(("p =", "p <", " n ="))


def test_ten_rows_and_the_answer_fit_a_terminal_of_24_lines_with_its_prompt(results: Path) -> None:
    tables = read(results)
    text = StringIO()
    print_answer(tables, Console(file=text, width=80), 10, "reports/nasbench201-digits/seed0-n80-0123abcd/index.html")
    ranked = text.getvalue().partition("\n\n")[2]
    assert ranked.startswith("Kendall τ ") and ranked.count("\n") <= 23


@pytest.mark.parametrize(("console", "coloured"), [
    ({"force_terminal": True, "color_system": "truecolor"}, True),
    ({"force_terminal": True, "color_system": "truecolor", "no_color": True}, False),
    ({}, False),
])  # fmt: skip
def test_families_have_their_colours_only_where_a_terminal_has_colours(
    results: Path, console: dict[str, Any], coloured: bool
) -> None:
    text = StringIO()
    print_answer(read(results), Console(file=text, width=120, legacy_windows=False, **console), 5)
    assert (DISC in text.getvalue()) == coloured and ("\x1b[38;2;" in text.getvalue()) == coloured


def test_a_disc_is_seen_on_a_black_and_on_a_white_ground() -> None:
    def contrast(colour: str, ground: float) -> float:
        red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        bent = [((value + 0.055) / 1.055) ** 2.4 for value in (red, green, blue)]
        light = 0.2126 * bent[0] + 0.7152 * bent[1] + 0.0722 * bent[2]
        return (max(light, ground) + 0.05) / (min(light, ground) + 0.05)

    shades = {name: shade(name) for name in FAMILIES}
    assert all(contrast(each, ground) > 1.9 for each in shades.values() if each for ground in (0.0, 1.0))
    assert [name for name, each in shades.items() if not each] == ["size"]


def test_the_first_choice_of_the_best_by_tau_is_held_against_the_least_loss(results: Path) -> None:
    tables = read(results)
    best, third = (str(tables.final["predictor"].iloc[at]) for at in (0, 2))
    selection = tables.selection.assign(regret=9.0)
    first = (selection["k"] == 1) & (selection["step"] == tables.last_step)
    selection.loc[first & (selection["predictor"] == best), ["regret", "regret_low", "regret_high"]] = 1.43, 0.5, 2.0
    selection.loc[first & (selection["predictor"] == third), "regret"] = 0.11
    tau = float(tables.final["tau"].iloc[2])
    said = plain(first_choice(replace(tables, selection=selection), best))
    assert said == (
        "Its first choice loses 1.43 [0.50, 2.00] percentage points of accuracy; "
        f"that of {third}, τ {tau:.2f}, loses 0.11."
    )
    selection.loc[first & (selection["predictor"] == third), "regret"] = 1.43
    assert plain(first_choice(replace(tables, selection=selection), best)).endswith("percentage points of accuracy.")


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
    assert set(one["training"]) == {"seconds"}


def test_a_predictor_that_is_fitted_needs_labels(results: Path) -> None:
    tables = read(results)
    best = tables.final["predictor"].iloc[0]
    metrics = tables.metrics.copy()
    metrics["fitted_on"] = np.where(metrics["predictor"] == best, 64.0, 0.0)
    found = by_needs(replace(tables, metrics=metrics)).numbers.set_index(["training", "labels"])
    assert found.loc[("seconds", 64), "predictor"] == best
    assert pd.notna(found.loc[("seconds", 0), "predictor"]) and found.loc[("seconds", 0), "predictor"] != best


@pytest.mark.parametrize(("factor", "words"), [(1.0, ["none", "seconds"]), (100.0, ["none", "seconds", "minutes"]),
                                               (1e5, ["none", "hours"]), (np.nan, ["none", "brief"])])  # fmt: skip
def test_training_is_granted_in_seconds_minutes_or_hours_as_the_run_has_them(
    results: Path, factor: float, words: list[str]
) -> None:
    tables = read(results)
    fixed = tables.metrics["family"].isin(["size", "zero_cost"])
    spent = tables.metrics["seconds"].where(fixed, tables.metrics["seconds"] * factor)
    if factor > 1:
        spent = spent.where(fixed, spent + (4e3 if factor > 1e3 else 0.0))
    changed = replace(tables, metrics=tables.metrics.assign(seconds=spent))
    found = by_needs(changed).numbers
    assert list(dict.fromkeys(found["training"])) == words
    within = found[found["training"] == "seconds"]
    assert (within["seconds"] <= 60).all() and (found.loc[found["training"] == "none", "seconds"] < 1).all()


def test_within_seconds_a_predictor_is_read_at_its_last_budget_that_costs_no_more(results: Path) -> None:
    tables = read(results)
    spent = tables.metrics["step"] * 2.0  # 60 s are 30 steps
    changed = replace(tables, metrics=tables.metrics.assign(seconds=spent, fitted_on=0.0))
    rows = by_needs(changed).numbers.set_index("training")
    granted = changed.metrics[changed.metrics["seconds"] <= 60]
    last = granted.sort_values("step").groupby("predictor").tail(1)
    best = last.sort_values("tau").iloc[-1]
    assert rows.loc["seconds", ["predictor", "step"]].tolist() == [best["predictor"], best["step"]]
    assert rows.loc["seconds", "of"] == last["tau"].notna().sum()
