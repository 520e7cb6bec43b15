"""Nothing of the study is fitted on, ranked among or chosen with what it is judged on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from harness.benches.nasbench201 import table as benchmark_table
from harness.benches.nasbench201.bench import NasBench201
from tests.tools.test_early_training import task
from tools.early_training import changed, collect, halves, judge, literal, recorded, strongest
from tools.early_training.judge import labelled, splits, unlabelled
from tools.early_training.signals import AGGREGATE, Task, normal_scores


def halved(n: int = 80) -> Task:
    """A task whose even architectures are of half A, its last one of no half."""
    made = task(n=n)
    half = {name: "BA"[i % 2 == 0] for i, name in enumerate(made.architectures[:-1])}
    frame = made.frame.assign(half=made.frame["architecture"].map(half), group=made.frame["architecture"])
    return Task("halved", frame)


def captured(monkeypatch: pytest.MonkeyPatch, module: Any, act: Callable[[], object]) -> Any:
    """What `act` hands to `compared` as scores: rows that are judged and scores, for each draw."""
    found: list[Any] = []
    monkeypatch.setattr(module, "compared", lambda names, scores, *_: found.append(scores) or pd.DataFrame())
    act()
    return found[0]


def unseen(truth: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """The truth with other values and another order among the rows that are judged."""
    other = truth.copy()
    other[judged] = 1000 - 3 * truth[judged]
    return other


def test_architectures_of_half_a_alone_are_never_judged() -> None:
    made = halved(6)
    assert made.judged.tolist() == [False, True, False, True, False, True]
    assert made.of_judged().architectures == ["a1", "a3", "a5"]


def test_every_draw_and_every_number_of_labels_has_rows_of_its_own() -> None:
    made = task()
    few, many = ([frozenset(s.fitted.tolist()) for s in splits(made, n)] for n in (20, 40))
    assert len({*few}) == len(few) == 10 and not any(a < b for a, b in zip(few, many, strict=True))


def test_predictions_do_not_change_with_the_truth_of_what_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    made = task()
    first = splits(made, 20)[0]
    monkeypatch.setattr(judge, "splits", lambda *_: [first])
    truths = (made.truth(), unseen(made.truth(), np.setdiff1d(np.arange(90), first.fitted)))
    one, two = (captured(monkeypatch, judge, lambda t=t: labelled(made, t, 20, 20, ["losses"])) for t in truths)
    assert one[0][1] == pytest.approx(two[0][1], abs=1e-12) and np.ptp(one[0][1]) > 0


def test_without_labels_half_a_is_not_among_the_ranks_either() -> None:
    made = halved()
    alone = made.of_judged()
    found, wanted = (unlabelled(each, each.truth(), 20) for each in (made, alone))
    pd.testing.assert_frame_equal(found, wanted)


def of_cells(n: int) -> Task:
    """The made-up task with the names of cells of NAS-Bench-201."""
    made = task(n=n).frame
    names = dict(zip(made["architecture"].unique(), [a.name for a in NasBench201().sample(n, 0)], strict=True))
    return Task("made", made.assign(architecture=made["architecture"].map(names)))


def test_the_strongest_model_knows_neither_later_steps_nor_the_truth_of_what_is_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = of_cells(60)
    later = made.frame.assign(movement=made.frame["movement"].where(made.frame["step"] < 20, 7.0))
    found, others = (strongest.blocks(each, 10) for each in (made, Task("made", later)))
    for name, blocks in found.items():
        assert all(x == pytest.approx(y, nan_ok=True) for x, y in zip(blocks, others[name], strict=True))
    first = splits(made, 20)[0]
    monkeypatch.setattr(strongest, "splits", lambda *_: [first])
    truths = (made.truth(), unseen(made.truth(), np.setdiff1d(np.arange(60), first.fitted)))
    known = {strongest.BASE: found[f"{strongest.BASE} + losses"]}
    one, two = (
        captured(monkeypatch, strongest, lambda t=t: strongest._judged(with_truth(made, t), known, 20)) for t in truths
    )
    assert one[0][1] == pytest.approx(two[0][1], abs=1e-9) and one[0][0].tolist() == first.judged.tolist()


def with_truth(made: Task, truth: np.ndarray) -> Task:
    known = dict(zip(made.architectures, truth, strict=True))
    return Task("made", made.frame.assign(truth=made.frame["architecture"].map(known)))


def test_labels_of_the_halves_are_scored_among_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, truth = [], np.random.default_rng(0).normal(size=400)

    def scores(raw: object, fitted: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        seen.append((fitted, y))
        return {halves.BASE: np.arange(400.0)}

    monkeypatch.setattr(halves, "scores", scores)
    monkeypatch.setattr(halves, "DRAWS", 2)
    found = list(halves._labelled({}, truth, np.array([f"g{i}" for i in range(400)], dtype=object)))
    assert [set(each["half"]) for each in found] == [{"A"}] * 3 + [{"B"}] * 4
    assert all(y == pytest.approx(normal_scores(truth[fitted][:, None])[:, 0]) for fitted, y in seen)
    assert all((fitted < 200).all() for fitted, _ in seen[:12]) and len({tuple(f) for f, _ in seen}) > 7


def test_each_half_is_ranked_by_its_own_proxies_and_descriptions() -> None:
    random = np.random.default_rng(5)
    frame = pd.DataFrame({name: random.normal(size=400) for name in AGGREGATE})
    raw = {"features": random.normal(size=(400, 3)), "facts": random.normal(size=(400, len(halves.FACTS)))}
    truth = random.normal(size=400)
    for half, own in (("A", slice(0, 200)), ("B", slice(200, 400))):
        found = {str(t["half"].iloc[0]): t.set_index("predictor")["tau"] for t in halves._unlabelled({0: frame}, raw, truth)}[half]  # fmt: skip  # noqa: E501
        wanted = halves.aggregates({0: frame.iloc[own]}, raw["features"][own])
        for name, scores in wanted.items():
            assert found[name] == pytest.approx(kendalltau(scores, truth[own])[0]), (half, name)
        assert found["flops"] == pytest.approx(kendalltau(raw["facts"][own, 0], truth[own])[0])


def test_the_first_architecture_of_half_b_is_of_half_b() -> None:
    proxies = pd.DataFrame({"architecture": [f"a{i}" for i in range(6)], "seed": 0, "flops": 1.0})
    found = recorded.with_halves(proxies[["architecture"]], proxies)
    assert found["half"].tolist() == ["A"] * 3 + ["B"] * 3


def test_an_accuracy_after_twelve_epochs_is_not_there_before_the_training() -> None:
    cells = NasBench201().sample(4, 0)
    proxies = pd.DataFrame({"architecture": [a.name for a in cells], "seed": 0, "untrained_jacov": 1.0})
    ends = pd.Series([10.0, 20.0, 30.0, 40.0], index=proxies["architecture"])
    found = recorded.of_twelve_epochs(proxies, ends, lambda _: ends + 50)
    assert found["step"].tolist() == [0, 12] * 4 and found["valid_accuracy"][found["step"] == 0].isna().all()
    assert found["valid_accuracy"].dropna().tolist() == ends.tolist()
    assert found["half"].drop_duplicates().tolist() == ["A", "B"]


def test_recorded_trainings_read_validation_accuracies_and_leave_out_classes_of_half_a(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: dict[str, Any] = {}

    def find(*asked: object) -> SimpleNamespace:
        return SimpleNamespace(mean=lambda: asked[:3])

    def keep(name: str, *given: Any) -> pd.DataFrame:
        seen[name] = given
        return pd.DataFrame({"architecture": ["a"], "step": [0]})

    monkeypatch.setattr(benchmark_table, "find", find)
    monkeypatch.setattr(recorded, "stored_curves", lambda *_: SimpleNamespace(traces={}))
    monkeypatch.setattr(recorded, "of_curves", lambda *given: keep("curves", *given))
    monkeypatch.setattr(recorded, "of_twelve_epochs", lambda *given: keep("twelve", *given))
    proxies = pd.DataFrame({"architecture": ["a", "b", "c", "d"] * 2})
    recorded.write(tmp_path, "", tmp_path, proxies)
    assert seen["curves"][1] == ["a", "b"] and seen["twelve"][1] == ("cifar10-valid", "valid", 12)
    assert seen["twelve"][2]("cifar100") == seen["curves"][3]("cifar100") == ("cifar100", "test", 200)


def test_partial_tau_of_a_literal_run_is_given_what_its_name_says_at_its_own_step(tmp_path: Path) -> None:
    random = np.random.default_rng(6)
    names = [f"a{i}" for i in range(40)]
    truth, live = random.normal(size=40), random.integers(0, 9, size=40).astype(float)
    pd.DataFrame({"architecture": names, "truth": truth}).to_parquet(tmp_path / "architectures.parquet")
    given: dict[tuple[str, int], np.ndarray] = {}
    for step in (8, 16):
        given |= {("live_flops", step): live, ("train_loss", step): random.normal(size=40) + truth}
        given[("beta_eff", step)] = random.normal(size=40) + 0.5 * truth
    rows = [pd.DataFrame({"architecture": names, "predictor": p, "step": s, "score": v}) for (p, s), v in given.items()]
    pd.concat(rows).to_parquet(tmp_path / "scores.parquet")
    table = pd.DataFrame({"predictor": ["beta_eff", "train_loss", "live_flops"], "step": 8})
    found = literal._given_live_flops(table, tmp_path).set_index("predictor")

    def partial(x: np.ndarray, y: np.ndarray, *known: np.ndarray) -> float:
        if not known:
            return float(kendalltau(x, y)[0])
        *rest, z = known
        xy, xz, yz = partial(x, y, *rest), partial(x, z, *rest), partial(y, z, *rest)
        return (xy - xz * yz) / float(np.sqrt((1 - xz**2) * (1 - yz**2)))

    beta, loss = given["beta_eff", 8], given["train_loss", 8]
    assert found.loc["beta_eff", literal.LIVE[0]] == pytest.approx(partial(beta, truth, live))
    assert found.loc["beta_eff", literal.LIVE[1]] == pytest.approx(partial(beta, truth, live, loss))
    assert found.loc["train_loss", literal.LIVE[0]] == pytest.approx(partial(loss, truth, live))
    assert pd.isna(found.loc["train_loss", literal.LIVE[1]]) and pd.isna(found.loc["live_flops", literal.LIVE[0]])


def test_courses_keep_early_epochs_and_every_second_later_one(tmp_path: Path) -> None:
    names = [f"a{i}" for i in range(literal.SHOWN + 2)]
    pd.DataFrame({"architecture": names, "truth": np.arange(len(names))}).to_parquet(tmp_path / "architectures.parquet")
    rows = pd.DataFrame({"epoch": range(11), "step": range(11), "train_loss": 1.0, "valid_accuracy": 2.0, "beta_eff": 3.0})  # fmt: skip  # noqa: E501
    pd.concat([rows.assign(architecture=name) for name in names]).to_parquet(tmp_path / "trajectories.parquet")
    found = literal.courses({"run": tmp_path})
    assert sorted(found["epoch"].unique().tolist()) == [0, 1, 2, 3, 4, 5, 6, 8, 10]
    assert set(found["architecture"]) == set(names[: literal.SHOWN]) and set(found["truth"]) == set(range(24))


def test_the_halves_are_those_of_the_committed_proxies_in_whatever_order_a_run_wrote_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxies = pd.read_parquet(Path(__file__).parents[2] / "docs" / "findings" / "proxies_halves.parquet")
    order = proxies["architecture"].drop_duplicates().tolist()
    every = [a.name for a in NasBench201(isomorphs="all").sample(None, 0)]
    accuracies = pd.Series(np.arange(15625.0), index=every)
    seen: list[Any] = []
    monkeypatch.setattr(benchmark_table, "find", lambda *_: SimpleNamespace(mean=lambda: accuracies))
    monkeypatch.setattr(halves, "_unlabelled", lambda *given: seen.append(given) or [])
    monkeypatch.setattr(
        halves, "_labelled", lambda *given: [pd.DataFrame(columns=["half", "labels", "predictor", "n"])]
    )
    halves.summary("", proxies.sample(frac=1, random_state=0))
    by_seed, raw, truth = seen[0]
    assert truth.tolist() == accuracies[order].tolist() and len(raw["features"]) == len(order) == 400
    assert all(frame.index.tolist() == order for frame in by_seed.values())


def test_a_description_fitted_at_home_knows_neither_its_own_accuracy_nor_that_of_its_class() -> None:
    random = np.random.default_rng(8)
    rows, truth = random.normal(size=(40, 3)), random.normal(size=40)
    groups = np.array([f"g{i // 2}" for i in range(40)], dtype=object)
    first = changed._cross_fitted([rows], truth, groups)
    for i in (0, 17, 39):
        other = unseen(truth, np.flatnonzero(groups == groups[i]))
        assert changed._cross_fitted([rows], other, groups)[i] == pytest.approx(first[i], abs=1e-12)


def test_a_description_fitted_on_another_task_leaves_out_classes_that_are_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, seen = NasBench201(isomorphs="all"), []
    every = bench.sample(None, 0)
    names = [every[0].name]
    mine = [a.name for a in every if a.group == every[0].group]
    further = [a.name for a in every[:900] if a.group != every[0].group]
    accuracies = pd.Series(np.arange(1.0 + len(mine) + len(further))[1:], index=[*mine, *further])
    monkeypatch.setattr(changed, "LABELS", 10**6)

    def fit(blocks: list[np.ndarray], fitted: np.ndarray, y: np.ndarray) -> np.ndarray:
        seen.append(len(y))
        return np.zeros(len(y) + 1)

    monkeypatch.setattr(changed, "predict", fit)
    known = NasBench201().sample(None, 0, list(accuracies.index))
    changed._known(names, accuracies)
    assert seen == [sum(a.group != every[0].group for a in known)] and seen[0] < len(known)


def test_proxies_are_read_before_the_training_and_vectors_at_its_end() -> None:
    frame = pd.DataFrame({"architecture": ["a", "a", "b", "b"], "step": [0, 8] * 2, "jacov": [1.0, 5.0, 2.0, 6.0]})
    frame["description_features"] = [np.array([i]) for i in range(4)]
    frame["temporal_graph"] = [np.array([10 + i]) for i in range(4)]
    made = collect._with_proxies(frame)
    assert made["untrained_jacov"].tolist() == [1.0, 1.0, 2.0, 2.0]
    small = collect.compact(made)
    assert [c is None for c in small["description_features"]] == [False, True] * 2
    assert [c is None for c in small["temporal_graph"]] == [True, False] * 2
    assert small["description_features"][2].tolist() == [2] and small["temporal_graph"][3].tolist() == [13]


def test_a_family_reads_nothing_past_its_budget() -> None:
    made = task()
    later = Task("made", made.frame.assign(train_loss=made.frame["train_loss"].where(made.frame["step"] < 20, 9.0)))
    for course in (False, True):
        first, second = (each.values(["train_loss"], 10, course) for each in (made, later))
        assert first == pytest.approx(second, nan_ok=True)
