"""Pre-trained networks over several data sets: means, ceilings and paired differences, against slow computations."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from harness.benches import tabulated
from harness.benches.pretrained import tables as packaged
from tools.pretrained_sets import __main__ as command
from tools.pretrained_sets import experiments, figures, scores

NETWORKS = [f"net{place:02d}" for place in range(14)]
GROUPS = {name: f"family{place // 2}" for place, name in enumerate(NETWORKS)}
SETS = ("birds", "cifar10")


@pytest.fixture(autouse=True)
def few(monkeypatch) -> None:
    monkeypatch.setattr(experiments, "DRAWS", 60)


def table(dataset: str, seed: int) -> tabulated.Tabulated:
    """Two seeds of every network, three epochs; only the last counts."""
    random = np.random.default_rng(seed)
    quality = np.linspace(50, 80, len(NETWORKS))
    rows = [
        (name, which, epoch, level + random.normal(0, 3) if epoch == 3 else 0.0)
        for name, level in zip(NETWORKS, quality, strict=True) for which in (0, 1) for epoch in (1, 2, 3)
    ]  # fmt: skip
    curves = pd.DataFrame(rows, columns=["architecture", "seed", "epoch", "test_accuracy"])
    return tabulated.Tabulated(curves, {"dataset": dataset}, Path("none"))


def found(dataset: str, seed: int) -> pd.DataFrame:
    """`sees` knows the order, `params` half of it, `blind` nothing; `source_accuracy` lacks four networks."""
    random = np.random.default_rng(seed)
    place = np.arange(len(NETWORKS), dtype=float)
    values = {
        "sees": ("learning_curve", True, place),
        "params": ("size", False, place + random.normal(0, 5, len(place))),
        "source_accuracy": ("description", False, np.where(place < 10, -place, np.nan)),
        "blind": ("capacitance", True, random.normal(size=len(place))),
    }
    frames = [
        pd.DataFrame({"dataset": dataset, "experiment": scores.WATCHED, "predictor": name, "family": family,
                      "looks": looks, "architecture": NETWORKS, "group": [GROUPS[n] for n in NETWORKS],
                      "note": ["trained on birds" if n == "net03" else "" for n in NETWORKS],
                      "score": score, "seconds": 1.0})
        for name, (family, looks, score) in values.items()
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def both() -> tuple[list[tabulated.Tabulated], pd.DataFrame]:
    return [table(s, place) for place, s in enumerate(SETS)], pd.concat([found(s, 5) for s in SETS])


def test_the_accuracy_of_a_network_is_that_of_the_last_epoch_and_every_seed_is_kept() -> None:
    tables, given = both()
    accuracies = experiments.accuracies(tables, given)
    assert len(accuracies) == 2 * 2 * len(NETWORKS) and accuracies["accuracy"].min() > 40
    assert accuracies[accuracies["note"] != ""]["network"].unique().tolist() == ["net03"]
    assert accuracies.set_index("network")["family"].to_dict() == GROUPS


def test_the_agreement_of_two_seeds_is_kendall_s_tau() -> None:
    accuracies = experiments.accuracies(*both())
    row = experiments.ceilings_of(accuracies).set_index("dataset").loc["birds"]
    seeds = experiments.by_seed(accuracies, "birds")
    assert row["tau_seeds"] == pytest.approx(kendalltau(seeds[0], seeds[1]).statistic, abs=1e-12)
    assert row["sd_seeds"] == pytest.approx(np.sqrt(((seeds[0] - seeds[1]) ** 2).mean() / 2))
    assert row["tau_seeds"] < row["tau"] < row["oracle"] <= 1


def test_differences_are_means_over_data_sets_on_the_networks_that_both_score() -> None:
    tables, given = both()
    accuracies = experiments.accuracies(tables, given)
    by_set, over = experiments.judged(given, accuracies)
    assert by_set[by_set["predictor"] == "source_accuracy"]["n"].tolist() == [10, 10]
    over = over.set_index("predictor")
    assert over.loc["params", "against"] != over.loc["params", "against"]  # the best that does not look: no difference
    row = over.loc["sees"]
    assert row["against"] == "params" and row["sets"] == 2

    def tau(dataset: str, name: str, networks: list[str]) -> float:
        score = given[(given["dataset"] == dataset) & (given["predictor"] == name)].set_index("architecture")["score"]
        truth = experiments.by_seed(accuracies, dataset).mean(axis=1)
        return float(kendalltau(score[networks], truth[networks]).statistic)

    gaps = [tau(s, "sees", NETWORKS) - tau(s, "params", NETWORKS) for s in SETS]
    assert row["difference"] == pytest.approx(np.mean(gaps), abs=1e-12) and row["low"] < row["difference"]
    assert row["low"] > 0 and over.loc["blind", "high"] < 0.3
    gaps = [tau(s, "source_accuracy", NETWORKS[:10]) - tau(s, "params", NETWORKS[:10]) for s in SETS]
    assert over.loc["source_accuracy", "difference"] == pytest.approx(np.mean(gaps), abs=1e-12)
    assert over.loc["source_accuracy", "common"] == 10


def test_the_static_rank_is_that_of_the_other_tables() -> None:
    tables, given = both()
    accuracies = experiments.accuracies(tables, given)
    found = experiments.with_static_rank(given, accuracies)
    assert len(found) == len(given) + 2 * len(NETWORKS)
    own = found[(found["predictor"] == "static_rank") & (found["dataset"] == "birds")].set_index("architecture")[
        "score"
    ]
    other = experiments.by_seed(accuracies, "cifar10").mean(axis=1)
    assert kendalltau(own[NETWORKS], other[NETWORKS]).statistic == pytest.approx(1)
    again = experiments.with_static_rank(found, accuracies)
    assert len(again) == len(found)
    one = experiments.with_static_rank(given, accuracies[accuracies["dataset"] == "birds"])
    assert "static_rank" not in set(one["predictor"])


def test_networks_of_a_family_are_drawn_together() -> None:
    drawn = experiments.family_draws([GROUPS[name] for name in NETWORKS], 20, 0)
    assert drawn.shape == (21, len(NETWORKS)) and (drawn[0] == 1).all()
    assert (drawn[:, ::2] == drawn[:, 1::2]).all() and drawn.max() > 1


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        (None, scores.WATCHED),
        ({"mode": "detached"}, scores.WATCHED),
        ({"mode": "head", "initialisation": "glorot", "widths": [256, 128, 64]}, "glorot 256-128-64"),
    ],
)
def test_a_run_through_a_unit_is_another_experiment(unit: dict | None, name: str) -> None:
    assert scores.experiment({"measure": {"capacitance": unit} if unit else {}}) == name


def test_from_tables_and_kept_scores_all_is_written_without_weights(tmp_path, monkeypatch) -> None:
    tables, given = both()
    given.to_parquet(tmp_path / command.KEPT, index=False)
    monkeypatch.setattr(packaged, "carried", lambda: dict.fromkeys(SETS, Path("any")))
    read = iter(tables)
    monkeypatch.setattr(command, "tabulated", SimpleNamespace(read=lambda *_: next(read)))
    command.main([str(tmp_path)])
    for name in ("accuracies", "ceilings", "by_set", "over_sets"):
        assert len(pd.read_csv(tmp_path / f"pretrained_{name}.csv"))
    for name in ("accuracies", "sets"):
        assert (tmp_path / f"pretrained_{name}.svg").read_text(encoding="utf-8").startswith("<svg")


def test_a_network_that_saw_other_data_is_marked_in_the_grid() -> None:
    tables, given = both()
    accuracies = experiments.accuracies(tables, given)
    axes = figures.grid(accuracies, experiments.ceilings_of(accuracies)).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert "net03 *" in names and sum("*" in name for name in names) == 1
    assert names[0] == "net13" and any("trained on birds" in text.get_text() for text in axes.texts)
