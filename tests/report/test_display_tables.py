"""RunTables of the report as files."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import pytest

from harness.report.renderers import plain
from harness.report.tables import TABLES, choices, comparisons, costs, rankings
from harness.report.tables.architectures import architectures
from harness.report.tables.display_table import DisplayTable
from harness.report.tables.elsewhere import elsewhere
from harness.report.text import Number, sort_key
from tests.report.conftest import read_once as read


def text_of(table: DisplayTable) -> pd.DataFrame:
    return table.written(plain)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(
    "how", [{}, {"n": 20, "k": 5, "silent": True}, {"n": 20, "k": 5, "seeds": 1}, {"n": 8, "k": 2}, {"steps": (0,)}]
)
def test_no_text_of_a_table_is_nan_and_every_column_has_every_row(
    name: str, how: dict, make: Callable[..., Path]
) -> None:
    sheet = TABLES[name](read(make(**how)))
    assert not text_of(sheet).astype(str).isin(["nan", "None", "NaN", "<NA>"]).to_numpy().any()
    assert all(len(cells) == len(sheet) for cells in sheet.columns.values())


def test_the_short_table_has_two_of_each_family_and_all_under_study_in_seven_columns(results: Path) -> None:
    tables = read(results)
    text = text_of(rankings.short(tables))
    assert text.shape[1] <= 7
    families = text["family"].value_counts()
    assert families["capacitance"] == (tables.final["family"] == "capacitance").sum() == 3
    assert (families.drop("capacitance") <= 2).all()
    best = tables.final[tables.final["family"] == "learning_curve"]["predictor"].iloc[:2]
    assert set(best) <= set(text["predictor"])
    assert list(text["predictor"]) == [name for name in tables.final["predictor"] if name in set(text["predictor"])]


def test_the_cheapest_of_each_family_stands_for_a_target_and_the_csv_has_all(results: Path) -> None:
    tables = read(results)
    sheet = costs.time_to_tau(tables)
    assert len(sheet.numbers) == len(tables.time_to_tau)
    for target, rows in tables.time_to_tau.groupby("target"):
        shown = text_of(sheet)[text_of(sheet)["τ ≥"] == f"{target:g}"]
        for _family, of in rows.groupby("family"):
            assert of.loc[of["seconds"].idxmin(), "predictor"] in set(shown["predictor"])
        assert len(shown) == rows["family"].nunique()


def test_accuracies_on_other_data_sets_stand_next_to_those_of_the_run(results: Path) -> None:
    tables = read(results)
    assert elsewhere(tables).is_empty and elsewhere(tables).numbers.empty
    first, second = tables.architectures.sort_values("truth", ascending=False)["architecture"].iloc[:2]
    rows = [(first, "birds", 0, 50.0), (first, "birds", 1, 53.0), (second, "zebras", 0, 70.25)]
    known = pd.DataFrame(rows, columns=["architecture", "dataset", "seed", "accuracy"])
    sheet = elsewhere(replace(tables, elsewhere=known))
    here = tables.status["dataset"]
    assert list(sheet.columns) == ["architecture", here, "birds", "zebras"]
    text = text_of(sheet).set_index("architecture")
    assert list(text.index[:2]) == [first, second] and len(text) == len(tables.architectures)
    assert text.loc[first, "birds"] == "51.5 [50.0, 53.0]" and text.loc[second, "zebras"] == "70.2"
    assert text.loc[first, "zebras"] == text.loc[second, "birds"] == ""
    own = tables.truth[tables.truth["architecture"] == first]["accuracy"]
    assert text.loc[first, here].startswith(f"{own.mean():.1f}")
    numbers = sheet.numbers.set_index(["architecture", "dataset"])
    assert numbers.loc[(first, "birds")].tolist() == [2, 51.5, 50.0, 53.0]


def test_architectures_stand_with_the_accuracy_of_every_seed_best_first(results: Path) -> None:
    tables = read(results)
    sheet = architectures(tables)
    assert set(sheet.columns["architecture"]) == set(tables.architectures["architecture"])
    assert sheet.numbers["truth"].is_monotonic_decreasing
    means = sheet.numbers.filter(like="seed ").mean(axis=1)
    by_hand = tables.truth.groupby("architecture")["accuracy"].mean()[sheet.numbers["architecture"]]
    assert np.allclose(means, by_hand)
    assert "note" not in sheet.columns
    noted = tables.architectures.assign(group="one", note=["of birds", *[""] * (len(tables.architectures) - 1)])
    sheet = architectures(replace(tables, architectures=noted))
    assert set(sheet.columns["group"]) == {"one"} and sum(map(bool, sheet.columns["note"])) == 1
    assert "origin" not in sheet.columns and "million parameters" not in sheet.columns
    known = tables.architectures.assign(params=2.5e6, origin="a hub (MIT)")
    text = text_of(architectures(replace(tables, architectures=known)))
    assert set(text["origin"]) == {"a hub (MIT)"} and set(text["million parameters"]) == {"2.50"}


def test_a_target_that_none_reaches_is_said_to_be_missed(results: Path) -> None:
    tables = read(results)
    text = text_of(costs.time_to_tau(replace(tables, time_to_tau=tables.time_to_tau.iloc[:0])))
    assert list(text["τ ≥"]) == ["0.5", "0.6", "0.7"]
    assert set(text["predictor"]) == {"none reaches it"}


def test_selection_and_pairs_say_each_predictors_own_numbers(results: Path) -> None:
    tables = read(results)
    tables = replace(tables, pairs=tables.pairs.iloc[::-1], selection=tables.selection.iloc[::-1])
    selection = text_of(choices.selection(tables)).set_index("predictor")
    row = tables.at_end(tables.selection).query("predictor == 'synflow' and k == 5").iloc[0]
    assert selection.loc["synflow", "precision@5"].startswith(f"{row['precision']:.2f} [")
    assert selection.loc["synflow", "regret@5"].startswith(f"{row['regret']:.2f} [")
    pairs = text_of(choices.pairs(tables)).set_index("predictor")
    row = tables.at_end(tables.pairs).query("predictor == 'synflow' and gap_low == 10").iloc[0]
    assert pairs.loc["synflow", "> 10"].startswith(f"{row['accuracy']:.2f} [")
    assert list(pairs.columns) == ["0–0.5", "0.5–1", "1–2", "2–5", "5–10", "> 10"]


def test_differences_in_the_text_are_those_of_the_last_budget(results: Path) -> None:
    tables = read(results)
    sheet = comparisons.differences(tables)
    assert len(sheet.numbers) == len(tables.differences)
    assert len(text_of(sheet)) == (tables.differences["step"] == 64).sum()
    assert np.all(np.diff([sort_key(cell) for cell in sheet.columns["Δτ"]]) <= 0)


def test_uncertainty_of_scores_and_pearson_are_columns_only_where_there_are_any(
    results: Path, make: Callable[..., Path]
) -> None:
    tables = read(results)
    tables = replace(tables, scores=tables.scores.assign(sd=tables.scores["sd"] + tables.scores["step"] / 7))
    text = text_of(rankings.every_metric(tables)).set_index("predictor")
    scores = tables.at_end(tables.scores)
    expected = scores[scores["predictor"] == "beta_eff_ridge"]["sd"].mean()
    assert text.loc["beta_eff_ridge", "mean sd"] == f"{expected:.3f}"
    assert text.loc["flops", "mean sd"] == "–"
    assert "Pearson" not in text
    assert "Pearson" in text_of(rankings.every_metric(read(make(n=20, k=5, pearson=True))))
    assert "mean sd" not in text_of(rankings.every_metric(replace(tables, scores=tables.scores.assign(sd=np.nan))))


def test_a_table_of_some_predictors_keeps_whole_rows() -> None:
    table = DisplayTable(pd.DataFrame(), {"predictor": ["a", "b", "c"], "τ": [Number(1.0), Number(2.0), Number(3.0)]})
    assert table.of(["c", "a"]).columns == {"predictor": ["a", "c"], "τ": [Number(1.0), Number(3.0)]}
    assert table.head(1).columns == {"predictor": ["a"], "τ": [Number(1.0)]}


def test_no_cell_of_a_table_in_latex_can_end_its_cell_or_its_row() -> None:
    table = DisplayTable(pd.DataFrame(), {"predictor": ["a_b & 5% $x$ #1 {y} \\ \n"], "τ": [Number(0.5)]}).latex()
    body = table.split(r"\midrule")[1].split(r"\bottomrule")[0]
    assert len(re.findall(r"(?<!\\)&", body)) == 1 and body.count(r"\\") == 1
    assert not re.search(r"(?<!\\)[%#_]", body)


def test_a_table_in_latex_has_booktabs_rules_and_a_column_form() -> None:
    latex = DisplayTable(pd.DataFrame(), {"predictor": ["a"], "family": ["b"], "n": [Number(3)]}, left=2).latex()
    assert latex.startswith("\\begin{tabular}{llr}\n\\toprule\n")
    assert latex.rstrip().endswith("\\bottomrule\n\\end{tabular}")


def test_what_was_paid_before_stands_beside_the_cheapest_ways(results: Path) -> None:
    tables = read(results)
    sheet = costs.time_to_tau(tables)
    assert text_of(sheet).shape[1] == 8 and "initialization time (s)" in text_of(sheet)
    paid = tables.metrics.set_index(["predictor", "step"])["initial_seconds"]
    for row in sheet.numbers.to_dict("records"):
        assert row["initial_seconds"] == paid[row["predictor"], row["step"]]


def test_budgets_are_told_in_steps_images_and_seconds(results: Path) -> None:
    tables = read(results)
    text = text_of(costs.budgets_in_seconds(tables)).set_index("steps")
    assert text.loc["64", "images"] == "8,192"
    assert {"images", "seconds", "fitted_on", "initial_seconds"} <= set(rankings.budgets(tables).numbers)


def test_a_p_at_the_floor_of_its_test_is_a_bound_before_and_after_the_correction(results: Path) -> None:
    tables = read(results)
    tables.status["evaluation"]["permutations"] = 99
    tables.differences.loc[:, ["p", "p_holm"]] = [0.02, 0.34]
    tables.differences.loc[tables.differences["predictor"] == "synflow", ["p", "p_holm"]] = [0.01, 0.17]
    shown = TABLES["differences"](tables).written(plain).set_index("predictor")
    assert shown.loc["synflow", ["p", "p (Holm)"]].tolist() == ["≤ 0.010", "≤ 0.17"]
    assert shown.loc["flops", ["p", "p (Holm)"]].tolist() == ["0.020", "0.34"]


def test_an_architecture_names_the_predictors_that_misjudge_it_most_and_least(results: Path) -> None:
    tables = read(results)
    truth = tables.architectures.set_index("architecture")["truth"]
    at_end = tables.at_end(tables.scores).set_index(["predictor", "architecture"])["score"]
    found = TABLES["architectures"](tables).numbers.set_index("architecture")
    for name in [*truth.sort_values().index[::17], truth.idxmax()]:
        off = {}
        for predictor in tables.final["predictor"]:
            known = {
                other: at_end[predictor, other] for other in truth.index if math.isfinite(at_end[predictor, other])
            }
            if name in known:
                place = (_below(known, name) - 0.5) * len(truth) / len(known) + 0.5
                off[predictor] = _below(dict(truth), name) - place
        most, least = (choose(off, key=lambda each: abs(off[each])) for choose in (max, min))
        row = found.loc[name]
        assert (row["most_misjudged_by"], row["least_misjudged_by"]) == (most, least)
        assert [row["most_places"], row["least_places"]] == pytest.approx([off[most], off[least]])
        assert row["places_off"] == pytest.approx(median(map(abs, off.values())))
    shown = TABLES["architectures"](tables).written(plain)["most misjudged by"]
    assert shown[0].startswith(f"{found['most_misjudged_by'].iloc[0]} (")


def _below(values: dict[str, float], name: str) -> float:
    """The rank of a name by its value, the highest first, of equal ones the middle."""
    higher, equal = (sum(way(v, values[name]) for v in values.values()) for way in (operator.gt, operator.eq))
    return higher + (equal + 1) / 2


def test_an_architecture_that_nothing_scores_is_misjudged_by_none(results: Path) -> None:
    tables = read(results)
    name = tables.architectures["architecture"].iloc[0]
    tables.scores.loc[tables.scores["architecture"] == name, "score"] = float("nan")
    row = TABLES["architectures"](tables).written(plain).set_index("architecture").loc[name]
    assert row[["places off", "most misjudged by", "least misjudged by"]].tolist() == ["\N{EN DASH}", "", ""]


def test_an_interval_of_no_width_is_left_out_of_the_choices(results: Path) -> None:
    tables = read(results)
    first = (tables.selection["k"] == 1) & (tables.selection["predictor"] == "synflow")
    tables.selection.loc[first, ["precision", "precision_low", "precision_high"]] = 0.0
    shown = TABLES["selection"](tables).written(plain).set_index("predictor")
    assert shown.loc["synflow", "precision@1"] == "0.00"
    assert shown.loc["synflow", "regret@1"].endswith("]")
