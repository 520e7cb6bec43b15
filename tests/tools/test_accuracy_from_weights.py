"""Accuracy from weights: regressors that see one half, and tables of the other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

from harness.benches.cnn_zoo.space import SPACE
from harness.benches.cnn_zoo.zoo import Zoo
from tools.accuracy_from_weights import __main__ as command
from tools.accuracy_from_weights import experiments, inputs, regressors

NETWORKS = 160


def zoo(seed: int, with_weights: bool = False) -> Zoo:
    """The accuracy is a smooth function of two statistics of the head at the end, and of nothing else."""
    random = np.random.default_rng(seed)
    statistics = random.normal(size=(NETWORKS, 3, 56))
    accuracy = 100 / (1 + np.exp(-statistics[:, :, -1] - statistics[:, :, -10]))
    hyper = np.stack([SPACE.vector(SPACE.draw(random)) for _ in range(NETWORKS)])
    weights = random.normal(size=(NETWORKS, 4970)).astype(np.float32) if with_weights else None
    return Zoo("fashion_mnist", tuple(SPACE.feature_names()), hyper, np.array([0, 1, 2]), accuracy, statistics, weights)


@pytest.mark.parametrize("model", regressors.MODELS)
def test_a_regressor_finds_what_the_accuracy_depends_on(model: str) -> None:
    cut = experiments.halves(zoo(0))
    guess = regressors.MODELS[model](cut.learned.statistics[:, -1, -14:], cut.learned.accuracy[:, -1])
    found = experiments.agreement(guess(cut.tested.statistics[:, -1, -14:]), cut.tested.accuracy[:, -1])
    assert found["r2"] > 0.6 and found["r2_low"] < found["r2"] < found["r2_high"] and found["tested"] == NETWORKS / 2
    assert found["r2"] == pytest.approx(
        r2_score(cut.tested.accuracy[:, -1], guess(cut.tested.statistics[:, -1, -14:])), abs=1e-12
    )


def test_the_halves_share_no_network() -> None:
    cut = experiments.halves(zoo(0))
    seen = {*cut.learned.accuracy[:, -1]} & {*cut.tested.accuracy[:, -1]}
    assert not seen and len(cut.learned.accuracy) + len(cut.tested.accuracy) == NETWORKS


def test_with_weights_there_are_the_fourteen_inputs_of_the_paper() -> None:
    names = [name for name, _ in inputs.inputs(zoo(0, with_weights=True))]
    assert len(names) == 14 == len(set(names)) and {*names} == {*inputs.PUBLISHED, *inputs.BOOSTED}
    assert inputs.published("statistics per layer", "boosting", "cifar10") == 0.984
    assert np.isnan(inputs.published("statistics per layer", "boosting", "digits"))


def test_tables_and_figures_are_written_and_hyper_parameters_that_matter_not_tell_nothing(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(experiments, "MODELS", {"boosting": regressors.boosting})
    monkeypatch.setattr(experiments, "RESAMPLES", 20)
    monkeypatch.setattr(experiments, "SIZES", (40,))
    monkeypatch.setattr(regressors, "TREES", 80)
    command.write({"one": zoo(0), "two": zoo(1)}, tmp_path)
    rows = pd.read_csv(tmp_path / "accuracy_from_weights.csv").groupby("input")["r2"].mean()
    assert rows["statistics per layer"] > 0.5 > 0.2 > rows["hyper-parameters"]
    transfers = pd.read_csv(tmp_path / "accuracy_from_weights_transfer.csv")
    assert len(transfers) == 4 and transfers["tau"].min() > 0.5
    early = pd.read_csv(tmp_path / "accuracy_from_weights_epochs.csv")
    assert early[early["epoch"] == 2]["r2"].min() > 0.5 > 0.2 > early[early["epoch"] == 0]["r2"].max()
    assert (tmp_path / "accuracy_from_weights_transfer.svg").read_text().startswith("<?xml")
