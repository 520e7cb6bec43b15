"""Pre-trained networks over several data sets: means, ceilings and paired differences, against slow computations."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import kendalltau, rankdata, spearmanr, weightedtau

from harness.benches import tabulated
from harness.benches.pretrained import tables as packaged
from tools.pretrained_sets import __main__ as command
from tools.pretrained_sets import experiments, figures, judge, scores, unit

NETWORKS = [f"net{place:02d}" for place in range(14)]
GROUPS = {name: f"family{place // 2}" for place, name in enumerate(NETWORKS)}
SETS = ("birds", "cifar10")


@pytest.fixture(autouse=True)
def few(monkeypatch) -> None:
    monkeypatch.setattr(experiments, "DRAWS", 60)
    monkeypatch.setattr(judge, "DRAWS", 60)


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


def score_of(given: pd.DataFrame, dataset: str, name: str) -> pd.Series:
    own = given[(given["dataset"] == dataset) & (given["predictor"] == name)]
    return own.set_index("architecture")["score"]


def truth_of(accuracies: pd.DataFrame, dataset: str) -> pd.Series:
    return experiments.by_seed(accuracies, dataset).mean(axis=1)


def test_every_correlation_is_scipy_s_on_the_networks_with_a_score() -> None:
    tables, given = both()
    accuracies = experiments.accuracies(tables, given)
    by_set, over, _ = judge.judged(given, accuracies)
    rows = by_set.set_index(["dataset", "predictor"])
    for dataset, name, networks in [("birds", "params", NETWORKS), ("cifar10", "source_accuracy", NETWORKS[:10])]:
        row, score = rows.loc[(dataset, name)], score_of(given, dataset, name)[networks].to_numpy()
        truth = truth_of(accuracies, dataset)[networks].to_numpy()
        assert row["n"] == len(networks)
        assert row["tau"] == pytest.approx(kendalltau(score, truth).statistic, abs=1e-12)
        assert row["spearman"] == pytest.approx(spearmanr(score, truth).statistic, abs=1e-12)
        best_first = len(truth) - rankdata(truth).astype(int)
        assert row["weighted_tau"] == pytest.approx(weightedtau(score, truth, rank=best_first).statistic, abs=1e-12)
        assert row["low"] < row["tau"] < row["high"]
    one = over.set_index("predictor").loc["params"]
    for column in ("tau", "weighted_tau", "spearman", "tau_groups"):
        assert one[column] == pytest.approx(np.mean([rows.loc[(s, "params")][column] for s in SETS]), abs=1e-12)


def test_families_are_ranked_by_the_mean_rank_of_their_networks() -> None:
    tables, given = both()
    accuracies = experiments.accuracies(tables, given)
    row = judge.judged(given, accuracies).by_set.set_index(["dataset", "predictor"]).loc[("birds", "params")]
    family = pd.Series(GROUPS)
    means = [
        values[NETWORKS].rank().groupby(family).mean()
        for values in (score_of(given, "birds", "params"), truth_of(accuracies, "birds"))
    ]
    assert row["tau_groups"] == pytest.approx(kendalltau(*means).statistic, abs=1e-12)
    assert row["tau_groups_low"] < row["tau_groups"] <= row["tau_groups_high"]


def test_differences_are_means_over_data_sets_on_the_networks_that_both_score() -> None:
    tables, given = both()
    accuracies = experiments.accuracies(tables, given)
    gaps = judge.judged(given, accuracies).differences.set_index(["against", "predictor"])
    assert {against for against, _ in gaps.index} == {"source_accuracy", "params"} and len(gaps) == 6

    def gap(name: str, other: str, networks: list[str]) -> float:
        taus = [
            kendalltau(score_of(given, s, each)[networks], truth_of(accuracies, s)[networks]).statistic
            for s in SETS for each in (name, other)
        ]  # fmt: skip
        return float(taus[0] - taus[1] + taus[2] - taus[3]) / 2

    row = gaps.loc[("params", "sees")]
    assert row["difference"] == pytest.approx(gap("sees", "params", NETWORKS), abs=1e-12)
    assert 0 < row["low"] < row["difference"] < row["high"]
    assert row["low"] != row["family_low"] and row["common"] == len(NETWORKS)
    row = gaps.loc[("params", "source_accuracy")]
    assert row["difference"] == pytest.approx(gap("source_accuracy", "params", NETWORKS[:10]), abs=1e-12)
    assert row["common"] == 10
    assert gaps.loc[("params", "blind")]["high"] < 0.3


def test_a_predictor_with_few_scores_on_one_data_set_has_no_mean_over_the_sets() -> None:
    tables, given = both()
    few = (given["dataset"] == "birds") & (given["predictor"] == "blind") & given["architecture"].isin(NETWORKS[9:])
    given["score"] = given["score"].mask(few)
    by_set, over, gaps = judge.judged(given, experiments.accuracies(tables, given))
    assert by_set[by_set["predictor"] == "blind"]["n"].tolist() in ([9, 14], [14, 9])
    assert set(over["predictor"]) == {"sees", "params", "source_accuracy"} and "blind" not in set(gaps["predictor"])


def test_networks_that_an_experiment_lacks_are_no_family_of_it() -> None:
    tables, given = both()
    accuracies = experiments.accuracies(tables, given)
    part = given[given["architecture"].isin(NETWORKS[:12])]
    assert judge.samples(part, accuracies)["birds"].codes.tolist() == [place // 2 for place in range(12)]


def test_the_second_target_is_the_accuracy_of_networks_that_are_trained_through_the_unit() -> None:
    tables, given = both()
    accuracies = experiments.accuracies(tables, given)
    own = given[given["dataset"] == "birds"].replace({"predictor": {"sees": "valacc"}}).assign(experiment="he 8-8")
    found = pd.concat([given, own], ignore_index=True)
    reached = unit.accuracies(found)
    assert reached["network"].tolist() == NETWORKS and set(reached["experiment"]) == {"he 8-8"}
    assert reached["accuracy"].tolist() == list(range(len(NETWORKS)))
    rows = unit.through_unit(found, accuracies).set_index("predictor")
    assert set(rows.index) == {"linear_head", "params", "source_accuracy", "blind"} and set(rows["dataset"]) == {
        "birds"
    }
    through = pd.Series(np.arange(len(NETWORKS)), NETWORKS)
    truths = kendalltau(truth_of(accuracies, "birds")[NETWORKS], through).statistic
    assert rows.loc["linear_head", "tau"] == pytest.approx(truths, abs=1e-12)
    params = kendalltau(score_of(given, "birds", "params")[NETWORKS], through).statistic
    assert rows.loc["params", "tau"] == pytest.approx(params, abs=1e-12)
    assert unit.through_unit(given, accuracies).empty


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


HEAD = {"mode": "head", "initialisation": "glorot", "widths": [256, 128, 64]}


@pytest.mark.parametrize(
    ("unit", "images", "name"),
    [
        (None, 1000, scores.WATCHED),
        ({"mode": "detached"}, 320, scores.WATCHED),
        (HEAD, 1000, "glorot 256-128-64"),
        (HEAD, 320, "glorot 256-128-64, 320 images"),
    ],
)
def test_a_run_through_a_unit_is_another_experiment(unit: dict | None, images: int, name: str) -> None:
    config = {"measure": {"capacitance": unit} if unit else {}, "train": {"train_images": images}}
    assert scores.experiment(config) == name


def finished_run(unit: dict | None, last: int, **about: object) -> SimpleNamespace:
    """What is read of a run folder: a predictor at 0, 32 and `last` updates, whose score is the number of updates."""
    steps = [0, 32, last]
    about = {"predictor": "valacc", "family": "learning_curve", "fitted_on": 0} | about
    metrics = pd.DataFrame({**about, "step": steps, "seconds": [0.0, 1.0, 2.0]})
    tables = {
        "metrics": metrics,
        "scores": pd.DataFrame(
            {"predictor": about["predictor"], "architecture": "net00", "step": steps, "score": steps}
        ),
        "architectures": pd.DataFrame({"architecture": ["net00"], "group": ["family0"]}),
    }
    config = {"dataset": {"name": "birds"}, "measure": {"capacitance": unit} if unit else {}, "train": {}}
    return SimpleNamespace(tables=tables, config=yaml.safe_dump(config))


def test_a_budget_is_that_of_watched_runs_and_of_two_runs_the_later_counts(monkeypatch) -> None:
    runs = {
        "first": finished_run(None, 64), "second": finished_run(None, 48), "unit": finished_run(HEAD, 160),
    }  # fmt: skip
    monkeypatch.setattr(scores, "read_results", lambda folder, _: runs[folder.name])
    kept = scores.of_runs([Path("first"), Path("unit")], 32).set_index("experiment")
    assert kept["score"].to_dict() == {scores.WATCHED: 32, "glorot 256-128-64": 160}
    assert kept["looks"].all() and kept.loc[scores.WATCHED, "seconds"] == 1.0
    again = scores.of_runs([Path("first"), Path("second")])
    assert again["score"].tolist() == [48]


def test_from_tables_and_kept_scores_all_is_written_without_weights(tmp_path, monkeypatch) -> None:
    tables, given = both()
    given.to_parquet(tmp_path / command.KEPT, index=False)
    monkeypatch.setattr(packaged, "carried", lambda: dict.fromkeys(SETS, Path("any")))
    read = iter(tables)
    monkeypatch.setattr(command, "tabulated", SimpleNamespace(read=lambda *_: next(read)))
    command.main([str(tmp_path)])
    for name in ("accuracies", "ceilings", "by_set", "over_sets", "differences"):
        assert len(pd.read_csv(tmp_path / f"pretrained_{name}.csv"))
    for name in ("accuracies", "sets"):
        assert (tmp_path / f"pretrained_{name}.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize(
    ("about", "looks"),
    [
        ({"predictor": "params", "family": "size"}, False),
        ({"predictor": "l2_norm", "family": "zero_cost"}, False),
        ({"predictor": "l2_norm_trained", "family": "zero_cost"}, True),
        ({"predictor": "description_process", "family": "description", "fitted_on": 20}, True),
    ],
)
def test_what_reads_neither_images_nor_accuracies_of_the_target_does_not_look(monkeypatch, about, looks) -> None:
    monkeypatch.setattr(scores, "read_results", lambda *_: finished_run(None, 64, **about))
    assert scores.of_runs([Path("one")])["looks"].tolist() == [looks]


def test_a_network_that_saw_other_data_is_marked_in_the_grid() -> None:
    tables, given = both()
    accuracies = experiments.accuracies(tables, given)
    axes = figures.grid(accuracies, experiments.ceilings_of(accuracies)).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert "net03 *" in names and sum("*" in name for name in names) == 1
    assert names[0] == "net13" and any("trained on birds" in text.get_text() for text in axes.texts)
