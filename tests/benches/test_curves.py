"""Recorded curves, from small files written in the true formats."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from nats_bench import ArchResults, ResultsCount, api_utils
from scipy.stats import kendalltau, spearmanr

from harness.benches.nasbench201 import archive, curves, space, table
from harness.benches.nasbench201.bench import NasBench201
from harness.benches.nats.convert import convert
from harness.benches.nats.converted import Converted
from harness.benches.nats.curves import Stored
from harness.benches.nats.spaces import TSS
from harness.datasets.digits import Digits
from harness.evaluate.scoring import score_all
from harness.evaluate.scoring_table import ScoringInput
from harness.predictors.column_value import ColumnValue
from harness.predictors.curve_combination import CurveCombination
from harness.predictors.lcsvr import LcSVR
from harness.predictors.learning_curve_extrapolation import LCE
from harness.schema import BadInput, StoredCurves
from tests.benches import nats_records

DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent"))
NAMES = [str(cell) for cell in space.every_cell()[7:5007:1000]]
SPLITS = {  # recorded each epoch, and after the last alone, by data set and schedule
    ("cifar10-valid", 12): (["x-valid", "ori-test"], []),
    ("cifar10-valid", 200): (["x-valid"], ["ori-test"]),
    ("cifar10", 200): (["ori-test"], []),
    ("cifar100", 12): (["x-valid", "x-test", "ori-test"], []),
    ("cifar100", 200): (["ori-test"], ["x-valid", "x-test"]),
}
OFFSET = {"x-valid": 0.0, "x-test": 0.25, "ori-test": 0.5}


def stored_curves(
    source: str, train_set: str, split: str, epochs: int, seed: int | None, data: str, allow_test_leak: bool = False
) -> Stored:
    wanted = StoredCurves(source, split, epochs, seed, allow_test_leak)
    return curves.stored_curves(train_set, wanted, data)


def accuracy(place: int, split: str, seed: int, epoch: int) -> float:
    return 10 + place + OFFSET[split] + seed / 10_000 + epoch / 10


def record(place: int, epochs: int, seeds: list[int]) -> dict:
    results = ArchResults(place, NAMES[place])
    for (dataset, schedule), (every, last) in SPLITS.items():
        for seed in seeds if schedule == epochs else []:
            train = {e: 20.0 + seed / 1000 + e / 10 for e in range(epochs)}
            losses = {e: 2.0 - e / 1000 for e in range(epochs)}
            result = ResultsCount(dataset, None, train, losses, 0.1, 1.0, {}, seed, epochs, None)
            for split in every:
                whole = {e: accuracy(place, split, seed, e) for e in range(epochs)}
                result.update_OLD_eval(split, whole, {e: 3.0 - e / 1000 for e in range(epochs)})
            for split in last:
                end = {epochs - 1: accuracy(place, split, seed, epochs - 1)}
                result.update_OLD_eval(split, end, end)
            if dataset != "cifar100":
                result.reset_pseudo_train_times(7.5)
            results.update(dataset, seed, result)
    return results.state_dict()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An archive of five architectures, of which three have a pickle; the last of them lacks the seed 999."""
    path = tmp_path_factory.mktemp("data")
    folder = path / archive.FOLDER
    folder.mkdir()
    api_utils.pickle_save({"meta_archs": NAMES, "total_archs": 5}, folder / "meta.pickle")
    for place, seeds in {0: [777, 999], 2: [777, 999], 4: [777]}.items():
        both = {"12": record(place, 12, [111]), "200": record(place, 200, seeds)}
        api_utils.pickle_save(both, folder / f"{place:06d}.pickle")
    return str(path)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """The file of curves, of the places 1, 3 and 4, with the table that names them."""
    pd.DataFrame({"arch_str": NAMES, "arch_index": range(5)}).to_parquet(tmp_path / table.PARQUET)
    random = np.random.default_rng(0)
    train, valid = (random.uniform(10, 90, (3, 200)).astype(np.float32) for _ in range(2))
    np.savez(tmp_path / curves.CURVES, arch_index=np.array([1, 3, 4]), train_acc=train, valid_acc=valid)
    return str(tmp_path)


def test_a_trace_is_the_recorded_training_epoch_by_epoch(data: str) -> None:
    stored = stored_curves("nats", "cifar10-valid", "valid", 200, 777, data)
    assert list(stored.traces) == [NAMES[0], NAMES[2], NAMES[4]]
    assert not stored.leak and stored.label.startswith("cifar10-valid x-valid 200 epochs, seed 777")
    trace = stored.traces[NAMES[2]]
    assert (trace.seed, trace.architecture.index, trace.diverged) == (777, 2, None)
    rows = trace.table
    assert rows["step"].tolist() == [98 * e for e in range(201)]
    assert rows["epoch"].tolist() == list(range(201))
    assert rows["seconds"].to_numpy() == pytest.approx(7.5 * np.arange(201))
    assert rows["valid_accuracy"].to_numpy()[1:] == pytest.approx([accuracy(2, "x-valid", 777, e) for e in range(200)])
    assert rows["train_accuracy"].iloc[1] == pytest.approx(20.777)
    assert rows["train_loss"].iloc[2] == pytest.approx(1.999) and rows["valid_loss"].iloc[2] == pytest.approx(2.999)
    assert rows[["train_loss", "train_accuracy", "valid_loss", "valid_accuracy"]].iloc[0].isna().all()


def test_a_mean_is_over_the_seeds_that_there_are_and_a_missing_seed_is_not_filled_in(data: str) -> None:
    mean = stored_curves("nats", "cifar10-valid", "valid", 200, None, data)
    both = np.mean([accuracy(0, "x-valid", seed, 0) for seed in (777, 999)])
    assert mean.traces[NAMES[0]].table["valid_accuracy"].iloc[1] == pytest.approx(both)
    assert mean.traces[NAMES[4]].table["valid_accuracy"].iloc[1] == pytest.approx(accuracy(4, "x-valid", 777, 0))
    assert "mean over recorded seeds" in mean.label
    assert list(stored_curves("nats", "cifar10-valid", "valid", 200, 999, data).traces) == [NAMES[0], NAMES[2]]
    with pytest.raises(BadInput, match="seed 888"):
        stored_curves("nats", "cifar10-valid", "valid", 200, 888, data)


def test_the_short_schedule_is_another_training(data: str) -> None:
    stored = stored_curves("nats", "cifar10-valid", "valid", 12, 111, data)
    assert NAMES[4] in stored.traces
    assert len(stored.traces[NAMES[4]].table) == 13


@pytest.mark.parametrize(
    ("train_set", "split", "epochs", "updates"),
    [("cifar100", "valid", 200, 196), ("cifar10", "valid", 200, 196), ("cifar10-valid", "test", 12, 98)],
)
def test_curves_on_test_images_are_refused_unless_allowed_and_then_say_so(
    train_set: str, split: str, epochs: int, updates: int, data: str
) -> None:
    with pytest.raises(BadInput, match=r"must be a curve without test images \(got ori-test .*allow_test_leak"):
        stored_curves("nats", train_set, split, epochs, None, data)
    stored = stored_curves("nats", train_set, split, epochs, None, data, allow_test_leak=True)
    assert stored.leak and "ori-test" in stored.label and "test images" in stored.label
    rows = stored.traces[NAMES[4]].table
    seed = 777 if epochs == 200 else 111
    assert rows["valid_accuracy"].iloc[1] == pytest.approx(accuracy(4, "ori-test", seed, 0))
    assert rows["step"].iloc[1] == updates


def test_the_short_schedule_of_cifar100_has_a_validation_curve(data: str) -> None:
    stored = stored_curves("nats", "cifar100", "valid", 12, 111, data)
    assert not stored.leak
    rows = stored.traces[NAMES[0]].table
    assert rows["valid_accuracy"].iloc[-1] == pytest.approx(accuracy(0, "x-valid", 111, 11))
    assert rows["seconds"].iloc[1:].isna().all()  # no times are recorded there


def test_the_published_file_gives_accuracies_alone(file: str) -> None:
    stored = stored_curves("curves", "cifar10-valid", "valid", 200, None, file)
    assert list(stored.traces) == [NAMES[1], NAMES[3], NAMES[4]]
    rows = stored.traces[NAMES[4]].table
    with np.load(Path(file) / curves.CURVES) as content:
        assert rows["valid_accuracy"].to_numpy()[1:] == pytest.approx(content["valid_acc"][2])
        assert rows["train_accuracy"].to_numpy()[1:] == pytest.approx(content["train_acc"][2])
    assert rows[["train_loss", "valid_loss"]].isna().all(axis=None)
    assert rows["seconds"].iloc[1:].isna().all()
    assert "mean over seeds" in stored.label


def test_auto_takes_whichever_holds_more_architectures(file: str, data: str) -> None:
    assert curves.CURVES in stored_curves("auto", "cifar10-valid", "valid", 200, None, file).label
    assert archive.FOLDER in stored_curves("auto", "cifar10-valid", "valid", 200, None, data).label
    (Path(file) / archive.FOLDER).symlink_to(Path(data) / archive.FOLDER)
    assert archive.FOLDER in stored_curves("auto", "cifar10-valid", "valid", 200, None, file).label
    assert archive.FOLDER in stored_curves("auto", "cifar10-valid", "valid", 200, 777, file).label


def test_the_fingerprint_is_that_of_the_numbers(data: str) -> None:
    first, again, other = (
        stored_curves("nats", "cifar10-valid", "valid", 200, seed, data).fingerprint for seed in (777, 777, 999)
    )
    assert first == again != other


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (("curves", "cifar100", "valid", 12, None), "nb201_curves"),
        (("curves", "cifar10-valid", "valid", 200, 777), "signal.seed: must be null"),
        (("nats", "cifar10-valid", "valid", 90, None), "cifar10-valid 200"),
        (("nats", "cifar10-valid", "valtest", 200, None), "test, valid"),
        (("nats", "cifar10-valid", "test", 200, None), "recorded each epoch"),
        (("tape", "cifar10-valid", "valid", 200, None), "'auto' or 'nats' or 'curves'"),
    ],
)
def test_what_is_not_recorded_is_refused(request_: tuple, message: str, file: str) -> None:
    with pytest.raises(BadInput, match=message):
        stored_curves(*request_, data=file)


def test_missing_and_damaged_files_are_named(tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCH_HOME", raising=False)
    for source, name in (("nats", archive.FOLDER), ("curves", curves.CURVES), ("auto", archive.FOLDER)):
        with pytest.raises(BadInput, match=rf"missing .*{name} \(expected in {tmp_path / 'empty'}"):
            stored_curves(source, "cifar10-valid", "valid", 200, None, str(tmp_path / "empty"))
    path = Path(file) / curves.CURVES
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadInput, match=str(path)):
        stored_curves("curves", "cifar10-valid", "valid", 200, None, file)
    np.savez(path, arch_index=np.array([1]), train_acc=np.ones((1, 200)), valid_acc=np.full((1, 200), 101.0))
    with pytest.raises(BadInput, match="percentages in valid_acc"):
        stored_curves("curves", "cifar10-valid", "valid", 200, None, file)


@pytest.mark.real
def test_real_curves_rank_as_published_and_every_curve_predictor_runs_on_them() -> None:
    if not (DATA / curves.CURVES).is_file() or not (DATA / table.PARQUET).is_file():
        pytest.skip("HARNESS_DATA has no curves and table")
    stored = stored_curves("curves", "cifar10-valid", "valid", 200, None, str(DATA))
    truth = table.from_parquet(DATA / table.PARQUET, "cifar10", "test", 200).mean()
    accuracies = np.array([truth[name] for name in stored.traces])
    for epoch, published in {1: 0.396, 4: 0.603, 12: 0.734, 50: 0.839, 150: 0.957}.items():
        seen = [trace.table["valid_accuracy"].iloc[epoch] for trace in stored.traces.values()]
        assert spearmanr(seen, accuracies).statistic == pytest.approx(published, abs=1e-3)

    shape, traces = space.Shape(16, 5, 32, 3, 10), []
    for name, trace in stored.traces.items():
        cell = space.parse(name)
        facts = {
            "params": float(space.params(cell, shape)),
            "flops": float(space.flops(cell, shape)),
            "layers": float(space.layers(cell, shape)),
        }
        traces.append(replace(trace, table=trace.table.assign(**facts)))
    predictors = {
        "valacc": ColumnValue("valid_accuracy", 1.0, "learning_curve"),
        "best": ColumnValue("valid_accuracy", 1.0, "learning_curve", "best"),
        "lce": LCE(horizon_epochs=200.0),
        "lcsvr": LcSVR(),
        "cl": CurveCombination(),
    }
    scores = score_all(predictors, ScoringInput(traces, accuracies, [98 * e for e in (4, 12, 50)], 5, 0))[0]
    final = dict(zip(stored.traces, accuracies, strict=True))
    for name in predictors:
        taus = [
            kendalltau(rows["score"], rows["architecture"].map(final)).statistic
            for _, rows in scores[scores["predictor"] == name].groupby("step")
        ]
        assert taus[0] > 0.35 and taus[1] > 0.45 and taus[2] > 0.5, (name, taus)


@pytest.mark.real
def test_the_real_archive_and_the_real_file_hold_the_same_curves() -> None:
    if archive.folder(str(DATA)) is None or not (DATA / curves.CURVES).is_file():
        pytest.skip("HARNESS_DATA has no archive and curves")
    recorded = stored_curves("nats", "cifar10-valid", "valid", 200, None, str(DATA)).traces
    published = stored_curves("curves", "cifar10-valid", "valid", 200, None, str(DATA)).traces
    common = recorded.keys() & published.keys()
    assert common
    for name in common:
        for column in ("train_accuracy", "valid_accuracy"):
            ours, theirs = (traces[name].table[column].to_numpy()[1:] for traces in (recorded, published))
            np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_a_bench_tells_what_it_recorded_and_refuses_a_curve_that_ends_in_the_truth(file: str) -> None:
    bench = NasBench201(channels=16, cells=5)
    found = bench.recorded("cifar10", StoredCurves(), file)
    assert found.label.endswith("the same training runs as the ground truth") and not found.leak
    assert len(found.images.train[1]) == 25_000 and found.images.size == 32
    twelve = replace(bench, target_epochs=12).recorded("cifar10", StoredCurves(), file)
    assert "the truth is from" not in twelve.label
    with pytest.raises(BadInput, match=r"signal\.split: must be another split than bench\.target_split"):
        replace(bench, target_split="valid").recorded("cifar10", StoredCurves(), file)
    with pytest.raises(
        BadInput, match=r"bench\.channels, bench\.cells: must be \(16, 5\), the size of the recorded networks"
    ):
        NasBench201().recorded("cifar10", StoredCurves(), file)
    with pytest.raises(BadInput, match="dataset: must be a data set of the benchmark"):
        bench.recorded("digits", StoredCurves(), file)


@pytest.mark.parametrize(("train_set", "target"), [("cifar10", "test"), ("cifar100", "valtest")])
def test_a_curve_that_ends_in_the_truth_under_another_name_is_refused(
    tmp_path: Path, train_set: str, target: str
) -> None:
    nats_records.write(tmp_path)
    bench = NasBench201(channels=16, cells=5, train_set=train_set, target_split=target)
    leaking = StoredCurves(source="nats", split="valid", allow_test_leak=True)  # falls back to ori-test in both
    message = (
        rf"signal\.split: must be another split than bench\.target_split.*\(got 'valid', recorded as ori-test, for"
        rf" '{target}' of {train_set} 200"
    )
    with pytest.raises(BadInput, match=message):
        bench.recorded(train_set, leaking, str(tmp_path))
    assert replace(bench, target_epochs=12).recorded(train_set, leaking, str(tmp_path)).leak
    if train_set == "cifar100":  # x-test is half of those images, and no curve's last value
        assert replace(bench, target_split="test").recorded(train_set, leaking, str(tmp_path)).leak


def test_converted_tables_give_the_same_traces_and_are_taken_where_they_hold_as_much(tmp_path: Path) -> None:
    folder = nats_records.write(tmp_path, left_out={4: (777, 888)})
    asked = [("cifar10-valid", "valid", 200, None), ("cifar10-valid", "valid", 200, 888),
             ("cifar100", "test", 12, None), ("imagenet16-120", "valtest", 200, 999)]  # fmt: skip
    official = [stored_curves("nats", *one, str(tmp_path), True) for one in asked]
    convert("tss", folder, tmp_path)
    for one, theirs in zip(asked, official, strict=True):
        ours = stored_curves("nats", *one, str(tmp_path), True)
        assert ours.label == theirs.label.replace(archive.FOLDER, "nats-tss") and ours.leak == theirs.leak
        assert list(ours.traces) == list(theirs.traces)
        for name, trace in ours.traces.items():
            assert (trace.seed, trace.architecture) == (theirs.traces[name].seed, theirs.traces[name].architecture)
            pd.testing.assert_frame_equal(trace.table, theirs.traces[name].table, rtol=1e-6)
    assert list(stored_curves("nats", *asked[1], str(tmp_path)).traces) == [
        nats_records.NAMES["tss"][p] for p in (0, 2)
    ]
    nats_records.put(folder, TSS, 1, nats_records.record(TSS, 1, nats_records.NAMES["tss"][1]))
    assert archive.FOLDER in stored_curves("nats", *asked[0], str(tmp_path)).label
    with pytest.raises(BadInput, match="seed 111"):
        stored_curves("nats", "cifar10-valid", "valid", 200, 111, str(tmp_path))


def test_auto_takes_the_converted_tables_where_they_hold_the_whole_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    convert("tss", nats_records.write(tmp_path), tmp_path)
    bench, data = NasBench201(), str(tmp_path)
    named = replace(bench, source="converted").truth("cifar100", "", data)
    assert named.source.startswith("nats-tss") and len(named.accuracy) == 3
    monkeypatch.setattr(Converted, "whole", True)
    pd.testing.assert_frame_equal(bench.truth("cifar100", "", data).accuracy, named.accuracy)
    assert bench.truth("digits", Digits().load().fingerprint(), data).train_set == "digits"
