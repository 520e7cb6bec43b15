"""τ between groups against SciPy on means that are taken by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import kendalltau, rankdata

from harness.evaluate.groups import with_groups
from harness.evaluate.judge import judge
from harness.evaluate.settings import Evaluation
from harness.schema import Truth

RANDOM = np.random.default_rng(3)
NAMES = [f"a{i:02d}" for i in range(14)]
GROUPS = dict(zip(NAMES, "AAABBBCCCDDEEF", strict=True))
ACCURACY = RANDOM.uniform(20, 90, len(NAMES))
TRUTH = Truth(pd.DataFrame({"0": ACCURACY}, index=NAMES), "train", "test", 1, "simulated")
SETTINGS = Evaluation(bootstrap=200)


def scored(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"predictor": "p", "step": 0, "architecture": NAMES, "score": values})


def judged(values: np.ndarray, groups: dict[str, str] = GROUPS) -> pd.DataFrame:
    table = scored(values)
    return with_groups(judge(table, TRUTH, {"p": "size"}, SETTINGS), table, TRUTH, groups, SETTINGS).metrics


def by_hand(values: np.ndarray) -> float:
    known = np.isfinite(values)
    ranks, truth = np.full(len(values), np.nan), rankdata(ACCURACY)
    ranks[known] = rankdata(values[known])
    of = {g: [i for i, name in enumerate(NAMES) if GROUPS[name] == g] for g in sorted(set(GROUPS.values()))}
    kept = {g: rows for g, rows in of.items() if np.isfinite(ranks[rows]).any()}
    means = [np.nanmean(ranks[rows]) for rows in kept.values()]
    return float(kendalltau(means, [truth[rows].mean() for rows in kept.values()]).statistic)


def test_tau_between_groups_is_that_of_mean_ranks() -> None:
    values = ACCURACY + RANDOM.normal(0, 25, len(NAMES))
    found = judged(values).iloc[0]
    assert np.isclose(found["tau_groups"], by_hand(values)) and found["tau_groups"] != found["tau"]
    assert found["tau_groups_low"] < found["tau_groups"] <= found["tau_groups_high"] <= 1


def test_a_group_without_a_score_is_left_out_and_two_groups_have_no_tau() -> None:
    values = np.where(np.isin(list(GROUPS.values()), ["B", "F"]), np.nan, ACCURACY[::-1])
    assert np.isclose(judged(values).iloc[0]["tau_groups"], by_hand(values))
    few = np.where(np.isin(list(GROUPS.values()), ["A", "B"]), ACCURACY, np.nan)
    assert np.isnan(judged(few).iloc[0]["tau_groups"])


def test_copies_of_one_architecture_do_not_count_as_evidence() -> None:
    """Ten near copies that are ranked well among themselves say nothing about groups."""
    groups = {name: "one" if place < 11 else name for place, name in enumerate(NAMES)}
    order = np.argsort(np.argsort(ACCURACY)).astype(float)
    values = order.copy()
    values[11:] = -order[11:]
    found = judged(values, groups).iloc[0]
    assert found["tau"] > 0.4 > found["tau_groups"]


def test_without_groups_of_several_there_is_no_column() -> None:
    assert "tau_groups" not in judged(ACCURACY, {name: name for name in NAMES})


def test_with_few_groups_there_is_no_interval() -> None:
    few = np.where(np.isin(list(GROUPS.values()), ["A", "B", "C", "D"]), ACCURACY, np.nan)
    found = judged(few).iloc[0]
    assert found["tau_groups"] == 1 and np.isnan(found["tau_groups_low"]) and np.isnan(found["tau_groups_high"])
