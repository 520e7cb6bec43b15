"""The sentences of the report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.report import renderers, sentences
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import RunTables
from harness.report.sentences.verdict import verdict
from harness.report.tables.failures import count_failures
from harness.report.text import Content
from harness.storage.files import write_sums
from tests.report.conftest import read_once as read


def read_aloud(text: Content) -> str:
    """The sentence in Markdown, with plain spaces."""
    return renderers.markdown(text).replace("\xa0", " ")


def question(tables: RunTables) -> str:
    return read_aloud(sentences.describe_question(tables))


def tried(tables: RunTables) -> str:
    return read_aloud(sentences.describe_predictors(tables))


def ranking(tables: RunTables) -> str:
    return read_aloud(sentences.describe_ranking(tables))


def settled(tables: RunTables) -> str:
    return read_aloud(sentences.describe_settled(tables))


def cost(tables: RunTables) -> str:
    return read_aloud(sentences.describe_cost(tables))


def failing(tables: RunTables) -> str:
    return read_aloud(sentences.describe_failing(tables))


def studied(tables: RunTables) -> str:
    return read_aloud(sentences.describe_studied(tables))


def derived(tables: RunTables) -> list[str]:
    return [read_aloud(note) for note in sentences.list_derivations(tables)]


def named(tables: RunTables) -> dict[str, str]:
    return {name: read_aloud(text) for name, text in sentences.write_all(tables).items()}


def with_difference(tables: RunTables, low: float, high: float) -> RunTables:
    frame = tables.differences.assign(difference=(low + high) / 2, low=low, high=high)
    return replace(tables, differences=frame)


def test_the_question_names_bench_data_set_and_budget(results: Path) -> None:
    for said in ("nasbench201", "digits", "64 updates", "60 architectures"):
        assert said in question(read(results))


def test_what_was_tried_counts_budgets_predictors_and_families(results: Path) -> None:
    text = tried(read(results))
    assert "9 budgets from 0 to 64 steps: 18 predictors" in text
    assert "learning curve (4)" in text and "control (1)" in text
    assert "(5 folds)" in text


def test_the_best_predictor_is_named_with_interval_n_and_its_selection(results: Path) -> None:
    tables = read(results)
    best, text = tables.final.iloc[0], ranking(tables)
    assert text.startswith(f"`{best['predictor']}` has the highest Kendall τ, {best['tau']:.2f} [")
    assert f"n = {best['n']}" in text
    assert "As the maximum of 18 estimates over the same architectures it is subject to selection bias" in text


@pytest.mark.parametrize(("baseline", "said"), [(True, "the next baseline"), (False, "the best baseline")])
def test_the_best_predictor_stands_beside_the_baseline_it_was_compared_with(
    results: Path, baseline: bool, said: str
) -> None:
    tables = read(results)
    best, second = tables.final["predictor"].iloc[:2]
    metrics = tables.metrics.copy()
    metrics.loc[metrics["predictor"] == best, "baseline"] = baseline
    row = tables.differences.iloc[[-1]].assign(
        predictor=best, step=64, baseline=second, difference=0.1, low=-0.04, high=0.24
    )
    rival = tables.final["tau"].iloc[1]
    text = ranking(replace(tables, metrics=metrics, differences=row))
    assert f"against {rival:.2f} [" in text
    assert f"for {said}, `{second}` (paired difference +0.10 [−0.04, +0.24])" in text


@pytest.mark.parametrize(
    ("p_holm", "said"),
    [
        (0.06, "is not statistically significant"),
        (0.04, "is statistically significant at 5 %"),
        (0.05, "is statistically"),
    ],
)
def test_a_difference_is_judged_by_its_holm_adjusted_p(results: Path, p_holm: float, said: str) -> None:
    tables = read(results)
    text = settled(replace(tables, differences=tables.differences.assign(p=0.01, p_holm=p_holm)))
    assert said in text
    assert f"p = 0.010, p = {p_holm:.3f} after Holm's correction for 17 comparisons" in text
    assert text.count("statistically significant") == 1


@pytest.mark.parametrize(
    ("p_holm", "sign", "said"), [(0.2, 1, "it is not shown."), (0.01, 1, "yes."), (0.01, -1, "no, it ranks worse.")]
)
def test_the_question_of_a_run_is_answered_by_the_best_predictor_that_is_no_baseline(
    results: Path, p_holm: float, sign: int, said: str
) -> None:
    tables = read(results)
    best, rival = ranked_table(tables)[["predictor", "against"]].iloc[0]
    metrics = tables.metrics.assign(baseline=tables.metrics["predictor"].eq(rival))
    given = replace(
        tables, metrics=metrics, differences=tables.differences.assign(p_holm=p_holm, difference=sign * 0.1),
        status=tables.status | {"evaluation": tables.status["evaluation"] | {"question": "Is reading better?"}},
    )  # fmt: skip
    text = settled(given)
    assert (
        f"Is reading better? `{best}`, the best of 17 predictors that are no baselines, against the best baseline, "
        f"`{rival}`: {sign * 0.1:+.2f} [".replace("-", "−")
        in text
    )
    assert f"after Holm's correction: {said}" in text
    assert "Is reading better" not in settled(tables)
    everyone = replace(given, metrics=metrics.assign(baseline=True))
    assert "Is reading better" not in settled(everyone)


def test_predictors_that_cannot_be_told_from_the_best_baseline_are_counted(results: Path) -> None:
    tables = read(results)
    at = tables.differences[tables.differences["step"] == 64].reset_index(drop=True)
    p = np.r_[np.full(5, 0.2), np.full(12, 0.01)]
    signs = np.r_[np.full(7, 1.0), np.full(10, -1.0)]
    text = settled(replace(tables, differences=at.assign(p_holm=p, difference=0.1 * signs)))
    assert "Of the 17 predictors compared" in text
    assert (
        "5 do not differ from it significantly (Holm-adjusted p above 0.05), 2 rank significantly better and 10 worse"
        in text
    )


def test_the_smallest_difference_that_would_be_found_is_said(results: Path) -> None:
    tables = read(results)
    text = settled(replace(tables, differences=tables.differences.assign(n=47, detectable=0.14)))
    assert "Minimum detectable difference between the two at 80 % power (uncorrected), n = 47: 0.14;" in text


@pytest.mark.parametrize(("level", "percent", "alpha"), [(0.9, "90 %", "10 %"), (0.999, "99.9 %", "0.1 %")])
def test_the_level_of_the_run_is_in_every_text(
    results: Path, tmp_path: Path, level: float, percent: str, alpha: str
) -> None:
    folder = Path(shutil.copytree(results, tmp_path / "results"))
    status = json.loads((folder / "status.json").read_text())
    status["evaluation"]["level"] = level
    (folder / "status.json").write_text(json.dumps(status))
    write_sums(folder)
    tables = read(folder)
    sure = replace(tables, differences=tables.differences.assign(p_holm=1e-4))
    assert f"({percent} interval" in ranking(tables)
    assert f"paired, {percent} interval" in settled(tables)
    assert f"significant at {alpha}" in settled(sure)
    assert not any("95 %" in text for text in named(tables).values())


def test_the_cheapest_way_to_every_target_is_named(results: Path) -> None:
    tables = read(results)
    kept = tables.time_to_tau[tables.time_to_tau["target"] == 0.5]
    first, text = kept.iloc[0], cost(replace(tables, time_to_tau=kept))
    assert f"τ = 0.5 is `{first['predictor']}` (τ {first['tau']:.2f}" in text
    assert "No predictor reaches τ = 0.6 or 0.7" in text
    assert kept["seconds"].min() == first["seconds"]
    higher = tables.time_to_tau[tables.time_to_tau["target"] == 0.6]
    assert "No predictor reaches τ = 0.5 or 0.7" in cost(replace(tables, time_to_tau=higher))
    for target, rows in tables.time_to_tau.groupby("target"):
        assert f"τ = {target:g} is `{rows.loc[rows['seconds'].idxmin(), 'predictor']}`" in cost(tables)


def test_what_a_learned_predictor_costs_first_is_kept_apart(results: Path) -> None:
    tables = read(results)
    learned = tables.final[tables.final["fitted_on"] > 0].iloc[0]
    text = cost(tables)
    assert f"`{learned['predictor']}` was fitted on 48 architectures, {learned['initial_seconds']:.0f} s" in text
    assert "not measured here" in text
    assert "initialization time" not in cost(replace(tables, metrics=tables.metrics.assign(fitted_on=0.0)))


def test_failing_names_the_good_the_first_choices_and_close_pairs(results: Path) -> None:
    tables = read(results)
    best = tables.final.iloc[0]
    text = failing(tables)
    for name in ("half", "fifth", "tenth"):
        assert f"{best[f'tau_{name}']:.2f} [".replace("-", "−") in text
    at = tables.selection[(tables.selection["predictor"] == best["predictor"]) & (tables.selection["step"] == 64)]
    at = at.set_index("k")
    assert f"Of the 10 that it ranks first, {100 * at.loc[10, 'precision']:.0f} %" in text
    assert f"taking the one it ranks first loses {at.loc[1, 'regret']:.2f} [" in text
    of = tables.pairs[(tables.pairs["predictor"] == best["predictor"]) & (tables.pairs["step"] == 64)]
    close, far = (100 * of.set_index("gap_low")["accuracy"][low] for low in (0, 10))
    assert f"{close:.0f} % of pairs at most 0.5 points apart and {far:.0f} % of pairs more than 10 points" in text


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.1, 0.1, "the interval includes 0"),
        (0.02, 0.1, "excludes 0, in favour of `beta_eff"),
        (-0.1, -0.02, "excludes 0, in favour of `{rival}`"),
    ],
)
def test_the_paired_difference_of_what_is_studied_is_judged_by_its_interval(
    results: Path, low: float, high: float, said: str
) -> None:
    tables = with_difference(read(results), low, high)
    text = studied(tables)
    rival = tables.at_end(tables.differences).set_index("predictor").loc[tables.best_studied, "baseline"]
    assert said.format(rival=rival) in text
    assert text.count("the interval includes 0") + text.count("excludes 0") == 1


def test_a_p_at_the_floor_of_its_test_is_a_bound_in_every_sentence(results: Path) -> None:
    tables = read(results)
    evaluation = tables.status["evaluation"] | {"permutations": 99}
    tables = replace(tables, status=tables.status | {"evaluation": evaluation})
    at_floor = replace(tables, differences=tables.differences.assign(p=0.01, p_holm=0.17))
    above = replace(tables, differences=tables.differences.assign(p=0.02, p_holm=0.17))
    assert "gives p ≤ 0.010, p ≤ 0.17 after Holm" in settled(at_floor)
    assert "gives p = 0.020, p = 0.17 after Holm" in settled(above)
    assert "(p ≤ 0.010, p ≤ 0.17 after Holm's correction)" in studied(at_floor)
    assert "(not significant: p ≤ 0.17, Holm)" in " ".join(map(read_aloud, verdict(at_floor)))
    assert "≤" not in " ".join([settled(above), studied(above), *map(read_aloud, verdict(above))])


@pytest.mark.parametrize(("p_holm", "unsure"), [(0.2, True), (0.01, False)])
def test_an_interval_without_0_is_called_unsure_where_the_correction_says_so(
    results: Path, p_holm: float, unsure: bool
) -> None:
    tables = with_difference(read(results), -0.3, -0.1)
    text = studied(replace(tables, differences=tables.differences.assign(p=0.008, p_holm=p_holm)))
    assert f"(p = 0.008, p = {'0.20' if unsure else '0.010'} after Holm's correction)" in text
    assert ("but is not statistically significant after the correction" in text) == unsure


def test_partial_tau_of_beta_eff_comes_with_intervals(results: Path) -> None:
    tables = read(results)
    final = tables.final[tables.final["predictor"] == tables.best_studied]
    row = final.iloc[0].to_dict()
    text = studied(tables)
    for column, what in (("train_loss", "the training loss"), ("flops", "FLOPs"), ("params", "parameters")):
        value, low, high = (row[f"tau_given_{column}{end}"] for end in ("", "_low", "_high"))
        assert f"{value:.2f} [{low:.2f}, {high:.2f}] given {what}".replace("-", "−") in text
    without = tables.metrics.assign(tau_given_flops=np.nan)
    assert "given FLOPs" not in studied(replace(tables, metrics=without))


def test_unequal_sets_of_architectures_are_said(results: Path) -> None:
    tables = read(results)
    assert "not over the same set" in ranking(tables)
    assert "not over the same set" not in ranking(replace(tables, metrics=tables.metrics.assign(n=60)))
    few = tables.metrics["n"].where(tables.metrics["predictor"] != tables.final["predictor"][3], 5)
    said = "1 with scores for less than half of them is ranked after the others."
    assert said in ranking(replace(tables, metrics=tables.metrics.assign(n=few))) and said not in ranking(tables)


@pytest.mark.parametrize(
    ("how", "of", "said"),
    [
        ({"n": 20, "k": 5, "seeds": 1}, settled, "No noise ceiling is given"),
        ({"n": 20, "k": 5, "capacitance": False}, studied, "No predictor under study (β_eff) was run."),
        ({"n": 20, "k": 5, "silent": True}, ranking, "None of the 5 predictors has a Kendall τ"),
        ({"n": 20, "k": 5, "silent": True}, settled, "no difference was tested"),
        ({"n": 20, "k": 5, "silent": True}, cost, "No predictor reaches τ = 0.5, 0.6 or 0.7."),
        ({"n": 20, "k": 5, "silent": True}, failing, "No predictor has a Kendall τ"),
        ({"n": 20, "k": 5, "silent": True}, studied, "No predictor under study (β_eff) has a τ"),
        ({"n": 20, "k": 5, "steps": (0,)}, tried, "Evaluated before any training: 5"),
        ({"n": 20, "k": 5, "steps": (0,)}, question, "read from an untrained network, ranks 20"),
        ({"n": 20, "k": 5, "steps": (64, 3000)}, tried, "2 budgets from 64 to 3,000 steps"),
    ],
)
def test_what_is_not_there_is_said(
    make: Callable[..., Path], how: dict[str, Any], of: Callable[[RunTables], str], said: str
) -> None:
    assert said in of(read(make(**how)))


ODD = [{}, {"silent": True}, {"seeds": 1}, {"capacitance": False}, {"n": 8, "k": 2}, {"steps": (0,)}, {"steps": (64,)}]


@pytest.mark.parametrize("odd", ODD)
def test_no_sentence_says_nan_or_stands_unfinished(make: Callable[..., Path], odd: dict[str, Any]) -> None:
    facts = {"bench", "dataset", "steps", "level"}
    for name, text in named(read(make(**({"n": 20, "k": 5} | odd)))).items():
        assert "nan" not in text and "  " not in text and " – " not in text and "[–" not in text, name
        assert name in facts or not text or text.endswith((".", "?")), name


def test_only_families_that_ran_are_called_derived(results: Path, make: Callable[..., Path]) -> None:
    assert [note.split(":")[0] for note in derived(read(results))] == [
        "β_eff", "Learning curves", "Accuracy from weights", "Temporal graph of training", "Zero-cost proxies",
    ]  # fmt: skip
    few = derived(read(make(n=20, k=5, capacitance=False)))
    assert [note.split(":")[0] for note in few] == ["Learning curves", "Zero-cost proxies"]


def test_failures_are_counted_by_reason_and_none_is_lost(results: Path) -> None:
    tables = read(results)
    counted = count_failures(tables.failures)
    assert counted["count"].sum() == len(tables.failures)
    assert counted["count"].is_monotonic_decreasing
    train = counted[counted["stage"] == "train"].iloc[0]
    assert (train["reason"], train["count"], train["architectures"]) == ("loss <inf> & up", 1, 1)


def test_ceilings_say_the_whole_truth_and_one_more_training(results: Path) -> None:
    text = settled(read(results))
    assert "test–retest with 3 seeds each, τ 0.86 [0.84, 0.88]" in text
    assert "(one fresh training each: 0.82)" in text


def test_no_ceiling_has_the_reason_of_its_own_row_and_one_of_0_is_said_to_show_none(results: Path) -> None:
    tables = read(results)
    none = tables.ceiling.assign(tau=np.nan, note="no two seeds share 5")
    assert "No noise ceiling is given: no two seeds share 5." in settled(replace(tables, ceiling=none))
    flat = replace(tables, ceiling=tables.ceiling.assign(tau=0.0, low=0.0))
    assert "no noise ceiling above 0 can be shown" in settled(flat) and flat.band == []


@pytest.mark.parametrize(
    ("detectable", "said"), [(0.14, "(uncorrected)"), (0.0, "Both rank every architecture alike.")]
)
def test_power_is_of_one_comparison_and_none_is_claimed_for_equal_rankings(
    results: Path, detectable: float, said: str
) -> None:
    tables = read(results)
    text = settled(replace(tables, differences=tables.differences.assign(detectable=detectable)))
    assert said in text and ("80 % power" in text) == (detectable > 0)


def test_pairs_that_share_one_architecture_are_not_told_of(results: Path) -> None:
    tables = read(results)
    lone = tables.pairs.assign(disjoint=np.where(tables.pairs["gap_low"] == 10, 1, 9))
    text = failing(replace(tables, pairs=lone))
    assert "pairs 5 to 10 points apart" in text and "more than 10 points" not in text


def test_the_share_of_right_choices_stands_beside_chance(results: Path) -> None:
    tables = read(results)
    assert "(by chance 83.3 %)" in failing(replace(tables, selection=tables.selection.assign(n=12)))
    assert "(by chance 12.5 %)" in failing(replace(tables, selection=tables.selection.assign(n=80)))


def test_a_choice_of_all_is_no_choice_and_not_told(results: Path) -> None:
    tables = read(results)
    largest = int(tables.selection["k"].max())
    text = failing(replace(tables, selection=tables.selection.assign(n=largest)))
    assert f"Of the {largest} that" not in text and "(by chance 100 %)" not in text and "by chance" in text


def test_without_clocks_nothing_is_called_cheapest(results: Path) -> None:
    tables = read(results)
    blind = replace(tables, time_to_tau=tables.time_to_tau.assign(seconds=np.nan))
    text = cost(blind)
    assert "Seconds were not recorded, so by steps" in text and "cheapest" not in text and "– s" not in text


def test_the_joint_partial_tau_is_said(results: Path) -> None:
    assert "given the training loss and FLOPs together" in studied(read(results))


@pytest.mark.parametrize(("epoch", "said"), [(1.0, "(1 epoch)"), (2.0, "(2 epochs)"), (0.5, "(0.5 epochs)")])
def test_epochs_are_plain_numbers_in_the_right_plural(results: Path, epoch: float, said: str) -> None:
    tables = read(results)
    assert said in question(replace(tables, metrics=tables.metrics.assign(epoch=epoch)))


def test_traces_of_several_machines_are_named_where_the_run_fails(results: Path) -> None:
    tables = read(results)
    both = [{"torch": "2.12", "processor": "one"}, {"torch": "2.13", "processor": "one"}]
    told = failing(replace(tables, status=tables.status | {"made_with": both}))
    assert told.endswith("Traces were made with torch 2.12 and 2.13: their last digits may differ.")
    assert "Traces were made" not in failing(replace(tables, status=tables.status | {"made_with": both[:1]}))
