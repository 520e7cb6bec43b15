"""One question, one figure with its meaning, from every source the same; and errors that say why and what there is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nats_bench
import numpy as np
import pandas as pd
import pytest

from harness.benches.nasbench201 import table, tabulated
from harness.benches.nasbench201.bench import NasBench201
from harness.benches.nats import archive, spaces
from harness.benches.nats.convert import convert
from harness.benches.nats.spaces import SPLITS, TRAIN, TRAIN_SETS, Space
from harness.benches.natsbench_sss.bench import NatsBenchSize
from harness.benches.natsbench_sss.space import every_name
from harness.benches.question import Answer, Queryable, Question
from harness.benches.tabulated import write
from harness.schema import BadInput
from tests.benches import nats_records
from tests.benches.nats_records import NAMES, figure

DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent"))
CELL = NAMES["tss"][2]


BENCHES: dict[str, Queryable] = {"nasbench201": NasBench201(), "natsbench_sss": NatsBenchSize()}
KEYS = ("dataset", "train_set", "split", "schedule", "epoch", "seed", "architecture", "source")


def truth(bench: str, *given: object, data: str | None = None, **named: object) -> Answer:
    """The benchmark's answer to the question whose fields are `given` in the order of KEYS, then the data folder."""
    data = str(given[len(KEYS)]) if len(given) > len(KEYS) else data
    asked: dict = dict(zip(KEYS, given, strict=False)) | named
    return BENCHES[bench].query(Question(**asked), data)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    monkeypatch.delenv("TORCH_HOME", raising=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The records 0, 2 and 4 of both spaces, the last without the seed 999, and the tables made of them."""
    path = tmp_path_factory.mktemp("data")
    for space in (spaces.TSS, spaces.SSS):
        folder = nats_records.write(path, space, left_out={4: (999,)})
        convert(space.name, folder, path)
    return str(path)


WAYS = [
    pytest.param(space, source, id=f"{space.name}-{source}",
                 marks=pytest.mark.slow if (space, source) == (spaces.TSS, "archive") else ())
    for space in (spaces.TSS, spaces.SSS) for source in ("archive", "converted", "auto")
]  # fmt: skip


@pytest.mark.parametrize(("space", "source"), WAYS)
def test_every_recorded_figure_is_had_from_every_source(space: Space, source: str, data: str) -> None:
    for train_set, schedule in space.every_epoch:
        seed = nats_records.trainings(space, schedule)[0][1]
        for split in (TRAIN, *SPLITS[train_set].values()):
            whole = split in (TRAIN, *space.every_epoch[train_set, schedule])
            for epoch in {0, schedule // 2, schedule - 1} if whole else {schedule - 1}:
                dataset = train_set.removesuffix("-valid")
                name = NAMES[space.name][2]
                answer = truth(space.bench, dataset, train_set, split, schedule, epoch, seed, name, source, data)
                assert answer.percent == pytest.approx(figure(2, train_set, split, schedule, seed, epoch), rel=1e-6)
                if source != "archive" and epoch < schedule - 1:  # a float32 as it reads, not as it is widened
                    assert repr(answer.percent) == str(np.float32(answer.percent))
                said = (answer.unit, answer.train_set, answer.split, answer.schedule, answer.epoch, answer.seeds)
                assert said == ("percent", train_set, split, schedule, epoch, (seed,))
                assert (answer.architecture, answer.index) == (name, 2)


def test_what_is_left_open_is_filled_in_and_said(data: str) -> None:
    answer = truth("nasbench201", "cifar10", None, "test", None, None, None, CELL, data=data)
    assert (answer.train_set, answer.split, answer.schedule, answer.epoch) == ("cifar10-valid", "ori-test", 200, 199)
    assert answer.seeds == (777, 888, 999)
    wanted = np.mean([figure(2, "cifar10-valid", "ori-test", 200, seed, 199) for seed in answer.seeds])
    assert answer.percent == pytest.approx(wanted)
    text = str(answer)
    for part in (
        "percent: accuracy on ori-test",
        "cifar10-valid",
        "epoch 199 (from 0) of a schedule of 200",
        "mean over seeds 777, 888, 999",
        CELL,
        "(index 2)",
        "converted from NATS-tss-v1_0-3ffb9-simple",
    ):
        assert part in text
    assert truth("nasbench201", "ImageNet16-120", None, "valtest", 200, 199, 777, "2", data=data).index == 2
    pooled = str(truth("nasbench201", "cifar100", None, "valtest", 200, 199, 777, "2", data=data))
    assert "ori-test (the test images of both halves, x-valid and x-test)" in pooled


def test_a_mean_is_over_the_seeds_there_are(data: str) -> None:
    answer = truth("nasbench201", "cifar100", None, "x-test", 200, None, None, NAMES["tss"][4], data=data)
    assert answer.seeds == (777, 888)
    values = [figure(4, "cifar100", "x-test", 200, seed, 199) for seed in (777, 888)]
    assert answer.percent == pytest.approx(np.mean(values))


@pytest.mark.parametrize("source", ["archive", "converted", "auto", "table"])
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("cifar100", None, "x-valid", 200, 5, 777),
         r"epoch: must be 199 \(got 5\); x-valid of cifar100 with 200 epochs .*the schedule of 12 epochs has it"),
        (("cifar10", None, "test", 200, 5, 777), "ori-test of cifar10-valid with 200 epochs is recorded after"),
        (("cifar10", "cifar10", "valid", 200, None, 777), "trains on all 50,000 "),
        (("cifar10", "cifar10", "x-test", 200, None, 777), "split: must be a split of cifar10"),
        (("cifar10", None, "valtest", 200, None, 777), "split: must be a split of cifar10-valid"),
        (("cifar10", None, "valid", 90, None, 777), "schedule: must be a schedule of nasbench201 .12 or 200 epochs."),
        (("cifar10", None, "valid", 200, 200, 777), "epoch: must be an epoch from 0 to 199"),
        (("cifar10", None, "valid", 200, -1, 777), "epoch: must be an epoch from 0 to 199"),
        (("svhn", None, "valid", 200, None, 777), r"dataset: .*python -m harness\.tabulate"),
        (("cifar100", "cifar10", "valid", 200, None, 777), "dataset: "),
    ],
)  # fmt: skip
def test_what_was_never_recorded_is_refused_with_why_and_what_there_is(
    asked: tuple, message: str, source: str, data: str
) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        truth("nasbench201", *asked, CELL, source, data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["archive", "converted"])
def test_a_seed_or_an_architecture_that_is_not_there_is_refused_with_those_that_are(source: str, data: str) -> None:
    with pytest.raises(BadInput, match=r"seed: must be .*\(777, 888\) \(got 999"):
        truth("nasbench201", "cifar100", None, "test", 200, None, 999, NAMES["tss"][4], source, data)
    for architecture in ("1", NAMES["tss"][1], "|sep_conv~0|", "99999"):
        with pytest.raises(BadInput, match=r"architecture: must be (an architecture|one of)"):
            truth("nasbench201", "cifar100", None, "test", 200, None, 777, architecture, source, data)


def test_where_there_is_nothing_the_files_that_are_needed_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"NATS-sss-v1_0-50262-simple .*missing in"):
        truth("natsbench_sss", "cifar10", None, "test", None, None, None, "8:8:8:8:8", data=str(tmp_path))
    with pytest.raises(BadInput, match=r"nasbench201_cifar10\.csv.*NATS-tss-v1_0-3ffb9-simple .*missing in"):
        truth("nasbench201", "cifar10", None, "test", None, None, None, CELL, data=str(tmp_path))
    with pytest.raises(BadInput, match="no table of the size space is public"):
        truth("natsbench_sss", "cifar10", None, "test", None, None, None, "8:8:8:8:8", "table", str(tmp_path))


def test_the_table_of_finals_answers_where_it_can_and_else_says_what_it_lacks(tmp_path: Path) -> None:
    columns: dict[str, object] = {"arch_index": [2], "arch_str": [CELL]}
    for protocol in table.PARQUET_COLUMNS.values():
        columns |= {column: [50.0 + place] for place, column in enumerate(protocol.values())}
    pd.DataFrame(columns).to_parquet(tmp_path / table.PARQUET)
    data = str(tmp_path)
    one = truth("nasbench201", "cifar100", None, "valtest", 200, 199, 888, CELL, data=data)
    assert (one.percent, one.seeds, one.index) == (51, (888,), 2)
    pooled = truth("nasbench201", "cifar100", None, "test", 200, None, None, "2", data=data)
    assert (pooled.percent, pooled.seeds) == (50, ()) and "mean over recorded seeds" in str(pooled)
    with pytest.raises(BadInput, match=r"seed: must be null .*means over seeds only"):
        truth("nasbench201", "cifar100", None, "test", 200, None, 777, CELL, "table", data)
    with pytest.raises(BadInput, match=r"epoch: must be 11 \(the table has final accuracies only\)"):
        truth("nasbench201", "cifar100", None, "test", 12, 3, None, CELL, "table", data)
    with pytest.raises(BadInput, match=r"split: must be one of x-valid, x-test, ori-test .*got 'train'"):
        truth("nasbench201", "cifar100", None, "train", 200, None, None, CELL, "table", data)
    with pytest.raises(BadInput, match="architecture: must be "):
        truth("nasbench201", "cifar100", None, "test", 200, None, None, "7", "table", data)


def test_the_embedded_table_answers_for_its_data_set() -> None:
    path = tabulated.embedded("digits")
    assert path is not None
    row = pd.read_parquet(path).iloc[13]
    name, seed, epoch = row["architecture"], int(row["seed"]), int(row["epoch"])
    answer = truth("nasbench201", "digits", None, "valid", None, epoch - 1, seed, name)
    assert answer.percent == pytest.approx(row["valid_accuracy"], rel=1e-6)
    assert (answer.schedule, answer.seeds, answer.index) == (6, (seed,), None)
    assert (
        truth("nasbench201", "digits", None, "valid", None, epoch - 1, seed, name, str(path)).percent == answer.percent
    )
    for change, message in (
        ({"schedule": 200}, "schedule: must be 6 epochs"),
        ({"epoch": 6}, "epoch: must be an epoch from 0 to 5"),
        ({"split": "train"}, "split: must be 'valid' or 'test'"),
        ({"seed": 77}, "seed: must be a recorded seed"),
        ({"architecture": "|none~0|"}, "architecture: must be one of the 500"),
        ({"source": str(path), "dataset": "cifar10"}, "dataset: must be 'digits'"),
        ({"source": "nowhere.parquet"}, "an existing table"),
    ):
        asked: dict = {"bench": "nasbench201", "dataset": "digits", "train_set": None, "split": "valid", "seed": seed}
        asked |= {"schedule": None, "epoch": None, "architecture": name}
        with pytest.raises(BadInput, match=message):
            truth(**(asked | change))


def test_imagenet_is_known_by_the_name_of_its_data_set_here(data: str) -> None:
    asked = (None, "valtest", 200, 199, 777, "2", "auto", data)
    wanted = truth("nasbench201", "imagenet16-120", *asked)
    assert truth("nasbench201", "imagenet16_120", *asked) == truth("nasbench201", "ImageNet16-120", *asked) == wanted
    assert truth("nasbench201", "imagenet16_120", "ImageNet16_120", *asked[1:]) == wanted


def _own_table(path: Path, space: Space) -> str:
    about = {"dataset": "tiny", "dataset_fingerprint": "f", "made_by": "a test", "network": {"space": space.bench}}
    row = [NAMES[space.name][2], 0, 1, 1.0, 1.0, 50.0, 1.0, 60.0]
    write(path, pd.DataFrame([row], columns=list(tabulated.COLUMNS)), about)
    return str(path)


@pytest.mark.parametrize("space", [spaces.TSS, spaces.SSS], ids=lambda space: space.name)
def test_a_table_of_ones_own_is_asked_by_the_official_index_too(space: Space, data: str, tmp_path: Path) -> None:
    path = _own_table(tmp_path / "own.parquet", space)
    place = 2 if space is spaces.TSS else every_name().index(NAMES["sss"][2])
    asked = (space.bench, "tiny", None, "test", None, None, 0)
    answer = truth(*asked, str(place), path, data)
    assert (answer.percent, answer.architecture, answer.index) == (60, NAMES[space.name][2], place)
    assert truth(*asked, NAMES[space.name][2], path, str(tmp_path)).percent == 60
    with pytest.raises(BadInput, match="architecture: must be a known official index of"):
        truth(*asked, "99999", path, data)


def test_the_official_index_needs_a_file_that_lists_the_cells(tmp_path: Path) -> None:
    path = _own_table(tmp_path / "own.parquet", spaces.TSS)
    asked = ("nasbench201", "tiny", None, "test", None, None, 0, "2", path, str(tmp_path))
    with pytest.raises(
        BadInput, match=r"architecture: must be an architecture string .no file with the official order"
    ):
        truth(*asked)
    folder = nats_records.write(tmp_path)
    assert truth(*asked).percent == 60
    shutil.rmtree(folder)
    pd.DataFrame({"arch_index": [2], "arch_str": [CELL]}).to_parquet(tmp_path / table.PARQUET)
    assert truth(*asked).percent == 60


def test_a_table_of_the_other_space_is_refused_by_the_key_source(tmp_path: Path) -> None:
    path = _own_table(tmp_path / "own.parquet", spaces.SSS)
    with pytest.raises(BadInput, match=r"^source: must be a table of nasbench201 \(got .* of natsbench_sss"):
        truth("nasbench201", "tiny", None, "test", None, None, None, NAMES["sss"][2], path)
    with pytest.raises(BadInput, match=r"^source: must be an existing table"):
        truth("nasbench201", "tiny", None, "test", None, None, None, CELL, "nowhere.parquet")


def test_an_architecture_whose_record_was_damaged_is_told_as_that(tmp_path: Path) -> None:
    folder = nats_records.write(tmp_path)
    (folder / "000002.pickle.pbz2").write_bytes(b"none")
    convert("tss", folder, tmp_path, skip_damaged=True)
    for architecture in ("2", CELL):
        with pytest.raises(
            BadInput, match=r"architecture: must be .* skipped in .*nats-tss as damaged: .*000002\.pickle"
        ):
            truth("nasbench201", "cifar100", None, "test", 200, None, 777, architecture, "converted", str(tmp_path))
    for architecture in ("1", NAMES["tss"][1]):  # was never there
        with pytest.raises(BadInput, match=r"architecture: must be (an architecture|one of)"):
            truth("nasbench201", "cifar100", None, "test", 200, None, 777, architecture, "converted", str(tmp_path))


@pytest.mark.real
@pytest.mark.parametrize("space", [spaces.TSS, spaces.SSS], ids=lambda space: space.name)
def test_genuine_figures_agree_with_the_official_interface_archive_and_tables(space: Space, tmp_path: Path) -> None:
    path = archive.folder(space, str(DATA))
    if path is None:
        pytest.skip("HARNESS_DATA has no archive")
    convert(space.name, path, tmp_path)
    api = nats_bench.create(str(path), space.name, fast_mode=True, verbose=False)
    for place in (0, 11, 284):
        for (train_set, schedule), every in space.every_epoch.items():
            seed = api.query_meta_info_by_index(place, space.schedules[schedule]).get_dataset_seeds(
                TRAIN_SETS[train_set]
            )[0]
            for epoch in {0, schedule // 3, schedule - 1}:
                hp = space.schedules[schedule]
                info = api.get_more_info(place, TRAIN_SETS[train_set], iepoch=epoch, hp=hp, is_random=seed) if (
                    train_set != "cifar10-valid" or "x-valid" in every
                ) else {}  # fmt: skip
                for split in ("train", *SPLITS[train_set]):
                    if f"{split}-accuracy" in info:
                        asked = (space.bench, train_set, train_set, split, schedule, epoch, seed, str(place))
                        for source, where in (("archive", DATA), ("converted", tmp_path)):
                            answer = truth(*asked, source, str(where))
                            assert answer.percent == pytest.approx(info[f"{split}-accuracy"], rel=1e-6), (asked, source)
