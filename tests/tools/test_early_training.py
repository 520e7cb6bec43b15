"""Joining descriptions, proxies and signals of training on made-up tasks of which the answer is known."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau, rankdata
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel

from harness.benches import nasbench201, tabulated
from harness.benches.nasbench201.bench import NasBench201
from harness.predictors.rank_aggregate import RankAggregate
from harness.schema import Architecture, Trace
from tools.description_labels import images
from tools.early_training import averaged, changed, figures, halves, literal, recorded, strongest, transfer
from tools.early_training.judge import BASE, labelled, splits, study, unlabelled
from tools.early_training.process import kernels, likelihood, predict
from tools.early_training.signals import AGGREGATE, PROXIES, Task, aggregate, features, normal_scores


def task(name: str = "made", n: int = 90, seed: int = 0, of: str = "loss") -> Task:
    """A task whose truth is the training loss alone (`of` "loss"), or the description (`of` "description")."""
    random = np.random.default_rng(seed)
    described, proxies, loss = random.normal(size=(n, 4)), random.normal(size=(n, len(PROXIES))), random.normal(size=n)
    truth = -loss if of == "loss" else described @ [1.0, 0.5, 0.0, 0.0]
    rows = []
    for i, step in product(range(n), (0, 10, 20)):
        known = {
            "architecture": f"a{i}",
            "group": f"g{i // 2}",
            "step": step,
            **dict(zip(PROXIES, proxies[i], strict=True)),
        }
        known |= {"truth": 50 + truth[i], "truth_other": 50 - truth[i]}
        known |= {"description_features": described[i] if step == 0 else None, "movement": random.normal()}
        known |= {
            "train_loss": loss[i] if step else np.nan,
            "temporal_graph": None if step < 20 else random.normal(size=3),
        }
        rows.append(known)
    return Task(name, pd.DataFrame(rows))


def test_a_signal_that_is_the_truth_is_found_to_add_and_noise_is_not() -> None:
    made = task()
    found = labelled(made, made.truth(), 20, 40).set_index("predictor")
    assert found.loc[f"{BASE} + losses", "tau"] > 0.8 > 0.3 > found.loc[BASE, "tau"]
    assert found.loc[f"{BASE} + losses", "delta_tau_low"] > 0
    assert (
        found.loc[f"{BASE} + temporal_graph", "delta_tau_low"]
        < 0
        < found.loc[f"{BASE} + temporal_graph", "delta_tau_high"]
    )
    assert found.loc[BASE, "delta_tau"] == 0


def test_a_vector_that_is_kept_at_the_end_alone_takes_no_part_before() -> None:
    made = task()
    names = set(labelled(made, made.truth(), 10, 40)["predictor"])
    assert f"{BASE} + losses" in names and f"{BASE} + temporal_graph" not in names


def test_no_class_is_fitted_on_and_judged_and_all_others_are_judged() -> None:
    made = task()
    for labels in (20, 40):
        for split in splits(made, labels):
            known = set(made.groups[split.fitted])
            assert len(split.fitted) == labels and not known & set(made.groups[split.judged])
            assert len(split.judged) == sum(group not in known for group in made.groups)
    assert splits(made, 300) == [] and splits(made, 85) == []


def test_a_half_that_was_chosen_on_gives_labels_first_and_is_never_judged() -> None:
    made = task(n=80)
    half = {name: "A" if i % 2 else "B" for i, name in enumerate(made.architectures)}
    halved = Task(
        "halved", made.frame.assign(half=made.frame["architecture"].map(half), group=made.frame["architecture"])
    )
    for labels, judged in ((20, 40), (60, 20)):
        for split in splits(halved, labels):
            assert halved.judged[split.judged].all() and len(split.judged) == judged
            assert halved.judged[split.fitted].sum() == max(0, labels - 40)
    found = unlabelled(halved, halved.truth(), 20).set_index("predictor")
    alone = halved.of_judged()
    assert found["n"].tolist() == [40] * len(found) and alone.judged.all() and len(alone.architectures) == 40
    assert found.loc["movement", "tau"] == pytest.approx(
        kendalltau(alone.values(["movement"], 20)[:, 0], alone.truth())[0]
    )


def test_halves_and_proxies_are_those_of_the_table_of_proxies() -> None:
    proxies = pd.DataFrame({"architecture": [f"a{i}" for i in range(6)] * 2, "seed": [0] * 6 + [1] * 6})
    proxies["untrained_jacov"], proxies["flops"] = np.arange(12.0), 1.0
    frame = pd.DataFrame({"architecture": ["a4", "a0", "b"], "flops": 2.0})
    found = recorded.with_halves(frame, proxies)
    assert found["half"].tolist()[:2] == ["B", "A"] and pd.isna(found["half"][2])
    assert found["untrained_jacov"].tolist()[:2] == [7.0, 3.0] and found["flops"].tolist() == [2.0] * 3


def test_recorded_curves_are_read_at_their_epochs_without_classes_that_were_chosen_on(tmp_path: Path) -> None:
    bench = NasBench201()
    cells = bench.sample(6, 0)
    every = [a.name for a in NasBench201(isomorphs="all").sample(None, 0) if a.group == cells[0].group]
    names = [a.name for a in cells]
    pd.DataFrame({"step": 0, "architecture": names, "untrained_jacov": np.arange(6.0)}).to_parquet(
        tmp_path / "trajectories.parquet"
    )
    curves = {
        a.name: Trace(a, 0, pd.DataFrame({"train_accuracy": np.arange(201.0), "valid_accuracy": 1.0})) for a in cells
    }
    found = recorded.of_curves(tmp_path, every[-1:], curves, lambda _: pd.Series(np.arange(6.0), index=names))
    assert found["architecture"].drop_duplicates().tolist() == names[1:]
    one = found[found["architecture"] == names[2]]
    assert one["step"].tolist() == one["train_accuracy"].tolist() == [0, 1, 4, 12, 50]
    assert set(one["untrained_jacov"]) == {2.0} == set(one["truth"]) and set(one["group"]) == {cells[2].group}
    described = one["description_features"].tolist()
    assert described[1] is None and len(described[0]) == len(bench.description(cells[2], "features", images(10)).values)
    assert set(study([Task("x", found)], labels=())["step"]) == {1, 4, 12, 50}


@pytest.mark.slow
def test_the_strongest_model_gains_by_a_signal_that_is_the_truth() -> None:
    names = [a.name for a in NasBench201().sample(90, 0)]
    made = task().frame
    renamed = made.assign(
        architecture=made["architecture"].map(dict(zip(made["architecture"].unique(), names, strict=True)))
    )
    found = strongest.rows([Task("made", renamed)], labels=(40, 300))
    assert set(found["labels"]) == {40} and set(found["step"]) == {10, 20}
    last = found[found["step"] == 20].set_index("predictor")
    assert last.loc[f"{strongest.BASE} + losses", "delta_tau_low"] > 0.1
    assert last.loc[strongest.BASE, "delta_tau"] == 0 and f"{strongest.BASE} + readout" not in last.index
    assert last.loc[f"{strongest.BASE} + movement", "delta_tau_low"] < 0.05


def test_the_process_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(size=(30, 3)), random.normal(size=30)
    (kernel,) = kernels([x], 0.9)
    found, weights = likelihood(kernel, y, 0.2)
    scale = y @ np.linalg.solve(0.8 * kernel + 0.2 * np.eye(30), y) / 30  # of the variance, at the maximum
    whole = 0.8 * scale * RBF(0.9 * np.sqrt(6)) + WhiteKernel(0.2 * scale)
    peer = GaussianProcessRegressor(whole, optimizer=None).fit(x, y)
    assert kernel @ weights == pytest.approx(peer.predict(x), abs=1e-8)
    constant = -15 * (1 + np.log(2 * np.pi))
    assert found + constant == pytest.approx(peer.log_marginal_likelihood(whole.theta), abs=1e-6)


def test_the_share_of_a_useless_block_may_be_nothing() -> None:
    random = np.random.default_rng(2)
    x, noise = random.normal(size=(60, 2)), random.normal(size=(60, 40))
    y = x[:, 0]
    fitted = np.arange(40)
    known, more = (predict(blocks, fitted, y[:40])[40:] for blocks in ([x, x], [x, x, noise]))
    assert np.corrcoef(known, more)[0, 1] > 0.99


def test_the_aggregate_is_the_predictor_of_that_name() -> None:
    made = task()
    traces = [
        Trace(Architecture(name, name, False), 0, made.frame[made.frame["architecture"] == name])
        for name in made.architectures
    ]
    peer = RankAggregate(dict.fromkeys(AGGREGATE, 1.0), "combination", "last", "first").score_together(traces)
    assert aggregate(made) == pytest.approx(peer)


def test_normal_scores_put_what_is_missing_last_and_drop_constants() -> None:
    values = np.array([[1.0, 5.0], [np.nan, 5.0], [3.0, 5.0], [1.0, 5.0]])
    (scores,) = normal_scores(values).T
    assert scores[1] < scores[0] == scores[3] < scores[2]
    assert features(task(), "description", 0).shape == (90, 4)


def test_without_labels_nothing_reads_the_truth() -> None:
    made = task()
    first = unlabelled(made, made.truth(), 20).set_index("predictor")["tau"]
    second = unlabelled(made, -made.truth(), 20).set_index("predictor")["tau"]
    assert first.to_numpy() == pytest.approx(-second.to_numpy(), abs=1e-12)
    assert first["train_loss"] == pytest.approx(1)


def test_what_is_learned_on_one_task_ranks_another_of_the_same_law() -> None:
    tasks = [task("home", n=70, of="description"), task("away", n=70, seed=5, of="description")]
    rows = {(row["fitted_on"], row["predictor"]): row for row in transfer.rows(tasks)}
    for source in ("home", "away"):
        row = rows[source, "description"]
        assert row["tau"] > 0.6 and row["tau_at_home"] > 0.6 and row["labels"] == 56
        assert abs(rows[source, "proxies"]["tau"]) < 0.4


def test_a_constant_column_of_one_task_is_left_out_of_both_and_other_columns_stay_together() -> None:
    first, second = np.random.default_rng(0).normal(size=(2, 30, 3))
    first[:, 0], second[:, 1] = 5.0, np.nan
    both = transfer.joined(first, second)
    assert both is not None and both.shape == (60, 1)
    assert both[:30, 0].argsort() == pytest.approx(first[:, 2].argsort())
    assert both[30:, 0].argsort() == pytest.approx(second[:, 2].argsort())
    assert transfer.joined(first, second[:, :2]) is None


def test_a_class_is_in_one_fold_of_both_tasks() -> None:
    home, away = task("home"), task("away", n=60)
    first, second = transfer.folds(home, away)
    fold = dict(zip(home.groups, first, strict=True))
    assert all(fold[group] == k for group, k in zip(away.groups, second, strict=True))
    assert set(first) == set(range(5))


def test_the_study_has_a_row_for_every_target_step_and_number_of_labels() -> None:
    found = study([task()], labels=(20,))
    assert set(zip(found["target"], found["step"], found["labels"], strict=True)) == {
        ("made", 10, 0), ("made", 20, 0), ("made", 10, 20), ("made", 20, 20), ("other", 20, 0), ("other", 20, 20),
    }  # fmt: skip
    assert found["tau"].between(-1, 1).all() and {"tau_half_low", "delta_tau_fifth_high", "sd"} <= set(found)


@pytest.mark.slow
def test_the_literal_tables_are_those_of_the_runs(tmp_path: Path) -> None:
    run = Path(__file__).parents[2] / "results" / "published" / "nasbench201-digits"
    literal.write(tmp_path, {"published": run, "again": run})
    metrics, peer = pd.read_csv(tmp_path / "neural_capacitance.csv"), pd.read_parquet(run / "metrics.parquet")
    assert set(metrics["run"]) == {"published", "again"} and {"beta_eff", "beta_eff_ridge", "train_loss_ridge"} <= set(
        metrics["predictor"]
    )
    row = metrics[(metrics["run"] == "again") & (metrics["predictor"] == "beta_eff") & (metrics["step"] == 64)].iloc[0]
    wanted = peer[(peer["predictor"] == "beta_eff") & (peer["step"] == 64)].iloc[0]
    assert row["tau"] == pytest.approx(wanted["tau"], abs=5e-4)
    assert row["tau_given_train_loss"] == pytest.approx(wanted["tau_given_train_loss"], abs=5e-4)
    courses = pd.read_csv(tmp_path / "neural_capacitance_courses.csv")
    assert courses.groupby("run")["architecture"].nunique().tolist() == [24, 24]
    assert figures.courses(courses).axes[0].get_title() == "published"


def test_progress_tells_whether_the_magnitude_nears_zero_and_what_it_ranks(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=30)
    drawn = pd.DataFrame({"architecture": [f"a{i}" for i in range(30)], "truth": truth})
    drawn.to_parquet(tmp_path / "architectures.parquet")
    beta = np.column_stack([np.full(30, 1.0), 2 - 0.1 * truth, np.where(np.arange(30) < 12, -0.1, 1.5)])
    rows = [
        {
            "architecture": f"a{i}",
            "step": 8 * e,
            "epoch": e,
            "beta_eff": beta[i, e],
            "train_loss": 1.0 * i if e else None,
        }
        for i, e in product(range(30), range(3))
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "trajectories.parquet")
    first, second, third = (row for _, row in literal.progress({"run": tmp_path}).iterrows())
    assert pd.isna(first["tau"]) and first["nearer"] == 0 and first["of_largest"] == 1
    assert second["tau"] == pytest.approx(1) and second["nearer"] == 0 and second["n"] == 30
    assert second["tau_of_train_loss"] == pytest.approx(kendalltau(-np.arange(30), truth)[0])
    assert third["nearer"] == third["near"] == pytest.approx(0.4)  # .1 of 2.1 or so, and of either sign
    assert third["of_largest"] == pytest.approx(np.median(np.abs(beta[:, 2]) / beta[:, :2].max(axis=1)))


def test_averaged_trainings_are_judged_by_a_training_that_is_not_among_them(tmp_path: Path) -> None:
    whole = tabulated.read(Path(nasbench201.__file__).with_name("digits.parquet"))
    names = sorted(whole.curves["architecture"].unique())[::25]
    few = whole.curves[whole.curves["architecture"].isin(names) & (whole.curves["seed"] < 3)]
    tabulated.write(tmp_path / "few.parquet", few, dict(whole.about))
    found = pd.DataFrame(averaged.rows(tmp_path / "few.parquet")).set_index(["column", "epoch", "trainings"])
    ends = few[few["epoch"] == 6].pivot(index="architecture", columns="seed", values="test_accuracy")
    wide = -few[few["epoch"] == 3].pivot(index="architecture", columns="seed", values="train_loss")
    by_hand = [kendalltau(wide.drop(columns=[s]).mean(axis=1), ends[s])[0] for s in range(3)]
    two = found.loc[("train_loss", 3, 2)]
    assert two["tau"] == pytest.approx(np.mean(by_hand)) and two["price"] == 6
    assert two["delta"] == pytest.approx(two["tau"] - found.loc[("train_loss", 6, 1), "tau"])
    assert pd.isna(found.loc[("train_loss", 4, 2), "delta"]) and set(found.reset_index()["trainings"]) == {1, 2}


def test_models_chosen_on_half_a_are_judged_on_rows_of_half_b_alone() -> None:
    groups = np.array([f"g{i % 390}" for i in range(400)], dtype=object)
    for half, labels in (("A", 160), ("B", 160), ("B", 300)):
        fitted, judged = halves._chosen(half, labels, 0, groups)
        assert len(fitted) == labels and not set(groups[fitted]) & set(groups[judged])
        assert (judged >= 200).all() if half == "B" else (judged < 200).all()
        assert (fitted >= 200).sum() == max(0, labels - 200)


def test_proxies_of_two_networks_are_the_aggregate_of_that_name_and_better_than_one() -> None:
    random = np.random.default_rng(3)
    truth, described = random.normal(size=(2, 80))
    noisy = {
        seed: pd.DataFrame({name: truth + random.normal(size=80) for name in AGGREGATE}, index=range(80))
        for seed in (0, 1)
    }
    found = halves.aggregates(noisy, np.column_stack([described, random.normal(size=80)]))
    values = noisy[0][[*AGGREGATE]].to_numpy().T
    by_hand = np.log(np.array([rankdata(column) for column in values]) / 80).sum(axis=0)
    assert found[halves.UNLABELLED] == pytest.approx(by_hand)
    taus = {name: kendalltau(scores, truth)[0] for name, scores in found.items()}
    one, two = taus[halves.UNLABELLED], taus["aggregate of 2 networks, mean of values"]
    assert 0.9 > two > one > 0.4 > abs(taus["distilled"])  # this description has nothing of the truth


def test_models_with_proxies_read_them_and_the_others_do_not() -> None:
    random = np.random.default_rng(4)
    raw = {"features": random.normal(size=(60, 3)), "paths": random.normal(size=(60, 3))}
    raw |= {"facts": random.normal(size=(60, 4)), "proxies": random.normal(size=(60, 2))}
    y, fitted = raw["proxies"][:40, 0], np.arange(40)
    taus = {k: kendalltau(v[40:], raw["proxies"][40:, 0])[0] for k, v in halves.scores(raw, fitted, y).items()}
    assert {name for name, tau in taus.items() if tau > 0.5} == {name for name in taus if "proxies" in name}
    without = halves.scores({k: v for k, v in raw.items() if k != "proxies"}, fitted, y)
    assert set(without) == {name for name in taus if "proxies" not in name}


def test_what_is_known_of_another_task_is_judged_by_a_table_and_early_curves_by_the_other_seeds(tmp_path: Path) -> None:
    whole = tabulated.read(Path(nasbench201.__file__).with_name("digits.parquet"))
    names = sorted(whole.curves["architecture"].unique())[::12]
    few = whole.curves[whole.curves["architecture"].isin(names)]
    tabulated.write(tmp_path / "few.parquet", few, dict(whole.about))
    last = few[few["epoch"] == 6].pivot(index="architecture", columns="seed", values="test_accuracy")
    others = [a.name for a in NasBench201().sample(600, 0)]
    accuracies = pd.Series(np.arange(600.0), index=others)
    accuracies = pd.concat([accuracies[~accuracies.index.isin(names)], last.mean(axis=1)])
    found = changed.judged(tmp_path / "few.parquet", accuracies).set_index("predictor")
    assert found.loc["accuracy on CIFAR-10", "tau"] == pytest.approx(1)  # made up: here they are this task's own
    wide = few[few["epoch"] == 2].pivot(index="architecture", columns="seed", values="valid_accuracy")
    taus = [kendalltau(wide[seed], last.drop(columns=[seed]).mean(axis=1))[0] for seed in last.columns]
    assert found.loc["valid_accuracy, epoch 2", "tau"] == pytest.approx(np.mean(taus))
    assert "valid_accuracy, epoch 10" not in found.index and (found["tau_low"] <= found["tau_high"]).all()
    early, base = found.loc["valid_accuracy, epoch 2"], found.loc["live_flops"]
    assert early["delta_tau"] == pytest.approx(early["tau"] - base["tau"]) and base["delta_tau_high"] == 0
    top = last.mean(axis=1)[last.mean(axis=1) >= last.mean(axis=1).median()].index
    bench, nothing = NasBench201(), images(10)
    sizes = [bench.facts(bench.architecture(name), nothing)["live_flops"] for name in top]
    assert base["tau_half"] == pytest.approx(kendalltau(sizes, last.mean(axis=1)[top])[0])
    assert found.loc["ceiling, oracle", "tau"] > found.loc["ceiling, retraining", "tau"] > 0.3


def test_signals_of_other_trainings_are_held_against_the_same_architectures(tmp_path: Path) -> None:
    whole = tabulated.read(Path(nasbench201.__file__).with_name("digits.parquet"))
    names = sorted(whole.curves["architecture"].unique())[::12]
    few = whole.curves[whole.curves["architecture"].isin(names)]
    tabulated.write(tmp_path / "few.parquet", few, dict(whole.about))
    end = few[few["epoch"] == 6].groupby("architecture")["test_accuracy"].mean()
    made = task(n=len(names)).frame
    renamed = dict(zip(made["architecture"].unique(), reversed(names), strict=True))
    made = made.assign(architecture=made["architecture"].map(renamed))
    made["train_loss"] = -made["architecture"].map(end).where(made["step"] > 0)
    accuracies = pd.Series({a.name: 1.0 * i for i, a in enumerate(NasBench201().sample(600, 0))})
    accuracies = pd.concat([accuracies[~accuracies.index.isin(names)], end])
    found = changed.judged(tmp_path / "few.parquet", accuracies, Task("few", made)).set_index("predictor")
    assert found.loc["train_loss", "tau"] == pytest.approx(1) and abs(found.loc["movement", "tau"]) < 0.5
