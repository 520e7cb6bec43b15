"""Accuracy from weights: regressors that see one half, and tables of the other."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau
from sklearn.metrics import r2_score

from harness.benches.cnn_zoo.form import Form
from harness.benches.cnn_zoo.space import SPACE
from harness.benches.cnn_zoo.zoo import Zoo
from harness.benches.tabulated import Tabulated
from tools.accuracy_from_weights import __main__ as command
from tools.accuracy_from_weights import experiments, inputs, regressors
from tools.accuracy_from_weights.seeds import between_seeds

NETWORKS = 160


def zoo(seed: int, with_weights: bool = False, model: str = "cnn", name: str = "fashion_mnist") -> Zoo:
    """The accuracy is a smooth function of two statistics of the head at the end, and of nothing else."""
    random, form = np.random.default_rng(seed), Form(model, 28, 10)
    statistics = random.normal(size=(NETWORKS, 3, 14 * len(form.shapes)))
    accuracy = 100 / (1 + np.exp(-statistics[:, :, -1] - statistics[:, :, -10]))
    hyper = np.stack([SPACE.vector(SPACE.draw(random)) for _ in range(NETWORKS)])
    weights = random.normal(size=(NETWORKS, form.params)).astype(np.float32) if with_weights else None
    names, epochs = tuple(SPACE.feature_names()), np.array([0, 1, 2])
    return Zoo(name, form, 2000, names, hyper, epochs, accuracy, statistics, weights)


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


@pytest.mark.slow
def test_tables_and_figures_are_written_and_hyper_parameters_that_matter_not_tell_nothing(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(experiments, "MODELS", {"boosting": regressors.boosting})
    monkeypatch.setattr(experiments, "RESAMPLES", 20)
    monkeypatch.setattr(experiments, "SIZES", (40,))
    monkeypatch.setattr(regressors, "TREES", 80)
    command.write({"fashion_mnist": zoo(0), "two": zoo(1, name="two")}, {"": zoo(2, model="deep_cnn")}, tmp_path)
    rows = pd.read_csv(tmp_path / "accuracy_from_weights.csv").groupby("input")["r2"].mean()
    assert rows["statistics per layer"] > 0.5 > 0.2 > rows["hyper-parameters"]
    transfers = pd.read_csv(tmp_path / "accuracy_from_weights_transfer.csv")
    shown = transfers[(transfers["input"] == inputs.LAYERS) & (transfers["epoch"] == 2)]
    assert len(shown) == 4 and shown["tau"].min() > 0.5
    early = pd.read_csv(tmp_path / "accuracy_from_weights_epochs.csv")
    early = early[early["learned_at"] == "this checkpoint"]
    assert early[early["epoch"] == 2]["r2"].min() > 0.5 > 0.2 > early[early["epoch"] == 0]["r2"].max()
    for figure in ("transfer", "curve", "epochs"):
        text = (tmp_path / f"accuracy_from_weights_{figure}.svg").read_text(encoding="utf-8")
        assert text.startswith("<svg") and "prefers-color-scheme:dark" in text
    (tmp_path / "accuracy_from_weights_curve.svg").unlink()
    command.main([str(tmp_path), "--draw"])
    assert (tmp_path / "accuracy_from_weights_curve.svg").is_file()


def test_a_large_zoo_is_tested_on_so_many_networks_and_learned_from_the_others(monkeypatch) -> None:
    monkeypatch.setattr(experiments, "TESTED", 50)
    cut = experiments.most_to_learn(zoo(0))
    assert len(cut.tested.accuracy) == 50 and len(cut.learned.accuracy) == NETWORKS - 50
    assert not {*cut.learned.accuracy[:, -1]} & {*cut.tested.accuracy[:, -1]}
    monkeypatch.setattr(experiments, "TESTED", NETWORKS)
    assert len(experiments.most_to_learn(zoo(0)).tested.accuracy) == NETWORKS / 2


def test_a_curve_that_was_learned_from_more_networks_is_kept(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(experiments, "RESAMPLES", 20)
    monkeypatch.setattr(experiments, "SIZES", (40,))
    monkeypatch.setattr(regressors, "TREES", 80)
    known = tmp_path / "curve.csv"
    rows = {"dataset": ["one", "two"], "input": inputs.LAYERS, "learned": [15_000, 40], "r2": [0.97, 0.1]}
    pd.DataFrame(rows).to_csv(known, index=False)
    found = command._curves({"one": zoo(0, name="one"), "two": zoo(1, name="two")}, known)
    assert found[found["dataset"] == "one"]["learned"].tolist() == [15_000]
    two = found[found["dataset"] == "two"]
    assert sorted({*two["learned"]}) == [40, NETWORKS / 2] and 0.1 not in two["r2"].tolist()


def test_what_is_learned_from_one_form_is_applied_to_others_where_the_inputs_have_one_length(monkeypatch) -> None:
    monkeypatch.setattr(experiments, "RESAMPLES", 20)
    monkeypatch.setattr(regressors, "TREES", 80)
    found = experiments.forms(zoo(0), {"d": zoo(1, model="deep_cnn"), "m": zoo(2, model="mlp")})
    found = found.set_index(["input", "applied_to", "learned_on"])
    assert (inputs.LAYERS, "mlp", "cnn") in found.index and (inputs.LAYERS, "deep_cnn", "cnn") not in found.index
    ends = found.loc[inputs.ENDS]
    assert ends.loc[("deep_cnn", "cnn"), "r2"] > 0.5 and ends.loc[("deep_cnn", "cnn"), "tested"] == NETWORKS
    assert ends.loc[("deep_cnn", "deep_cnn"), "tested"] == NETWORKS / 2


def test_the_limit_of_sampling_error_is_that_of_a_simulation() -> None:
    """Expected accuracies, measured on 200 images each: their best predictor, the expectation itself, has this R²."""
    random = np.random.default_rng(0)
    expected = random.uniform(0.3, 0.9, 20_000)
    measured = random.binomial(200, expected) / 200
    template = zoo(0)
    many = dataclasses.replace(template, tested=200, accuracy=100 * measured[:, None])
    assert experiments.accuracies(many)["sampling_r2"] == pytest.approx(r2_score(measured, expected), abs=0.003)


def test_a_power_law_is_extrapolated_to_where_it_reaches_the_goal() -> None:
    learned = np.array([50, 100, 200, 400, 800])
    curves = pd.DataFrame({"dataset": "one", "input": "x", "learned": learned, "r2": 1 - 2 * learned**-0.5})
    found = experiments.needed(curves, 0.98)
    assert found["networks"].to_numpy() == pytest.approx([10_000, 10_000]) and found["exponent"].iloc[
        0
    ] == pytest.approx(-0.5)


def test_two_seeds_show_how_far_settings_alone_can_go(tmp_path) -> None:
    """The R² of the expected accuracy, which only a simulation knows, for one seed."""
    random, names = np.random.default_rng(0), [f"setting {place}" for place in range(1500)]
    expected = random.normal(50, 10, 1500)
    seeds = [expected + random.normal(0, 4, 1500) for _ in range(2)]
    tables = []
    for seed, accuracy in enumerate(seeds):
        ended = pd.DataFrame({"architecture": names, "epoch": 2, "test_accuracy": accuracy})
        curves = pd.concat([ended.assign(epoch=1, test_accuracy=0.0), ended.iloc[:: 1 - 2 * seed]])
        tables.append(Tabulated(curves.iloc[: 3000 - seed], {"dataset": "digits"}, tmp_path))
    found = between_seeds(*tables)
    limit = 1 - ((seeds[0] - expected) ** 2).mean() / seeds[0].var()
    assert found["r2"] == pytest.approx(limit, abs=0.02) and found["r2_low"] < found["r2"] < found["r2_high"]
    assert found["networks"] == 1499 and found["tau"] == pytest.approx(kendalltau(*seeds)[0], abs=0.01)


def test_zoos_of_other_recipes_are_compared_on_the_networks_that_all_have(tmp_path, monkeypatch) -> None:
    random = np.random.default_rng(0)
    drawn = dict.fromkeys(SPACE.write(SPACE.draw(random)) for _ in range(60))
    names, size = [*drawn], len(Form("cnn", 28, 10).shapes) * 14
    tables = []
    for first, last, epochs in ((0, 50, 20), (10, 60, 80)):
        rows = [
            {"architecture": name, "seed": 0, "epoch": epoch, "test_accuracy": random.uniform(10, 90)}
            for name in names[first:last]
            for epoch in (0, epochs)
        ]
        curves = pd.DataFrame(rows).assign(layer_statistics=[random.normal(size=size) for _ in rows])
        images = {"size": 28, "classes": 10, "train": 2000, "test": 2000}
        about = {"dataset": "digits", "images": images, "network": {}, "recipe": {"batch": 16, "epochs": epochs}}
        lost = (curves["architecture"] == names[49]) & (curves["epoch"] == 80)  # a network that did not end
        tables.append(Tabulated(curves[~lost], about, tmp_path))
    monkeypatch.setattr(command, "_embedded", lambda dataset: tables[0])
    monkeypatch.setattr("harness.benches.tabulated.read", lambda path, key: tables[1])
    command.main([str(tmp_path), "--recipes", "zoo.parquet"])
    found = pd.read_csv(tmp_path / "accuracy_from_weights_recipes.csv")
    ends = found[found["learned"] == found["learned"].max()]
    assert sorted(zip(ends["epochs"], ends["learned"], ends["tested"], strict=True)) == [
        (epochs, 19, 20) for epochs in (20, 20, 80, 80)
    ]
    shared = [set(table.curves["architecture"]) & {*names[10:49]} for table in tables]
    for table, part, epochs in zip(tables, shared, (20, 80), strict=True):
        last = table.curves[(table.curves["epoch"] == epochs) & table.curves["architecture"].isin(part)]
        assert {*found.loc[found["epochs"] == epochs, "best"]} == {round(last["test_accuracy"].max(), 4)}
