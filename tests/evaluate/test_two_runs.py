"""The same predictors in two runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from harness.evaluate.bootstrap import observed_and_draws
from harness.evaluate.two_runs import FEWEST, LastScores, Resampling, compare_runs, pair

HOW = Resampling(draws=60, level=0.9, permutations=999, seed=3)


def run_of(names: list[str], seed: int, noise: dict[str, float]) -> LastScores:
    """Scores that are the truth with noise; the truth of a name is the same in every run."""
    rng = np.random.default_rng(seed)
    truth = pd.Series([float(np.random.default_rng(int(name[1:])).normal()) for name in names], index=names)
    scores = {key: truth + size * rng.standard_normal(len(names)) for key, size in noise.items()}
    family = pd.Series(dict.fromkeys(noise, "size"))
    return LastScores(pd.DataFrame(scores).T, truth, family)


NAMES = [f"a{i}" for i in range(40)]


def slow(first: LastScores, second: LastScores, name: str, names: list[str]) -> tuple[float, float, float]:
    """The difference and its interval from arrays that are resampled one by one."""
    rows = []
    for drawn in observed_and_draws(len(names), HOW.draws, HOW.seed):
        kept = [each for each, times in zip(names, drawn, strict=True) for _ in range(times)]
        kept = [x for x in kept if np.isfinite(first.scores.loc[name, x]) and np.isfinite(second.scores.loc[name, x])]
        taus = [kendalltau(run.scores.loc[name, kept], run.truth[kept]).statistic for run in (first, second)]
        rows.append(taus[1] - taus[0])
    low, high = np.quantile(rows[1:], [0.05, 0.95])
    return rows[0], float(low), float(high)


def test_the_difference_is_that_of_resampled_arrays_on_the_architectures_that_both_score() -> None:
    first = run_of(NAMES, 1, {"p": 0.5, "q": 2.0})
    second = run_of([*NAMES[5:], "a90", "a91"], 2, {"q": 0.3, "p": 1.0, "r": 1.0})
    second.scores.loc["p", "a7"] = np.nan
    table = compare_runs(first, second, HOW).set_index("predictor")
    shared = sorted(NAMES[5:])
    assert set(table.index) == {"p", "q"} and pair(first, second).shared == shared
    assert table["n"].to_dict() == {"p": 34, "q": 35}
    for name in table.index:
        row = table.loc[name]
        assert [row["difference"], row["low"], row["high"]] == pytest.approx(
            slow(first, second, name, shared), abs=1e-9
        )
        assert row["second"] - row["first"] == pytest.approx(row["difference"])


def test_a_predictor_that_ranks_better_in_the_second_run_has_a_positive_difference_and_a_small_p() -> None:
    first, second = run_of(NAMES, 1, {"p": 3.0, "q": 0.5}), run_of(NAMES, 2, {"p": 0.1, "q": 0.5})
    table = compare_runs(first, second, HOW).set_index("predictor")
    assert table.loc["p", "low"] > 0 and table.loc["p", "p"] < 0.01 < table.loc["q", "p"]
    back = compare_runs(second, first, HOW).set_index("predictor")
    assert back.loc["p", "difference"] == pytest.approx(-table.loc["p", "difference"])
    assert back.loc["p", "p"] == table.loc["p", "p"] and (table["p_holm"] >= table["p"]).all()


def test_scores_that_no_swap_changes_are_not_tested_and_do_not_count_in_the_correction() -> None:
    first, second = run_of(NAMES, 1, {"p": 3.0}), run_of(NAMES, 2, {"p": 0.1})
    table = compare_runs(first, second, HOW)
    same = pd.DataFrame([first.truth.to_numpy()] * 20, index=[f"s{i}" for i in range(20)], columns=NAMES)
    one, other = (
        replace(run, scores=pd.concat([run.scores, same]), family=pd.Series("size", index=["p", *same.index]))
        for run in (first, second)
    )
    found = compare_runs(one, other, HOW).set_index("predictor")
    assert found.loc["p", "p_holm"] == table["p_holm"].iloc[0]
    assert found.loc["s0", ["difference", "low", "high"]].tolist() == [0, 0, 0] and np.isnan(found.loc["s0", "p"])


def test_with_another_ground_truth_there_is_an_interval_and_no_test() -> None:
    first, second = run_of(NAMES, 1, {"p": 1.0}), run_of(NAMES, 2, {"p": 1.0})
    other = replace(second, truth=second.truth + 0.01 * np.arange(40))
    assert pair(first, second).same_truth and not pair(first, other).same_truth
    row = compare_runs(first, other, HOW).iloc[0]
    assert np.isfinite(row[["difference", "low", "high"]].astype(float)).all() and np.isnan(row["p"])


@pytest.mark.parametrize(("shared", "paired"), [(0, False), (FEWEST - 1, False), (FEWEST, True)])
def test_few_shared_architectures_are_not_paired_and_the_interval_is_wider(shared: int, paired: bool) -> None:
    first = run_of(NAMES, 1, {"p": 0.5})
    second = run_of(NAMES[:shared] + [f"a{i}" for i in range(100, 140 - shared)], 2, {"p": 0.5})
    assert pair(first, second).is_paired == paired
    row = compare_runs(first, second, HOW).iloc[0]
    if paired:
        assert row["n"] == FEWEST
        return
    tau = [kendalltau(run.scores.loc["p"], run.truth).statistic for run in (first, second)]
    assert row[["first", "second", "difference"]].tolist() == pytest.approx([*tau, tau[1] - tau[0]])
    assert np.isnan(row["p"]) and row["low"] < row["difference"] < row["high"]
    same = compare_runs(first, replace(first, scores=second.scores.set_axis(NAMES, axis=1)), HOW).iloc[0]
    assert np.isfinite(same["p"])


def test_a_predictor_without_a_rank_correlation_has_no_numbers() -> None:
    first, second = run_of(NAMES, 1, {"p": 1.0, "q": 1.0}), run_of(NAMES, 2, {"p": 1.0, "q": 1.0})
    second.scores.loc["q"] = 1.0
    row = compare_runs(first, second, HOW).set_index("predictor").loc["q"]
    assert np.isnan(row[["second", "difference", "low", "high", "p", "detectable"]].astype(float)).all()
