"""The sentences of the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.report.summary import answer, derived, failures, question
from harness.report.tables import Tables, read


def with_difference(tables: Tables, low: float, high: float) -> Tables:
    frame = tables.differences.assign(difference=(low + high) / 2, low=low, high=high)
    return replace(tables, differences=frame)


def test_the_question_names_bench_data_set_and_budget(results: Path) -> None:
    for said in ("nasbench201", "digits", "64 updates", "60 architectures"):
        assert said in question(read(results))


def test_the_best_predictor_is_named_with_interval_n_and_its_selection(results: Path) -> None:
    tables = read(results)
    best, text = tables.final.iloc[0], answer(tables)
    assert text.startswith(f"`{best['predictor']}` has the highest Kendall τ, {best['tau']:.2f} [")
    assert f"n = {best['n']}" in text
    assert "largest of 18 estimates" in text
    assert "selection" in text


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.1, 0.1, "the interval includes 0"),
        (0.02, 0.1, "excludes 0, in favour of β_eff"),
        (-0.1, -0.02, "excludes 0, in favour of the baseline"),
    ],
)
def test_the_paired_difference_is_judged_by_its_interval(results: Path, low: float, high: float, said: str) -> None:
    text = answer(with_difference(read(results), low, high))
    assert said in text
    assert text.count("the interval includes 0") + text.count("excludes 0") == 1


def test_overlapping_intervals_are_counted(results: Path) -> None:
    tables = read(results)
    metrics = tables.metrics.assign(tau_low=-1.0, tau_high=1.0)
    assert "overlaps 17 of the 17 others" in answer(replace(tables, metrics=metrics))
    apart = tables.metrics.assign(tau_low=tables.metrics["tau"], tau_high=tables.metrics["tau"])
    assert "overlaps that of no other" in answer(replace(tables, metrics=apart))


def test_unequal_sets_of_architectures_are_said(results: Path) -> None:
    tables = read(results)
    assert "not over the same set" in answer(tables)
    assert "not over the same set" not in answer(replace(tables, metrics=tables.metrics.assign(n=60)))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"n": 20, "k": 5, "seeds": 1}, "No ceiling is given"),
        ({"n": 20, "k": 5, "capacitance": False}, "No capacitance predictor (β_eff) was run."),
        ({"n": 20, "k": 5, "silent": True}, "None of the 5 predictors has a Kendall τ"),
    ],
)
def test_what_is_not_there_is_said(make: Callable[..., Path], how: dict[str, Any], said: str) -> None:
    assert said in answer(read(make(**how)))


def test_only_families_that_ran_are_called_derived(results: Path, make: Callable[..., Path]) -> None:
    assert [note.split(":")[0] for note in derived(read(results))] == [
        "β_eff", "Temporal graphs", "Weight statistics", "Zero-cost proxies", "Learning curves",
    ]  # fmt: skip
    few = derived(read(make(n=20, k=5, capacitance=False)))
    assert [note.split(":")[0] for note in few] == ["Zero-cost proxies", "Learning curves"]


def test_failures_are_counted_by_reason_and_none_is_lost(results: Path) -> None:
    tables = read(results)
    counted = failures(tables)
    assert counted["count"].sum() == len(tables.failures)
    assert counted["count"].is_monotonic_decreasing
    train = counted[counted["stage"] == "train"].iloc[0]
    assert (train["reason"], train["count"], train["architectures"]) == ("loss <inf> & up", 1, 1)
