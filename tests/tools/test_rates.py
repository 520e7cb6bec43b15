"""Learning rates compared on made-up runs, and the table of accuracies that a sweep of other trainings asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from harness.benches import nasbench201, tabulated
from harness.benches.own_truth import read
from tools.early_training import averaged, rates

NAMES = [f"a{i}" for i in range(40)]


def a_run(folder: Path, scores: np.ndarray, loss: float, order: list[int]) -> Path:
    """A stored run of 40 architectures in this order; at step 8 its scores are turned round."""
    folder.mkdir()
    truth = pd.DataFrame({"architecture": NAMES, "truth": np.arange(40.0)}).iloc[order]
    truth.to_parquet(folder / "architectures.parquet")
    named = truth[["architecture"]].assign(predictor="p")
    both = [named.assign(step=8, score=-scores[order]), named.assign(step=16, score=scores[order])]
    pd.concat(both).to_parquet(folder / "scores.parquet")
    metrics = pd.DataFrame({"predictor": "p", "step": [8, 16], "n": 40} | dict.fromkeys(rates.NUMBERS, 0.5))
    metrics.to_parquet(folder / "metrics.parquet")
    losses = [truth[["architecture"]].assign(step=s, train_loss=loss + 16 - s) for s in (8, 16)]
    pd.concat(losses).to_parquet(folder / "trajectories.parquet")
    return folder


def test_a_rate_is_compared_with_the_default_on_the_same_architectures_at_the_last_step(tmp_path: Path) -> None:
    good, bad = np.arange(40.0) + np.tile([0.0, 3.0], 20), np.random.default_rng(0).normal(size=40)
    order = np.random.default_rng(1).permutation(40).tolist()
    runs = {0.3: a_run(tmp_path / "x", good, 1.0, order), 0.1: a_run(tmp_path / "y", bad, 2.0, list(range(40)))}
    first, second = (row for _, row in rates.table(runs).iterrows())
    assert (first["rate"], first["train_loss"], second["rate"], second["train_loss"]) == (0.1, 2.0, 0.3, 1.0)
    assert first["delta_tau"] == first["delta_tau_low"] == first["delta_tau_high"] == 0
    wanted = kendalltau(good, np.arange(40))[0] - kendalltau(bad, np.arange(40))[0]
    assert second["delta_tau"] == pytest.approx(wanted) and 0 < second["delta_tau_low"] < wanted


def test_accuracies_of_a_table_are_a_ground_truth_that_a_run_reads(tmp_path: Path) -> None:
    path = Path(nasbench201.__file__).with_name("digits.parquet")
    averaged.final_accuracies(path).to_csv(tmp_path / "digits.csv", index=False)
    whole = tabulated.read(path)
    wanted = whole.truth(None, "test", None, whole.about["dataset_fingerprint"])
    found = read(tmp_path / "digits.csv", "percent", str)
    assert list(found.columns) == list(wanted.accuracy.columns) == ["0", "1", "2", "3"]
    assert found.loc[wanted.accuracy.index].to_numpy() == pytest.approx(wanted.accuracy.to_numpy())
