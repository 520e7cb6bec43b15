"""The tests over several runs against Demšar's worked example, scikit-posthocs' numbers and SciPy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wilcoxon

from harness.evaluate.average_ranks import critical_difference, groups, rank, wilcoxon_holm
from harness.evaluate.permutation import holm

DEMSAR = pd.DataFrame(
    [
        (0.763, 0.768, 0.771, 0.798), (0.599, 0.591, 0.590, 0.569), (0.954, 0.971, 0.968, 0.967),
        (0.628, 0.661, 0.654, 0.657), (0.882, 0.888, 0.886, 0.898), (0.936, 0.931, 0.916, 0.931),
        (0.661, 0.668, 0.609, 0.685), (0.583, 0.583, 0.563, 0.625), (0.775, 0.838, 0.866, 0.875),
        (1.000, 1.000, 1.000, 1.000), (0.940, 0.962, 0.965, 0.962), (0.619, 0.666, 0.614, 0.669),
        (0.972, 0.981, 0.9751, 0.975), (0.957, 0.978, 0.946, 0.970),
    ],
    columns=["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"],
)  # fmt: skip
"""Demšar (2006), table 6; a tie that the paper breaks by digits it does not print is broken here in the fourth."""


def test_demsars_worked_example_has_his_average_ranks_and_critical_differences() -> None:
    found = rank(DEMSAR, 0.95)
    ranks = found.table.set_index("predictor")["rank"]
    assert ranks.round(3).to_dict() == {"C4.5+m+cf": 1.964, "C4.5+m": 2.0, "C4.5+cf": 2.893, "C4.5": 3.143}
    assert found.critical == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, 0.10) == pytest.approx(1.12, abs=0.005)
    assert set(found.table["blocks"]) == {14}


def test_friedmans_statistic_is_demsars_corrected_for_ties() -> None:
    ranks = DEMSAR.rank(axis=1, ascending=False)
    n, k = ranks.shape
    plain = 12 * n / (k * (k + 1)) * ((ranks.mean() ** 2).sum() - k * (k + 1) ** 2 / 4)
    assert plain == pytest.approx(9.28, abs=0.005)
    ties = sum(t**3 - t for row in ranks.to_numpy() for t in np.unique(row, return_counts=True)[1])
    found = rank(DEMSAR, 0.95)
    assert found.statistic == pytest.approx(plain / (1 - ties / (n * (k**3 - k))))
    assert 0.01 < found.p < 0.05


def test_nemenyi_groups_are_those_that_demsar_reads_off_his_example_at_one_in_ten() -> None:
    """At α = .10 (critical difference 1.12): C4.5 differs from both +m variants, +cf cannot be told from anything."""
    average = np.array([1.964, 2.0, 2.893, 3.143])
    apart = np.abs(average[:, None] - average) >= critical_difference(4, 14, 0.10)
    assert groups(apart) == [(0, 2), (2, 3)]


def test_demsars_wilcoxon_example_and_its_adjustment_over_all_pairs() -> None:
    raw = wilcoxon(DEMSAR["C4.5+m"] - DEMSAR["C4.5"])
    adjusted = wilcoxon_holm(DEMSAR.to_numpy())
    assert 0.002 < raw.pvalue < 0.02
    assert raw.pvalue <= adjusted[0, 1] <= 6 * raw.pvalue
    assert (adjusted == adjusted.T).all() and (np.diag(adjusted) == 1).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_p_and_bonferroni_and_keeps_the_order(p: list[float]) -> None:
    adjusted = holm(np.array(p))
    order = np.argsort(p, kind="stable")
    for value, change in zip(p, adjusted, strict=True):
        assert min(value, 1) <= change + 1e-12 and change <= min(1, len(p) * value) + 1e-12
    assert (np.diff(np.array(adjusted)[order]) >= 0).all()


def test_the_statistics_are_those_of_scikit_posthocs() -> None:
    posthocs = pytest.importorskip("scikit_posthocs")
    table = pd.DataFrame(np.random.default_rng(3).standard_normal((9, 5)) + np.arange(5) * 0.8)
    nemenyi = posthocs.posthoc_nemenyi_friedman(table).to_numpy()
    average = table.rank(axis=1, ascending=False).mean().to_numpy()
    assert ((nemenyi < 0.05) == (np.abs(average[:, None] - average) > critical_difference(5, 9, 0.05))).all()
    theirs = posthocs.posthoc_wilcoxon(
        table.melt(), val_col="value", group_col="variable", p_adjust="holm"
    ).to_numpy()  # fmt: skip
    ours = wilcoxon_holm(table.to_numpy())
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


@given(st.integers(2, 9), st.integers(0, 2**20))
def test_groups_are_the_longest_stretches_without_a_pair_that_is_told_apart(k: int, seed: int) -> None:
    apart = np.triu(np.random.default_rng(seed).random((k, k)) < 0.25, 1)
    apart = apart | apart.T
    alike = {(i, j) for i in range(k) for j in range(i + 1, k) if not apart[i : j + 1, i : j + 1].any()}
    longest = {(i, j) for i, j in alike if (i - 1, j) not in alike and (i, j + 1) not in alike}
    assert set(groups(apart)) == longest


def test_many_blocks_are_compared_pair_by_pair_few_ones_by_nemenyi() -> None:
    rng = np.random.default_rng(0)
    better = np.array([0.0, 0.5, 1.0])
    many = pd.DataFrame(rng.normal(better, 0.1, (12, 3)), columns=list("abc"))
    found = rank(many, 0.95)
    assert found.method == "wilcoxon-holm" and found.table["predictor"].tolist() == ["c", "b", "a"]
    assert (found.table[["first_group", "last_group"]] == 0).all(axis=None)
    few = rank(many.head(4), 0.95)
    assert few.method == "nemenyi"
    assert few.table[["first_group", "last_group"]].to_numpy().tolist() == [[1, 1], [1, 2], [2, 2]]


def test_predictors_that_rank_alike_are_one_group() -> None:
    same = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [2.0, 1, 4, 3], "c": [1.5, 1.5, 3.5, 3.5]})
    found = rank(same, 0.95)
    assert found.method == "friedman" and found.p > 0.05
    assert found.table[["first_group", "last_group"]].to_numpy().tolist() == [[1, 1]] * 3


def test_a_missing_tau_is_left_out_not_ranked_last() -> None:
    taus = pd.DataFrame(
        {"a": [0.5, 0.4, 0.3, np.nan], "b": [0.1, 0.2, 0.1, np.nan], "c": [0.3, np.nan, 0.2, np.nan], "d": [0.2] * 4},
        index=["one", "two", "three", "four"],
    )
    found = rank(taus, 0.95)
    assert found.dropped == ("four",) and found.left_out == ("c",)
    assert found.table["predictor"].tolist() == ["a", "d", "b"] and set(found.table["blocks"]) == {3}
    assert found.table["rank"].tolist() == pytest.approx([1, (2 + 2.5 + 2) / 3, (3 + 2.5 + 3) / 3])
    found = rank(taus.drop(columns="d"), 0.95)
    assert found.table["predictor"].tolist() == ["a", "b"] and found.note == "no test with fewer than 3 predictors"


@pytest.mark.parametrize(
    ("taus", "note"),
    [
        (pd.DataFrame({"a": [0.1, 0.2], "b": [0.3, 0.1], "c": [0.0, 0.0]}), "no test with fewer than 3 runs"),
        (pd.DataFrame({"a": [np.nan] * 4, "b": [np.nan] * 4}), "no predictor has a τ in every run"),
        (pd.DataFrame({"a": [], "b": []}), "no predictor has a τ in every run"),
        (pd.DataFrame(), "no predictor has a τ in every run"),
    ],
)
def test_nothing_is_tested_on_too_little_and_the_reason_is_given(taus: pd.DataFrame, note: str) -> None:
    found = rank(taus, 0.95)
    assert found.note == note and found.method == "" and np.isnan(found.critical)


def test_copies_of_one_run_are_one_block_and_nothing_is_tested() -> None:
    run = {"a": 0.5, "b": 0.4, "c": 0.1, "d": 0.3}
    assert rank(pd.DataFrame([run] * 3), 0.95).p < 0.05, "what three independent runs like this would say"
    found = rank(pd.DataFrame([run] * 3), 0.95, [("bench", "digits", 0)] * 3)
    assert np.isnan(found.p) and found.method == "" and found.blocks == (("bench", "digits", 0),) and found.runs == 3
    assert found.note.startswith("settings of one run are not blocks: the 3 runs are 1 of benchmark, data set and run")
    assert found.table["predictor"].tolist() == ["a", "b", "d", "c"] and set(found.table["blocks"]) == {1}


def test_copies_of_every_run_change_no_number_of_the_tests() -> None:
    blocks = [f"block {i}" for i in range(14)]
    once, thrice = rank(DEMSAR, 0.95, blocks), rank(pd.concat([DEMSAR] * 3), 0.95, blocks * 3)
    assert (once.statistic, once.p, once.critical) == (thrice.statistic, thrice.p, thrice.critical)
    pd.testing.assert_frame_equal(once.table, thrice.table)
    assert (once.runs, thrice.runs) == (14, 42) and rank(DEMSAR, 0.95).p == once.p


def test_settings_of_a_block_are_averaged_before_they_are_ranked() -> None:
    taus = pd.DataFrame({"a": [0.9, 0.1, 0.5], "b": [0.6, 0.6, 0.4], "c": [0.0, np.nan, 0.1], "d": [0.2, 0.3, 0.9]})
    found = rank(taus, 0.95, ["x", "x", "y"])
    assert found.table.set_index("predictor")["rank"].to_dict() == {"b": 2.0, "a": 2.0, "d": 2.0}
    assert found.left_out == ("c",) and found.blocks == ("x", "y")


def test_predictors_that_never_differ_are_not_told_apart() -> None:
    found = rank(pd.DataFrame({"a": [0.1] * 4, "b": [0.1] * 4, "c": [0.1] * 4}), 0.95)
    assert found.p == 1 and set(found.table["rank"]) == {2.0}
