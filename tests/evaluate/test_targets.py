from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from harness.evaluate.judge import judge
from harness.evaluate.settings import Evaluation
from harness.evaluate.targets import by_target
from harness.schema import Truth, columns
from harness.storage.tables import conform

NAMES = [f"a{i:02}" for i in range(20)]
EVALUATION = Evaluation(bootstrap=40, permutations=10)
FAMILIES = {"p": "size", "q": "size"}


def truth(values):
    return Truth(pd.DataFrame({"mean": values}, index=NAMES), "t", "test", None, "made")


def made(seed=0):
    random = np.random.default_rng(seed)
    rows = [(name, step, a, x, float("nan"), "") for name in FAMILIES for step in (4, 8)
            for a, x in zip(NAMES, random.normal(size=20), strict=True)]  # fmt: skip
    return pd.DataFrame(rows, columns=columns.SCORES.names), random.normal(size=(2, 20))


def test_each_target_has_the_tau_of_the_same_scores_without_what_has_no_accuracy():
    scores, (one, two) = made()
    two[:5] = np.nan
    found = by_target(scores, {"one": truth(one), "two": truth(two)}, FAMILIES, EVALUATION)
    conform(columns.TARGETS, found)
    assert list(found["target"].unique()) == ["one", "two"]
    for row in found.itertuples():
        kept = scores[(scores["predictor"] == row.predictor) & (scores["step"] == row.step)]["score"].to_numpy()
        accuracy = one if row.target == "one" else two
        known = np.isfinite(accuracy)
        assert row.n == known.sum()
        assert row.tau == pytest.approx(kendalltau(kept[known], accuracy[known])[0])
    assert (found["low"] < found["tau"]).all() and (found["tau"] < found["high"]).all()


def test_the_ground_truth_of_the_run_itself_gives_its_own_metrics():
    scores, (one, _) = made(1)
    found = by_target(scores, {"own": truth(one)}, FAMILIES, EVALUATION)
    metrics = judge(scores, truth(one), FAMILIES, EVALUATION).metrics
    for mine, theirs in (("tau", "tau"), ("low", "tau_low"), ("high", "tau_high"), ("n", "n")):
        assert found[mine].tolist() == metrics[theirs].tolist()
