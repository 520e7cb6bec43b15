"""Records of the archives of both spaces: what they hold, and what is refused in them."""

from __future__ import annotations

import bz2
import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nats_bench
import numpy as np
import pytest
from nats_bench import pickle_save

from harness.benches.nats import archive, record, spaces
from harness.benches.nats.archive import Archive, opened
from harness.benches.nats.spaces import SPLITS, TRAIN, TRAIN_SETS, Space
from harness.schema import BadInput
from tests.benches import nats_records
from tests.benches.nats_records import NAMES, figure, loss

BOMB = bz2.compress(bytes(32 * 2**20))  # a few bytes
DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent"))
BOTH = pytest.mark.parametrize("space", [spaces.TSS, spaces.SSS], ids=lambda space: space.name)


@pytest.fixture
def found(tmp_path: Path) -> Archive:
    return opened(nats_records.write(tmp_path, left_out={4: (999,)}), spaces.TSS)


@BOTH
def test_every_recorded_training_is_read_with_all_its_curves(space: Space, tmp_path: Path) -> None:
    found = opened(nats_records.write(tmp_path, space, (0, 4)), space)
    for place, trainings in found:
        wanted = {(t, n, s) for n in space.schedules for t, s in nats_records.trainings(space, n)}
        assert {(t.train_set, t.epochs, t.seed) for t in trainings} == wanted
        for one in trainings:
            assert set(one.splits) == {TRAIN, *SPLITS[one.train_set].values()}
            assert (one.params, one.flops, one.latency) == (129_306, 15_647_370, 0.0139)
            for split, curve in one.splits.items():
                every = (TRAIN, *space.every_epoch[one.train_set, one.epochs])
                for epoch in range(one.epochs):
                    value = figure(place, one.train_set, split, one.epochs, one.seed, epoch)
                    there = split in every or epoch == one.epochs - 1
                    expected = (value, loss(value)) if there else (np.nan, np.nan)
                    np.testing.assert_array_equal((curve.accuracy[epoch], curve.loss[epoch]), expected)
                assert (curve.seconds == (7.5 if split == TRAIN else 1.5)).all()


def test_a_missing_seed_stays_missing(found: Archive) -> None:
    truth = archive.truth(found, "cifar100", "test", 200)
    assert list(truth.accuracy.columns) == ["777", "888", "999"]
    assert truth.accuracy["999"].isna().tolist() == [False, False, True]
    assert truth.accuracy.loc[NAMES["tss"][4], "888"] == figure(4, "cifar100", "x-test", 200, 888, 199)


def _change(path: Path, change: Callable[[dict], Any]) -> None:
    """Rewrite the record of place 2 as `change` leaves it, or as what it returns."""
    content = nats_records.record(spaces.TSS, 2, NAMES["tss"][2])
    returned = change(content)
    nats_records.put(path, spaces.TSS, 2, content if returned is None else returned)


def _trial(content: dict) -> dict:
    return content["200"]["all_results"]["cifar10-valid", 777]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: ["no", "mapping"], "a mapping of schedules"),
        (lambda c: {}, "a mapping of schedules"),
        (lambda c: {"full": c["200"], "less": c["12"]}, "the schedules 200, 12 of NATS-Bench 1.0 tss"),
        (lambda c: c.update({"90": c["200"]}), "the schedules 200, 12"),
        (lambda c: c["200"].update(arch_index=3), "the record of 2, "),
        (lambda c: c["200"].update(arch_str=NAMES["tss"][0]), "the record of 2, "),
        (lambda c: c["200"].pop("dataset_seed") and None, "dataset_seed of type dict"),
        (lambda c: c["200"].update({7: 8}), "named parts"),
        (lambda c: c["200"]["dataset_seed"].update(mnist=[777]), "training sets cifar10-valid"),
        (lambda c: c["200"]["dataset_seed"].update(cifar10=[777, 888]), "one result per listed seed"),
        (lambda c: c["200"]["dataset_seed"].update(cifar10=[777, 777]), "distinct seeds of cifar10"),
        (lambda c: c["200"]["dataset_seed"].update(cifar10=list(range(11))), "distinct seeds of cifar10"),
        (lambda c: c["200"]["all_results"].update({("cifar10", 777): 5}), "train_acc1es"),
        (lambda c: _trial(c).pop("eval_losses") and None, "eval_losses"),
        (lambda c: _trial(c).update(name="cifar10"), "the result of"),
        (lambda c: _trial(c).update(seed="0888"), "the result of"),
        (lambda c: _trial(c).update(name=np.array(["a", "b"])), "the result of"),
        (lambda c: _trial(c).update(seed=np.zeros(3)), "the result of"),
        (lambda c: _trial(c).update(epochs=np.full(2, 200)), "200 epochs .cifar10-valid"),
        (lambda c: _trial(c).update(latency=[np.zeros(3)]), "numbers as latency"),
        (lambda c: _trial(c).update(latency=[-1.0]), "latency .* of at least 0"),
        (lambda c: _trial(c).update(epochs=12), "200 epochs .cifar10-valid"),
        (lambda c: _trial(c).update(epochs=10**12), "200 epochs .cifar10-valid"),
        (lambda c: _trial(c).update(epochs=True), "200 epochs .cifar10-valid"),
        (lambda c: _trial(c)["train_acc1es"].update({200: 50.0}), "accuracies of cifar10-valid"),
        (lambda c: _trial(c)["train_acc1es"].update({3: 100.01}), "accuracies up to 100"),
        (lambda c: _trial(c)["train_acc1es"].update({3: -0.01}), "accuracies .* of at least 0"),
        (lambda c: _trial(c)["train_acc1es"].update({3: float("nan")}), "accuracies of"),
        (lambda c: _trial(c)["train_acc1es"].update({3: "50"}), "numbers as accuracies"),
        (lambda c: _trial(c)["train_acc1es"].update({3: True}), "numbers as accuracies"),
        (lambda c: _trial(c)["train_acc1es"].update({3: 10**400}), "must be finite"),
        (lambda c: _trial(c)["train_acc1es"].update({3: np.zeros(2)}), "numbers as accuracies"),
        (lambda c: _trial(c).update(train_acc1es=[50.0] * 200), "one per epoch"),
        (lambda c: _trial(c)["eval_acc1es"].update({"x-valid@200": 50.0}), "evaluations on"),
        (lambda c: _trial(c)["eval_acc1es"].update({"x-test@199": 50.0}), "evaluations on"),
        (lambda c: _trial(c)["eval_acc1es"].update({5: 50.0}), "evaluations on"),
        (lambda c: _trial(c).update(eval_losses=None), "evaluations on"),
        (lambda c: _trial(c)["eval_acc1es"].update({"x-valid@199": float("inf")}), "accuracies up to 100"),
        (lambda c: _trial(c).update(params=float("nan")), "params and flop"),
        (lambda c: _trial(c).update(flop=1e300), "params and flop"),
        (lambda c: _trial(c).update(flop=None), "numbers as params and flop"),
    ],
)
def test_a_record_that_is_not_wholly_one_is_refused_by_name(found: Archive, change: Callable, message: str) -> None:
    _change(found.path, change)
    with pytest.raises(BadInput, match=rf"000002\.pickle\.pbz2, architecture 2: .*{message}") as caught:
        found.read(2)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 700


def test_a_mean_that_rounds_above_a_hundred_is_a_hundred(found: Archive) -> None:
    _change(found.path, lambda c: _trial(c)["train_acc1es"].update({3: 100 + 1e-9}))
    (one,) = [t for t in found.read(2) if (t.train_set, t.epochs, t.seed) == ("cifar10-valid", 200, 777)]
    assert one.splits[TRAIN].accuracy[3] == 100


def test_losses_of_a_diverged_training_may_be_nan_and_stay_so(found: Archive) -> None:
    _change(found.path, lambda c: _trial(c)["train_losses"].update({3: float("nan")}))
    (one,) = [t for t in found.read(2) if (t.train_set, t.epochs, t.seed) == ("cifar10-valid", 200, 777)]
    assert np.flatnonzero(np.isnan(one.splits[TRAIN].loss)).tolist() == [3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a file of up to"),
        (b"BZh9 no such thing", "bz2 file"),
        (b"PK\x03\x04 a zip", "bz2 file"),
        (bz2.compress(b"no pickle"), "complete pickle"),
        (bz2.compress(pickle.dumps({})[:-1]), "complete pickle"),
        (bz2.compress(pickle.dumps({}))[:-4], "truncated or concatenated"),
        (bz2.compress(pickle.dumps({})) * 2, "truncated or concatenated"),
        (bz2.compress(pickle.dumps({})) + b"more", "truncated or concatenated"),
        (BOMB, "must be at most 2097152 bytes when unpacked"),
        (bytes(3 * 2**20), "a file of up to"),
    ],
)
def test_a_file_that_holds_no_packed_pickle_is_refused(found: Archive, content: bytes, message: str) -> None:
    found.file(2).write_bytes(content)
    with pytest.raises(BadInput, match=rf"architecture 2: .*{message}"):
        found.read(2)


def test_a_bomb_takes_no_memory(found: Archive) -> None:
    import tracemalloc

    found.file(2).write_bytes(BOMB)
    tracemalloc.start()
    with pytest.raises(BadInput, match="at most"):
        found.read(2)
    assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    tracemalloc.stop()


def test_a_pickle_that_would_run_something_does_not(found: Archive, tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "made"),)

    _change(found.path, lambda c: c.update({"200": Payload()}))
    with pytest.raises(BadInput, match=r"architecture 2: .*mkdir"):
        found.read(2)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ([], "meta_archs"),
        ({"meta_archs": None}, "meta_archs"),
        ({"meta_archs": []}, "meta_archs"),
        ({"meta_archs": [NAMES["tss"][0]] * 2}, "each architecture once"),
        ({"meta_archs": NAMES["sss"]}, "architectures of the space tss"),
        ({"meta_archs": [*NAMES["tss"], 7]}, "architectures of the space tss"),
        ({"meta_archs": NAMES["tss"][:3]}, "records of the 3 architectures"),
        ({"meta_archs": NAMES["tss"] * 3000}, "up to 15625"),
    ],
)
def test_a_list_of_architectures_that_is_none_is_refused(found: Archive, meta: object, message: str) -> None:
    pickle_save(meta, found.path / "meta.pickle")
    with pytest.raises(BadInput, match=message):
        opened(found.path, spaces.TSS)


def test_a_folder_of_the_other_space_is_refused(tmp_path: Path) -> None:
    path = nats_records.write(tmp_path, spaces.SSS)
    message = r"must be architectures of the space tss \(got .*those of the size space, sss: .*8:8:8:8:8"
    with pytest.raises(BadInput, match=message):
        opened(path, spaces.TSS)


def test_the_md5_in_the_names_is_that_of_the_single_file_and_says_whether_it_is_whole(tmp_path: Path) -> None:
    content = b"the whole benchmark in one file"
    space = spaces.Space(**(vars(spaces.TSS) | {"base": f"NATS-tss-v1_0-{hashlib.md5(content).hexdigest()[-5:]}"}))
    path = tmp_path / f"{space.base}.pickle.pbz2"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"the single file .*, intact, which takes 28 GB"):
        opened(path, space)
    path.write_bytes(content[:-1])
    with pytest.raises(BadInput, match=r"the single file .*, damaged"):
        opened(path, space)
    tar = tmp_path / f"{space.folder}.tar"
    tar.write_bytes(content)
    with pytest.raises(BadInput, match=r"\(unpack it first\)"):
        opened(tar, space)


@BOTH
def test_the_figures_are_those_of_the_official_interface(space: Space, tmp_path: Path) -> None:
    _compare(nats_records.write(tmp_path, space, (0, 4)), space)


@pytest.mark.real
@BOTH
def test_the_genuine_figures_are_those_of_the_official_interface(space: Space) -> None:
    path = archive.folder(space, str(DATA))
    if path is None:
        pytest.skip("HARNESS_DATA has no archive")
    _compare(path, space)


def _compare(path: Path, space: Space) -> None:
    """Every figure of `path` with that of nats_bench, schedule and seed named."""
    api = nats_bench.create(str(path), space.name, fast_mode=True, verbose=False)
    found = opened(path, space)
    assert list(found.names) == api.meta_archs
    compared = 0
    for place, trainings in found:
        for one in trainings:
            results = api.query_by_index(place, TRAIN_SETS[one.train_set], space.schedules[one.epochs])[one.seed]
            for epoch in {*range(0, one.epochs, 17), one.epochs - 1}:
                info = results.get_train(epoch)
                curve = one.splits[TRAIN]
                assert (curve.accuracy[epoch], curve.loss[epoch]) == (info["accuracy"], info["loss"])
                assert curve.seconds[: epoch + 1].sum() == pytest.approx(info["all_time"])
                for split, curve in one.splits.items():
                    if split != TRAIN and np.isfinite(curve.accuracy[epoch]):
                        info = results.get_eval(split, epoch)
                        assert (curve.accuracy[epoch], curve.loss[epoch]) == (info["accuracy"], info["loss"])
                        compared += 1
            if one.train_set != "cifar10":  # as people ask: schedule and seed named, for they default to 12 and chance
                more = api.get_more_info(
                    place, TRAIN_SETS[one.train_set], hp=space.schedules[one.epochs], is_random=one.seed
                )
                assert one.splits["x-valid"].accuracy[-1] == more["valid-accuracy"]
    assert compared > 100


def test_a_bound_on_records_leaves_room_for_genuine_ones(found: Archive) -> None:
    assert len(bz2.decompress(found.file(0).read_bytes())) * 3 < record.LIMIT
