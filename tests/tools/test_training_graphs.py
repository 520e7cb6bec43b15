"""Graphs of the first epochs: settings that are tested are never learned from, and what is told is what is there."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score

from harness.benches.one_network.space import grid
from tools.accuracy_from_weights.figures import save
from tools.training_graphs import __main__ as command
from tools.training_graphs import experiments, inputs, models
from tools.training_graphs.models import MODELS
from tools.training_graphs.runs import CURVES, Runs

COUNT = 80


def runs(name: str, seed: int, scale: float = 1.0, dataset: str = "cifar10", recipe: str = "long") -> Runs:
    """The accuracy follows the second moment of the degree after the first epoch, and nothing else."""
    random = np.random.default_rng(seed)
    names = tuple(random.permutation(grid(2e-4))[:COUNT].tolist())
    literal, normalised = random.normal(size=(COUNT, 6, 14)), random.normal(size=(COUNT, 6, 70))
    curves = {column: random.normal(size=(COUNT, 8)) for column in CURVES}
    accuracy = 100 / (1 + np.exp(-2 * literal[:, 1, 1]))
    curves["valid_accuracy"] = random.uniform(0, 100, size=(COUNT, 8))
    graphs = {"literal_graph": literal * scale, "temporal_graph": normalised}
    return Runs(name, dataset, names, random.normal(size=(COUNT, 2)), accuracy, curves, graphs, 0, recipe)


def titles(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes if axes.get_visible()]


@pytest.fixture(autouse=True)
def few(monkeypatch) -> None:
    """Enough to see what is right, not how sure it is."""
    names = ("graph: degree", "graph: centrality", "graph: normalised", "validation accuracy", "hyper-parameters")
    monkeypatch.setattr(experiments, "INPUTS", {name: inputs.INPUTS[name] for name in names})
    monkeypatch.setattr(experiments, "FOLDS", 3)
    monkeypatch.setattr(experiments, "RESAMPLES", 20)
    monkeypatch.setattr(models, "TREES", 40)


@pytest.mark.parametrize("model", MODELS)
def test_what_is_in_the_first_graphs_is_found_and_nothing_elsewhere(model: str) -> None:
    one = runs("lenet × 1", 0)
    found = experiments.table(one, [one], [2], "own network", [model]).set_index("input")
    assert found.loc["graph: degree", "accuracy"] > 0.8 and found.loc["graph: degree", "r2"] > 0.5
    blind = found.loc[["graph: centrality", "graph: normalised", "hyper-parameters", inputs.STOPPING], "auc"]
    assert blind.between(0.25, 0.75).all()
    assert (found["accuracy_low"] <= found["accuracy"]).all() and (found["tested"] == COUNT).all()


def test_the_untrained_graph_is_left_out_and_no_later_epoch_is_read() -> None:
    one = runs("lenet × 1", 0)
    read = inputs.INPUTS["graph: degree"](one, 2)
    np.testing.assert_array_equal(read, one.graphs["literal_graph"][:, 1:3, :7].reshape(COUNT, 14))
    np.testing.assert_array_equal(inputs.INPUTS["validation accuracy"](one, 3), one.curves["valid_accuracy"][:, 1:4])


def test_a_tested_setting_is_not_learned_from_whatever_network_it_is_of(monkeypatch) -> None:
    one, other = runs("lenet × 1", 0), runs("vgg × 1", 1)
    key = {value: name for each in (one, other) for value, name in zip(each.accuracy, each.settings, strict=True)}
    learned: list[set[str]] = []

    def fit(x, accuracy, good):
        learned.append({key[value] for value in accuracy})
        return (lambda features: np.zeros(len(features)),) * 2

    experiments.cross_fitted(one, [one, other], "graph: degree", 1, fit)
    tested = [set(np.array(one.settings)[held]) for held in experiments.folds(one.settings)]
    assert sum(map(len, tested)) == COUNT and all(not seen & held for seen, held in zip(learned, tested, strict=True))


def test_the_area_under_the_curve_is_scikit_learn_s() -> None:
    random = np.random.default_rng(0)
    score, good = random.integers(0, 5, 60).astype(float), random.random(60) > 0.4
    assert experiments.auc(score, good) == pytest.approx(roc_auc_score(good, score))


def test_the_median_stopping_rule_compares_the_best_so_far_with_the_median_of_means() -> None:
    one = runs("lenet × 1", 0)
    curve = one.curves["valid_accuracy"]
    expected = curve[5, 1:4].max() - np.median([row[1:4].mean() for row in curve])
    assert inputs.stopping([one], one, 3)[5] == pytest.approx(expected)


def test_the_median_is_that_of_all_networks_that_are_learned_from() -> None:
    one, low, high = (runs("lenet × 1", seed) for seed in range(3))
    high.curves["valid_accuracy"][:] += 100
    means = [row[1:4].mean() for each in (low, high) for row in each.curves["valid_accuracy"]]
    expected = one.curves["valid_accuracy"][5, 1:4].max() - np.median(means)
    assert inputs.stopping([low, high], one, 3)[5] == pytest.approx(expected)


@pytest.mark.slow
def test_a_table_and_a_figure_are_written_with_transfer_across_widths_and_networks(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(command, "EPOCHS", (1,))
    panels: list[list[str]] = []
    monkeypatch.setattr(command, "save", lambda draw, path: panels.append(titles(draw())) or save(draw, path))
    monkeypatch.setattr(experiments, "MODELS", {"boosting": MODELS["boosting"]})
    networks = [runs("lenet × 1", 0), runs("lenet × 0.5", 1), runs("vgg × 0.125", 2)]
    short = [runs("lenet × 1", seed, recipe=f"he, {seed} updates an epoch") for seed in (4, 5)]
    other = [runs("vgg × 0.125", 3, dataset="fashion_mnist"), runs("lenet × 1", 6, dataset="fashion_mnist")]
    command.write([*networks, *other, *short], tmp_path)
    rows = pd.read_csv(tmp_path / "training_graphs.csv")
    own = {"own network", "own network, high rates"}
    assert {*rows["scope"]} == own | {"across networks", "across widths", "across data sets"}
    networks = rows[rows["scope"] == "across networks"]
    assert {*zip(networks["tested_on"], networks["learned_on"], strict=True)} == {
        ("lenet × 1", "vgg × 0.125"), ("vgg × 0.125", "lenet × 1"),
    }  # fmt: skip
    sets = rows[(rows["scope"] == "across data sets") & (rows["input"] == "graph: degree")]
    assert {*zip(sets["dataset"], sets["learned_on"], strict=True)} == {
        (here, f"{name} on {there}")
        for here, there in permutations(("cifar10", "fashion_mnist"))
        for name in ("lenet × 1", "vgg × 0.125")
    }
    assert sets["accuracy"].min() > 0.75
    across = rows[(rows["scope"] == "across widths") & (rows["input"] == "graph: degree")].iloc[0]
    assert (across["tested_on"], across["learned_on"]) == ("lenet × 1", "lenet × 0.5") and across["accuracy"] > 0.75
    assert {
        *rows.loc[rows["recipe"] == "he, 4 updates an epoch", "scope"]
    } == own  # nothing is learned from another recipe
    drawn = {path.name: path.read_bytes() for path in tmp_path.glob("*.svg")}
    assert {*drawn} == {"training_graphs.svg", "training_graphs_networks.svg"}
    here, there = ("lenet × 1", "lenet × 0.5", "vgg × 0.125"), ("vgg × 0.125", "lenet × 1")
    assert panels == [
        [f"lenet × 1, n = 80\n{count} updates an epoch" for count in (4, 5)],
        [
            *(f"{name}\nn = 80" for name in here),
            *(f"{name}\nfashion_mnist, n = 80" for name in there),
            *(f"{name}\nfrom the others" for name in here[::2]),
            *(f"{name}\nfashion_mnist, from the others" for name in here[::2]),
        ],
    ]
    for path in tmp_path.glob("*.svg"):
        path.unlink()
    command.main([str(tmp_path), "--draw"])
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.svg")} == drawn


def test_a_setting_that_is_good_on_one_data_set_may_be_bad_on_another() -> None:
    here, there, tested = runs("lenet × 1", 0), runs("lenet × 1", 1, dataset="digits"), runs("vgg × 1", 2)
    seen: list[np.ndarray] = []

    def fit(x, accuracy, labels):
        seen.append(labels)
        return MODELS["linear"](x, accuracy, labels)

    experiments.cross_fitted(tested, [here, there], "hyper-parameters", 1, fit)
    held = experiments.folds(tested.settings)[0]
    tested_first = {setting for setting, taken in zip(tested.settings, held, strict=True) if taken}
    told = [
        good
        for source in (here, there)
        for setting, good in zip(source.settings, source.good, strict=True)
        if setting not in tested_first
    ]
    assert seen[0].tolist() == told
