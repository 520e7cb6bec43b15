"""Ground truth from the official archive, on a small folder written with the official package."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from nats_bench import ArchResults, ResultsCount, api_utils

from harness.benches.nasbench201 import archive, table
from harness.benches.nasbench201.space import every_cell
from harness.schema import BadInput

DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent"))
NAMES = [str(cell) for cell in every_cell()[7:5007:1000]]
SETS = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("ori-test", "x-valid", "x-test"),
}


def _accuracy(place: int, dataset: str, split: str, epochs: int, seed: int) -> float:
    return 10 + place + list(SETS).index(dataset) * 20 + len(split) + epochs / 100 + seed / 10_000


def _record(place: int, seeds: dict[int, list[int]]) -> dict[str, dict]:
    """What the archive keeps of one architecture: a state dict of results for each schedule."""
    record = {}
    for epochs, recorded in seeds.items():
        results = ArchResults(place, NAMES[place])
        for dataset, splits in SETS.items():
            for seed in recorded:
                curve = dict.fromkeys(range(epochs), 5.0)
                result = ResultsCount(dataset, None, curve, curve, 0.1, 1.0, {}, seed, epochs, None)
                for split in splits:
                    last = {epochs - 1: np.float64(_accuracy(place, dataset, split, epochs, seed))}
                    result.update_OLD_eval(split, curve | last, curve)
                results.update(dataset, seed, result)
        record[str(epochs)] = results.state_dict()
    return record


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An archive of five architectures, of which three have a pickle; the third lacks the seed 999."""
    path = tmp_path / archive.FOLDER
    path.mkdir()
    api_utils.pickle_save({"meta_archs": NAMES, "total_archs": 5}, path / "meta.pickle")
    for place, seeds in {0: [777, 888, 999], 2: [777, 888, 999], 4: [777, 888]}.items():
        api_utils.pickle_save(_record(place, {12: [111], 200: seeds}), path / f"{place:06d}.pickle")
    return path


@pytest.mark.parametrize(
    ("protocol", "official"),
    [
        (("cifar10-valid", "valid", 200), "x-valid"),
        (("cifar10-valid", "test", 200), "ori-test"),
        (("cifar10", "test", 200), "ori-test"),
        (("cifar100", "valid", 200), "x-valid"),
        (("cifar100", "test", 200), "x-test"),
        (("cifar100", "valtest", 200), "ori-test"),
    ],
)
def test_accuracies_are_those_of_the_named_set_split_schedule_and_seed(
    folder: Path, protocol: table.Protocol, official: str
) -> None:
    truth = archive.from_archive(folder, *protocol)
    assert list(truth.accuracy.index) == [NAMES[0], NAMES[2], NAMES[4]]
    assert list(truth.accuracy.columns) == ["777", "888", "999"]
    for place in (0, 2, 4):
        for seed in (777, 888, 999):
            value = truth.accuracy.loc[NAMES[place], str(seed)]
            if (place, seed) == (4, 999):
                assert np.isnan(value)
            else:
                assert value == _accuracy(place, protocol[0], official, 200, seed)
    assert (truth.train_set, truth.split, truth.epochs) == protocol


def test_the_short_schedule_is_its_own_training_with_its_own_seeds(folder: Path) -> None:
    accuracy = archive.from_archive(folder, "cifar10", "test", 12).accuracy
    assert list(accuracy.columns) == ["111"]
    assert accuracy.loc[NAMES[2], "111"] == _accuracy(2, "cifar10", "ori-test", 12, 111)


@pytest.mark.parametrize(
    "protocol", [("cifar10", "valid", 200), ("cifar10-valid", "valtest", 200), ("cifar10", "test", 90)]
)
def test_a_protocol_that_is_not_there_is_refused(folder: Path, protocol: table.Protocol) -> None:
    with pytest.raises(BadInput, match="cifar10 test 200"):
        archive.from_archive(folder, *protocol)


def test_a_data_set_without_records_gives_no_values(folder: Path) -> None:
    assert archive.from_archive(folder, "imagenet16-120", "test", 200).accuracy.isna().all(axis=None)


def test_official_places_are_known_of_all_architectures(folder: Path) -> None:
    index = archive.from_archive(folder, "cifar10", "test", 200).index
    assert index == {name: place for place, name in enumerate(NAMES)}


def test_a_malicious_pickle_is_refused_unrun_and_named(folder: Path, tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "made"),)

    api_utils.pickle_save({"200": Payload()}, folder / "000003.pickle")
    with pytest.raises(BadInput, match=r"architecture 3: .*mkdir"):
        archive.from_archive(folder, "cifar10", "test", 200)
    api_utils.pickle_save({"meta_archs": Payload()}, folder / "meta.pickle")
    with pytest.raises(BadInput, match="mkdir"):
        archive.from_archive(folder, "cifar10", "test", 200)
    assert not (tmp_path / "made").exists()


def test_the_packages_own_unpickler_is_put_back(folder: Path) -> None:
    archive.from_archive(folder, "cifar10", "test", 200)
    assert api_utils.pickle is pickle
    with pytest.raises(BadInput):
        archive.from_archive(folder / "nowhere", "cifar10", "test", 200)
    assert api_utils.pickle is pickle


def test_a_damaged_pickle_is_named(folder: Path) -> None:
    content = (folder / "000002.pickle.pbz2").read_bytes()
    (folder / "000002.pickle.pbz2").write_bytes(content[:-50])
    with pytest.raises(BadInput, match=r"architecture 2: .*(complete pickle|bz2 stream)"):
        archive.from_archive(folder, "cifar10", "test", 200)


def test_an_accuracy_of_zero_is_not_taken_for_a_value(folder: Path) -> None:
    record = _record(0, {200: [777]})
    record["200"]["all_results"]["cifar10", 777]["eval_acc1es"]["ori-test@199"] = 0.0
    api_utils.pickle_save(record, folder / "000000.pickle")
    with pytest.raises(BadInput, match="accuracies above 0"):
        archive.from_archive(folder, "cifar10", "test", 200)


def test_a_folder_without_architectures_is_refused(folder: Path) -> None:
    for path in folder.glob("0*"):
        path.unlink()
    with pytest.raises(BadInput, match="a folder with records"):
        archive.from_archive(folder, "cifar10", "test", 200)


def test_the_folder_is_found_in_the_data_folder_and_in_torch_home(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = str(tmp_path / "empty")
    monkeypatch.delenv("TORCH_HOME", raising=False)
    assert archive.folder(str(folder.parent)) == folder
    with pytest.raises(BadInput, match=rf"missing folder {archive.FOLDER} \(expected in {empty}"):
        archive.find("cifar10", "test", 200, empty)
    monkeypatch.setenv("TORCH_HOME", str(folder.parent))
    assert archive.folder(empty) == folder
    assert len(archive.find("cifar10", "test", 200, empty).accuracy) == 3


@pytest.mark.real
def test_the_real_archive_agrees_with_the_real_table() -> None:
    path = archive.folder(str(DATA))
    if path is None or not (DATA / table.PARQUET).is_file():
        pytest.skip("HARNESS_DATA has no archive and table")
    places = archive.from_archive(path, "cifar10", "test", 200).index
    assert places == table.indices(DATA / table.PARQUET)
    for protocol in table.PARQUET_COLUMNS:
        official = archive.from_archive(path, *protocol)
        known = table.from_parquet(DATA / table.PARQUET, *protocol)
        assert {0, 11, 284} <= {places[name] for name in official.accuracy.index}
        np.testing.assert_allclose(official.mean(), known.mean()[official.accuracy.index], atol=1e-3)
        if "mean" not in known.accuracy:
            np.testing.assert_allclose(official.accuracy, known.accuracy.loc[official.accuracy.index], atol=1e-3)
