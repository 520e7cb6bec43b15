"""A run's numbers follow from its spec: not from order, interruptions or the number of workers."""

from __future__ import annotations

import json
import os
import re
import signal
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from harness.benches.nasbench201 import space
from harness.benches.nasbench201.bench import NasBench201
from harness.benches.tabulated import write
from harness.cli.endings import carry_out
from harness.evaluate.settings import Evaluation
from harness.measures.movement import Movement
from harness.measures.transfer_scores import Transferability
from harness.predictors.column_value import ColumnValue
from harness.processes.workers import OneMachine
from harness.runs import identity
from harness.runs.context import prepare
from harness.runs.engine import Engine
from harness.runs.run import Outcome, run, truth_and_sample
from harness.runs.spec import RunSpec
from harness.schema import COUNTED, FACT_COLUMNS, BadInput, ImageSet, NoScore, Recorded, StoredCurves, Trace, columns
from harness.schema.made_with import mixture
from harness.schema.progress import silent
from harness.storage.traces import TraceStore
from harness.train.machine import machine_facts
from harness.train.native.library import CannotCompile, compiler, library
from harness.train.recipe import Recipe
from tests.conftest import CLOCK, tiny_images

needs_compiler = pytest.mark.skipif(compiler() is None, reason="needs a C compiler: cc, gcc or clang")


@dataclass(frozen=True)
class Tiny:
    name: str = "tiny"

    def load(self, data: str | None) -> ImageSet:
        return tiny_images()


@dataclass(frozen=True)
class Moody:
    """Has an opinion of deep networks only."""

    columns: list[str] = field(default_factory=lambda: ["layers", "valid_loss"])
    family: str = "control"

    def score(self, trace: Trace) -> float:
        if trace.column("layers")[0] < 12:
            raise NoScore("too shallow")
        return trace.column("valid_loss")[-1]


@dataclass(frozen=True)
class Deadly(Moody):
    """Kills whatever process it is asked in."""

    def score(self, trace: Trace) -> float:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0.0


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    """A table of ground truth with invented accuracies of 30 architectures."""
    path = tmp_path_factory.mktemp("truth") / "tiny.parquet"
    random = np.random.default_rng(0)
    names = [a.name for a in NasBench201().sample(30, 1)]
    rows = [(name, seed, 1, *random.uniform(1, 99, 5)) for name in names for seed in (0, 1)]
    columns = [
        "architecture",
        "seed",
        "epoch",
        "train_loss",
        "valid_loss",
        "valid_accuracy",
        "test_loss",
        "test_accuracy",
    ]
    about = {"dataset": "tiny", "dataset_fingerprint": tiny_images().fingerprint(), "made_by": "a test"}
    write(path, pd.DataFrame(rows, columns=columns), about)
    return path


def spec(table: Path, results: Path, **changes) -> RunSpec:
    settings = {
        "bench": NasBench201(channels=2, source=str(table)),
        "dataset": Tiny(),
        "recipe": Recipe(steps=4, batch=20, observe_every=2),
        "measures": {"movement": Movement()},
        "predictors": {
            "movement": ColumnValue("movement", 1.0, "movement"),
            "flops": ColumnValue("flops", 1.0, "size"),
            "moody": Moody(),
        },
        "evaluation": Evaluation(bootstrap=50),
        "engine": Engine(workers=1),
        "seed": 0,
        "architectures": 8,
        "data": None,
        "results": results,
        "settings": "a: b\n",
    }
    return RunSpec(**(settings | changes))


def scores(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "scores.parquet").sort_values(
        ["predictor", "step", "architecture"], ignore_index=True
    )


@pytest.fixture(scope="module")
def finished(table, tmp_path_factory) -> Path:
    return run(spec(table, tmp_path_factory.mktemp("results")), silent).folder


@pytest.mark.slow
def test_two_workers_give_the_numbers_of_one(table, finished, tmp_path) -> None:
    two = run(spec(table, tmp_path, engine=Engine(workers=2)), silent)
    pd.testing.assert_frame_equal(scores(two.folder), scores(finished))


@pytest.mark.slow
def test_workers_that_scored_many_traces_end_before_the_scores_are_judged(table, tmp_path, monkeypatch) -> None:
    order = []
    monkeypatch.setattr(OneMachine, "release", lambda self: order.append("release"))
    told = lambda stage, done, total: order.append(stage)  # noqa: E731
    for many, ends in ((7, True), (8, False)):
        monkeypatch.setattr("harness.runs.run.MANY", many)
        order.clear()
        run(spec(table, tmp_path / str(many)), told)
        assert ("release" in order) == ends
        if ends:
            last, first = len(order) - order[::-1].index("score") - 1, order.index("judge")
            assert last < order.index("release") < first


@pytest.mark.slow
def test_where_scoring_kills_its_workers_the_command_ends_with_code_3_and_the_reason(
    table, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr("harness.evaluate.scoring.WORTH_SHARING", 1)
    predictors = {"deadly": Deadly(), "flops": ColumnValue("flops", 1.0, "size")}
    wanted = spec(table, tmp_path, engine=Engine(workers=2), predictors=predictors)
    assert carry_out(lambda: run(wanted, silent).code) == 3
    said = [line for line in capsys.readouterr().err.splitlines() if "mixed" not in line]
    killed = "worker process killed (SIGKILL(-9)); it may have run out of memory"
    assert said == [
        f"{killed}; repeating what is missing in a new pool",
        f"error: {killed}; re-run the same command to resume",
    ]


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_numbers_of_one_machine(table, finished, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("harness.evaluate.scoring.WORTH_SHARING", 1)
    seen, killed = [], []

    def killer(stage: str, done: int, total: int) -> None:
        seen.append((stage, done))
        if (stage, done) in {("train", 3), ("score", 1)}:
            (*_, worker) = [
                c for c in psutil.Process().children(recursive=True) if "spawn_main" in " ".join(c.cmdline())
            ]
            worker.kill()
            killed.append(worker.pid)

    several = run(spec(table, tmp_path, engine=Engine(workers=2, cluster="local")), killer)
    assert len(killed) == 2 and not several.failures and ("train", 8) in seen
    pd.testing.assert_frame_equal(scores(several.folder), scores(finished))
    assert several.folder.name == finished.name
    for path in sorted((tmp_path / "traces").rglob("*.parquet")):
        one = pd.read_parquet(next((finished.parents[1] / "traces").rglob(path.name)))
        mine = pd.read_parquet(path)
        kept = [column for column in one if not str(column).startswith("seconds")]
        pd.testing.assert_frame_equal(mine[kept], one[kept], check_exact=True)


def test_a_killed_run_goes_on_where_it_was_and_ends_with_the_same_numbers(table, finished, tmp_path) -> None:
    def killer(stage: str, done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(spec(table, tmp_path), killer)
    assert len(list((tmp_path / "traces").rglob("*.parquet"))) == 3
    seen = []
    again = run(spec(table, tmp_path), lambda stage, done, total: seen.append(done) if stage == "train" else None)
    assert seen[0] == 3 and seen[-1] == 8
    pd.testing.assert_frame_equal(scores(again.folder), scores(finished))


def test_a_larger_run_keeps_the_numbers_of_a_smaller_one(table, finished, tmp_path) -> None:
    large = run(spec(table, tmp_path, architectures=12), silent)
    small = scores(finished)
    kept = scores(large.folder).merge(small[["predictor", "step", "architecture"]])
    pd.testing.assert_frame_equal(kept, small)


@pytest.mark.slow
def test_seven_architectures_have_the_scores_that_they_have_among_eight(table, tmp_path) -> None:
    long = Recipe(steps=64, batch=20, observe_every=64)
    few = run(spec(table, tmp_path / "few", architectures=7, recipe=long), silent)
    more = run(spec(table, tmp_path / "more", architectures=8, recipe=long), silent)
    assert few.engine == more.engine
    small = scores(few.folder)
    kept = scores(more.folder).merge(small[["predictor", "step", "architecture"]])
    pd.testing.assert_frame_equal(kept, small)


@pytest.mark.slow
@needs_compiler
def test_native_then_torch_then_native_again_are_two_results_and_the_third_is_the_first(table, tmp_path) -> None:
    def go(kernels: str) -> Outcome:
        return run(spec(table, tmp_path, engine=Engine(workers=1, kernels=kernels)), silent)

    native, torch = go("native"), go("torch")
    first = scores(native.folder)
    again = go("native")
    assert again.folder == native.folder != torch.folder
    pd.testing.assert_frame_equal(scores(again.folder), first)
    assert (status(native.folder)["kernels"], status(torch.folder)["kernels"]) == ("native", "torch")


@pytest.mark.slow
@needs_compiler
def test_a_compiler_that_is_found_later_makes_another_result(table, tmp_path, monkeypatch) -> None:
    def no_compiler() -> None:
        raise CannotCompile("no C compiler is on the path")

    with monkeypatch.context() as without:
        without.setattr("harness.train.native.library.library", no_compiler)
        before = run(spec(table, tmp_path), silent)
    after = run(spec(table, tmp_path, engine=Engine(workers=1, kernels="native")), silent)
    assert status(before.folder)["kernels"] == "torch" and before.folder != after.folder


def test_another_device_is_another_result(table, tmp_path) -> None:
    context = prepare(spec(table, tmp_path))
    cuda = replace(context, campaign=replace(context.campaign, device="cuda:0"))
    sample = truth_and_sample(context)
    assert identity.folder(cuda) != identity.folder(context)
    assert identity.identity(cuda, sample) != identity.identity(context, sample)
    other = replace(context, campaign=replace(context.campaign, device="cuda:1"))
    assert identity.folder(other) == identity.folder(cuda)


def test_a_run_that_skips_holds_the_rest_of_the_draw_with_its_numbers(table, finished, tmp_path) -> None:
    rest = run(spec(table, tmp_path, architectures=3, skip=5), silent)
    drawn = [a.name for a in NasBench201().sample(8, 0, pd.read_parquet(table)["architecture"].unique())]
    assert pd.read_parquet(rest.folder / "architectures.parquet")["architecture"].tolist() == drawn[5:]
    assert rest.folder.name.startswith("seed0-n3-skip5-") and status(rest.folder)["skip"] == 5
    whole = scores(finished)
    kept = whole[whole["architecture"].isin(drawn[5:])].reset_index(drop=True)
    pd.testing.assert_frame_equal(scores(rest.folder), kept)


def test_a_draw_that_ends_before_the_run_is_refused_by_name(table, tmp_path) -> None:
    with pytest.raises(BadInput, match=r"^skip: must leave 8 architectures \(got 25\); .* 1 to 30 .*\(got 33\)$"):
        run(spec(table, tmp_path, skip=25), silent)
    with pytest.raises(BadInput, match=r"^skip: must be at least 0 \(got -1\)$"):
        spec(table, tmp_path, skip=-1)


def test_a_reversed_order_of_training_changes_nothing(table, finished, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(NasBench201, "sample", lambda *a, old=NasBench201.sample: old(*a)[::-1])
    backwards = run(spec(table, tmp_path), silent)
    pd.testing.assert_frame_equal(scores(backwards.folder), scores(finished))


def test_the_same_run_again_trains_nothing_and_leaves_its_tables_alone(table, tmp_path) -> None:
    first = run(spec(table, tmp_path), silent)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    assert run(spec(table, tmp_path), silent).folder == first.folder
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()} == before


def test_another_setting_is_another_folder(table, finished, tmp_path) -> None:
    other = run(spec(table, tmp_path, evaluation=Evaluation(bootstrap=51)), silent)
    assert other.folder.name != finished.name


def test_scores_that_are_missing_are_failures_with_their_reason(finished) -> None:
    failures = pd.read_parquet(finished / "failures.parquet")
    metrics = pd.read_parquet(finished / "metrics.parquet")
    moody = failures[(failures["predictor"] == "moody") & (failures["step"] == 4)]
    assert len(moody) > 0 and set(moody["reason"]) == {"too shallow"}
    row = metrics[(metrics["predictor"] == "moody") & (metrics["step"] == 4)].iloc[0]
    assert (row["failed"], row["n"]) == (len(moody), 8 - len(moody))


@pytest.mark.slow
def test_facts_are_no_part_of_a_stored_trace_and_are_the_same_for_one_of_an_earlier_version(table, tmp_path) -> None:
    """Earlier versions stored params, flops and layers; a fact that they do not know must train nothing again."""
    first = run(spec(table, tmp_path), silent)
    context = prepare(spec(table, tmp_path))
    keys = [context.campaign.key(a.name, 0) for a in truth_and_sample(context).architectures]
    traces = [context.store.read(key) for key in keys]
    assert not any(set(FACT_COLUMNS) & set(trace.table) for trace in traces)
    for key, trace in zip(keys, traces, strict=True):
        context.store.write(key, replace(trace, table=trace.table.assign(params=1.0, flops=2.0, layers=3.0)))

    def none_trained(stage: str, done: int, total: int) -> None:
        assert stage != "train" or done == total, "trained again"

    live = {"live_flops": ColumnValue("live_flops", 1.0, "size")}
    predictors = spec(table, tmp_path).predictors | live
    second = run(spec(table, tmp_path, predictors=predictors), none_trained)
    before, after = (pd.read_parquet(folder / "trajectories.parquet") for folder in (first.folder, second.folder))
    assert after[list(COUNTED)].equals(before[list(COUNTED)])
    scored = scores(second.folder).query("predictor == 'live_flops'").set_index("architecture")["score"]
    for name, value in scored.items():
        cell = space.parse(str(name))
        assert value == space.live_flops(cell, space.Shape(2, 1, *tiny_shape()))


def tiny_shape() -> tuple[int, int, int]:
    images = tiny_images()
    return images.size, images.colours, images.classes


def test_a_benchmark_that_knows_no_such_fact_has_nan(table, tmp_path) -> None:
    class Older(NasBench201):
        def facts(self, architecture, images):
            return {"params": 1.0, "flops": 2.0, "layers": 3.0}

    campaign = replace(prepare(spec(table, tmp_path)).campaign, bench=Older(source=str(table)))
    architecture = NasBench201().sample(1, 0)[0]
    trace = campaign.with_facts(Trace(architecture, 0, pd.DataFrame({"step": [0, 2]})))
    assert trace.table["live_flops"].isna().all() and set(trace.table["flops"]) == {2.0}


def test_costs_count_training_for_all_but_facts(finished) -> None:
    metrics = pd.read_parquet(finished / "metrics.parquet").set_index(["predictor", "step"])["seconds"]
    assert metrics["flops", 4] == 0
    assert metrics["movement", 4] > metrics["movement", 2] > 0


@dataclass(frozen=True)
class Patient(Moody):
    """Takes a while to be fitted, and to say something."""

    columns: list[str] = field(default_factory=lambda: ["movement", "layers"])

    def fit(self, traces, accuracies):
        CLOCK.sleep(0.05)
        return Patiently()


@dataclass(frozen=True)
class Patiently(Moody):
    def score(self, trace: Trace) -> float:
        CLOCK.sleep(0.01)
        return trace.column("layers")[0]


@dataclass(frozen=True)
class Pausing(ColumnValue):
    """Takes a moment to say something."""

    def score(self, trace: Trace) -> float:
        CLOCK.sleep(0.002)
        return super().score(trace)


@pytest.mark.usefixtures("clock")
def test_costs_are_those_of_one_more_architecture_and_what_went_before_stands_apart(table, tmp_path) -> None:
    learned = {"patient": Patient(), "facts": Widths(), "movement": Pausing("movement", 1.0, "movement")}
    folder = run(spec(table, tmp_path, predictors=learned, evaluation=Evaluation(bootstrap=20, folds=4)), silent).folder
    metrics = pd.read_parquet(folder / "metrics.parquet").set_index(["predictor", "step"])
    trained = pd.read_parquet(folder / "trajectories.parquet").sort_values("step")
    for step in (2, 4):
        upto = trained[trained["step"] <= step].groupby("architecture")
        one = (upto["seconds"].last() + upto["seconds_movement"].sum()).mean()
        patient, movement, facts = (metrics.loc[name, step] for name in ("patient", "movement", "facts"))
        assert movement["seconds"] == pytest.approx(one + 0.002)
        assert patient["seconds"] == pytest.approx(one + 0.01)
        assert patient["fitted_on"] == 6 and movement["fitted_on"] == movement["initial_seconds"] == 0
        assert patient["initial_seconds"] == pytest.approx(6 * one + 0.05 + 6 * 0.01)
        assert facts["seconds"] == 0 and facts["fitted_on"] == 6
        assert facts["initial_seconds"] == pytest.approx(0.03)


def test_tables_hold_the_columns_that_the_schema_declares(finished) -> None:
    for name, table in columns.RUN_TABLES.items():
        found = pd.read_parquet(finished / f"{name}.parquet").columns
        assert set(table.required) <= set(found), name
        assert table.further or set(found) <= set(table.names), name
    metrics = pd.read_parquet(finished / "metrics.parquet")
    assert metrics.loc[metrics["predictor"] == "flops", "front"].any()
    assert len(pd.read_parquet(finished / "edges.parquet")) == 8 * 6


def test_the_status_says_how_it_was_judged_and_on_which_accuracies(table, finished, tmp_path) -> None:
    said = status(finished)
    assert said["evaluation"] == vars(Evaluation(bootstrap=50))
    changed = tmp_path / "changed.parquet"
    rows = pd.read_parquet(table)
    write(changed, rows.assign(test_accuracy=rows["test_accuracy"] + 1e-9), {
        "dataset": "tiny", "dataset_fingerprint": tiny_images().fingerprint(), "made_by": "a test",
    })  # fmt: skip
    other = run(spec(changed, tmp_path), silent)
    assert status(other.folder)["truth"]["fingerprint"] != said["truth"]["fingerprint"]
    assert len(said["truth"]["fingerprint"]) == 64


def test_the_command_is_stored_and_is_no_part_of_what_names_a_run(table, finished, tmp_path) -> None:
    told = run(spec(table, tmp_path, command="python -m harness +bench=b seed=0"), silent).folder
    assert status(told)["command"] == "python -m harness +bench=b seed=0"
    assert "command" not in status(finished)
    assert (told.name, status(told)["identity"]) == (finished.name, status(finished)["identity"])


def test_a_diverged_training_is_named(table, tmp_path) -> None:
    wild = Recipe(steps=6, batch=20, observe_every=1, learning_rate=1e30)
    folder = run(spec(table, tmp_path, recipe=wild), silent).folder
    failures = pd.read_parquet(folder / "failures.parquet")
    assert failures["reason"].str.match(r"diverged at step \d").any()


def test_a_training_that_fails_is_a_row_and_the_exit_code_tells(table, tmp_path, monkeypatch) -> None:
    victim = run(spec(table, tmp_path / "first"), silent).folder
    name = pd.read_parquet(victim / "architectures.parquet")["architecture"][2]
    build = NasBench201.build

    def broken(self, architecture, images):
        if architecture.name == name:
            raise RuntimeError("no memory left")
        return build(self, architecture, images)

    monkeypatch.setattr(NasBench201, "build", broken)
    outcome = run(spec(table, tmp_path / "second"), silent)
    assert outcome.code == 3
    failures = pd.read_parquet(outcome.folder / "failures.parquet").query("stage == 'train'")
    assert list(failures["architecture"]) == [name]
    assert list(failures["reason"]) == ["RuntimeError: no memory left"]
    metrics = pd.read_parquet(outcome.folder / "metrics.parquet").query("predictor == 'movement'")
    assert (metrics["failed"] == 1).all()
    assert (metrics["n"] == 7).all()
    assert pd.read_parquet(outcome.folder / "architectures.parquet")["truth"].notna().all()


def test_a_column_nobody_measures_is_refused_before_any_training(table, tmp_path) -> None:
    with pytest.raises(
        BadInput, match=r"^predictor\.movement: must be a predictor whose inputs .* \(got \['movement'\]\)$"
    ):
        spec(table, tmp_path, measures={})


def test_two_measures_of_one_column_are_refused(table, tmp_path) -> None:
    with pytest.raises(BadInput, match="measure: must be columns that nothing else writes"):
        spec(table, tmp_path, measures={"a": Movement(), "b": Movement()})


def test_a_table_of_other_images_is_refused(table, tmp_path) -> None:
    other = replace(tiny_images(), name="tiny", classes=4)
    fake = type("Other", (Tiny,), {"load": lambda self, data: other})
    with pytest.raises(BadInput, match="a table made on the images of this data set"):
        run(spec(table, tmp_path, dataset=fake()), silent)


def test_a_budget_at_which_nothing_is_observed_is_refused_before_any_training(table, tmp_path) -> None:
    with pytest.raises(BadInput, match=r"evaluate\.budgets: must be steps that are observed \(0, 2, 4\) \(got \[3\]"):
        run(spec(table, tmp_path, evaluation=Evaluation(budgets=[3])), silent)
    assert not (tmp_path / "traces").exists()


def test_stored_truth_has_a_row_for_every_recorded_seed(finished) -> None:
    truth = pd.read_parquet(finished / "truth.parquet")
    assert len(truth) == 16
    means = truth.groupby("architecture")["accuracy"].mean()
    architectures = pd.read_parquet(finished / "architectures.parquet").set_index("architecture")["truth"]
    pd.testing.assert_series_equal(means.sort_index(), architectures.sort_index(), check_names=False)


def test_what_made_the_updates_is_told(table, tmp_path) -> None:
    folder = run(spec(table, tmp_path, engine=Engine(workers=1, kernels="torch")), silent).folder
    assert json.loads((folder / "environment.json").read_text())["kernels"] == "torch"
    try:
        library()
    except CannotCompile:
        return
    folder = run(spec(table, tmp_path, engine=Engine(workers=1, kernels="native")), silent).folder
    assert re.fullmatch(r"native, \S.*\d+\.\d+.*", json.loads((folder / "environment.json").read_text())["kernels"])


def test_tables_are_written_anew_where_anything_was_trained_for_them(table, tmp_path) -> None:
    folder = run(spec(table, tmp_path), silent).folder
    before = (folder / "status.json").stat().st_mtime_ns
    next((tmp_path / "traces").rglob("*.parquet")).unlink()
    run(spec(table, tmp_path), silent)
    assert (folder / "status.json").stat().st_mtime_ns > before


@dataclass(frozen=True)
class Widths:
    """Learns which sizes of network it was fitted on, and scores their mean."""

    columns: list[str] = field(default_factory=lambda: ["params"])
    family: str = "size"

    def fit(self, traces, accuracies):
        CLOCK.sleep(0.03)
        return ColumnValue("params", 1.0 if max(t.column("params")[0] for t in traces) < 9000 else -1.0, "size")


def test_learned_predictors_may_be_fitted_on_networks_of_other_widths(table: Path, tmp_path: Path) -> None:
    changes = {"predictors": {"widths": Widths()}, "architectures": 6}
    wide = {"bench": NasBench201(channels=6, source=str(table))}
    narrow = (NasBench201(channels=2, source=str(table)), NasBench201(channels=3, source=str(table)))
    own = run(spec(table, tmp_path, **changes, **wide), silent)
    other = run(spec(table, tmp_path, **changes, **wide, fit_benches=narrow), silent)
    assert own.folder != other.folder
    assert len(list((tmp_path / "traces").rglob("*.parquet"))) == 6 * 3
    signs = [score_against_size(o.folder) for o in (own, other)]
    assert signs[0] < 0 < signs[1]  # at C = 6 networks have more than 9,000 parameters, at 2 and 3 they have fewer
    assert [n["channels"] for n in status(other.folder)["fit_on"]] == [2, 3]


def score_against_size(folder: Path) -> float:
    size = pd.read_parquet(folder / "trajectories.parquet").groupby("architecture")["params"].first()
    return scores(folder).set_index("architecture")["score"].corr(size, method="spearman")


def status(folder: Path) -> dict:
    return json.loads((folder / "status.json").read_text())


@dataclass(frozen=True)
class Recording(NasBench201):
    """A benchmark that recorded curves of its first 20 architectures."""

    def recorded(self, dataset, wanted, data):
        random = np.random.default_rng(0)
        traces = {
            a.name: Trace(a, 0, pd.DataFrame({
                "step": [0, 2, 4], "epoch": [0.0, 1.0, 2.0], "seconds": np.nan, "train_loss": np.nan,
                "valid_accuracy": random.uniform(1, 99, 3),
            }))
            for a in NasBench201().sample(20, 1)
        }  # fmt: skip
        return Recorded(traces, tiny_images(), tiny_images().fingerprint(), "tiny, epochs 2", wanted.allow_test_leak)


def test_recorded_curves_are_ranked_without_any_training(table: Path, tmp_path: Path) -> None:
    given = spec(
        table, tmp_path, bench=Recording(source=str(table)), measures={}, signal=StoredCurves(), architectures=15,
        predictors={"valacc": ColumnValue("valid_accuracy", 1.0, "curve"), "flops": ColumnValue("flops", 1.0, "size")},
    )  # fmt: skip
    done = run(given, silent)
    assert not (tmp_path / "traces").exists()
    metrics = pd.read_parquet(done.folder / "metrics.parquet")
    assert set(metrics["n"]) == {15} and set(metrics["step"]) == {0, 2, 4}
    assert metrics.loc[metrics["predictor"] == "valacc", "seconds"].isna().all()
    assert not metrics.set_index("predictor")["front"]["valacc"].any()
    assert status(done.folder)["signal"]["recorded"] == "tiny, epochs 2"
    assert json.loads((done.folder / "environment.json").read_text())["kernels"] == "none"
    stamp = (done.folder / "status.json").stat().st_mtime_ns
    assert run(given, silent).folder == done.folder and (done.folder / "status.json").stat().st_mtime_ns == stamp
    with pytest.raises(BadInput, match="architectures: must be a count from 1 to 20"):
        run(replace(given, architectures=25), silent)


def test_a_measure_that_fails_is_a_row_of_failures_and_the_run_goes_on(table, tmp_path) -> None:
    done = run(spec(table, tmp_path, measures={"movement": Movement(), "broken": Broken()}, architectures=3), silent)
    rows = pd.read_parquet(done.folder / "failures.parquet").query("stage == 'measure'")
    assert rows["reason"].unique().tolist() == ["broken: ValueError: cannot read it"] and len(rows) == 3 * 3
    assert done.code == 0


def test_a_column_that_its_measure_never_gave_is_no_score_with_its_reason(table, tmp_path) -> None:
    readers = {"broken": ColumnValue("broken", 1.0, "control"), "flops": ColumnValue("flops", 1.0, "size")}
    done = run(spec(table, tmp_path, measures={"broken": Broken()}, predictors=readers, architectures=3), silent)
    found = pd.read_parquet(done.folder / "scores.parquet").query("predictor == 'broken'")
    assert found["score"].isna().all() and found["reason"].str.contains("no finite broken").all()


@dataclass(frozen=True)
class Broken:
    columns: tuple[str, ...] = ("broken",)

    def observer(self, scene):
        def observe(model, batch, step):
            raise ValueError("cannot read it")

        return observe


def test_an_architecture_without_a_trace_is_never_passed_over_in_silence(table, tmp_path, monkeypatch) -> None:
    write = TraceStore.write
    lost: list = []

    def forgetful(self, key, trace, made_with=None):
        if not lost or key.architecture == lost[0]:
            lost.append(key.architecture)
        else:
            write(self, key, trace, made_with)

    monkeypatch.setattr(TraceStore, "write", forgetful)
    done = run(spec(table, tmp_path, architectures=4), silent)
    assert [(f.architecture, f.reason) for f in done.failures] == [(lost[0], "no trace was stored")] and done.code == 3


def test_traces_of_several_versions_are_named_in_one_line() -> None:
    here = {"torch": "2.13.0", "numpy": "2.4"}
    assert mixture([here]) == mixture([]) == ""
    assert mixture([here, here | {"torch": "2.12.1"}]) == (
        "traces were made with torch 2.12.1 and 2.13.0: their last digits may differ"
    )
    assert mixture([here, here | {"processor": "one of today"}]) == ""  # a fact that was added later


def test_a_strict_engine_refuses_traces_of_several_machines_before_it_trains_more(table, tmp_path, monkeypatch) -> None:
    strict = Engine(workers=1, strict=True)
    run(spec(table, tmp_path, architectures=3, engine=strict), silent)
    there = set(tmp_path.rglob("*.parquet"))
    here = dict(machine_facts("cpu"))
    monkeypatch.setattr("harness.train.machine.machine_facts", lambda device: here | {"torch": "1.0"})
    with pytest.raises(BadInput, match=r"engine.strict: must be false, or results another folder: .* torch 1.0 and"):
        run(spec(table, tmp_path, architectures=4, engine=strict), silent)
    assert set(tmp_path.rglob("*.parquet")) == there
    assert run(spec(table, tmp_path, architectures=3, engine=strict), silent).code == 0  # nothing is to be trained


def test_transferability_is_read_at_initialization_and_a_score_without_a_value_has_its_reason(table, tmp_path) -> None:
    predictors = {
        "logme": ColumnValue("logme", 1.0, "transferability", "first"),
        "logme_trained": ColumnValue("logme", 1.0, "transferability"),
        "leep": ColumnValue("leep", 1.0, "transferability", "first"),
    }
    measures = {"transferability": Transferability(["logme", "leep"], every=1)}
    folder = run(spec(table, tmp_path, measures=measures, predictors=predictors), silent).folder
    found = {name: rows.pivot(index="architecture", columns="step", values="score").dropna(how="all")
             for name, rows in scores(folder).groupby("predictor")}  # fmt: skip
    first, trained = found["logme"], found["logme_trained"]
    assert len(first) > 4 and found["leep"].empty
    assert all(first[step].equals(first[0]) and trained[0].equals(first[0]) for step in first)
    assert not trained[4].equals(trained[2]) and not trained[2].equals(trained[0])
    failures = pd.read_parquet(folder / "failures.parquet")
    reasons = set(failures.loc[failures["stage"] == "measure", "reason"])
    assert "transferability: leep: the network has no classifier of a source data set" in reasons
