"""Random parts: who is in them."""

from __future__ import annotations

import numpy as np
import pytest

from harness.datasets.cifar10 import Cifar10
from harness.datasets.cifar100 import Cifar100
from harness.datasets.digits import Digits
from harness.datasets.subset import held_out, limited, parted, shuffled
from harness.schema import BadInput


def test_an_order_depends_on_seed_and_name_alone() -> None:
    assert sorted(shuffled(1000, 3, "train")) == list(range(1000))
    np.testing.assert_array_equal(shuffled(1000, 3, "train"), shuffled(1000, 3, "train"))
    assert shuffled(8, 0, "train").tolist() == [0, 1, 6, 3, 2, 5, 4, 7]  # the same on every machine
    for other in (shuffled(1000, 4, "train"), shuffled(1000, 3, "test")):
        assert (other != shuffled(1000, 3, "train")).any()


def test_a_smaller_limit_gives_a_part_of_a_larger_one_in_the_old_order() -> None:
    places = np.arange(100, 400, 3)
    few, many = limited(places, 10, 0, "train"), limited(places, 60, 0, "train")
    assert len(few) == 10
    assert set(few) < set(many) < set(places)
    assert (np.diff(many) > 0).all()
    np.testing.assert_array_equal(limited(places, None, 0, "train"), places)


def test_a_limit_cuts_across_a_file_that_is_sorted_by_class() -> None:
    labels = np.repeat(np.arange(10), 500)
    counts = np.bincount(labels[limited(np.arange(5000), 1000, 0, "train")], minlength=10)
    assert counts.min() > 60
    assert counts.max() < 140


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_a_limit_beyond_what_there_is_is_refused(limit: int) -> None:
    with pytest.raises(BadInput, match=r"dataset\.test_images.*1 to 100"):
        limited(np.arange(100), limit, 0, "test")


def test_held_out_and_rest_are_disjoint_and_whole_and_a_fifth_where_nobody_says() -> None:
    places = np.arange(7, 107)
    rest, out = held_out(places, 30, 0, "valid")
    assert (len(rest), len(out)) == (70, 30)
    assert sorted([*rest, *out]) == places.tolist()
    assert (np.diff(rest) > 0).all() and (np.diff(out) > 0).all()
    assert len(held_out(places, None, 0, "valid")[1]) == 20
    for count in (0, 100):
        with pytest.raises(BadInput, match=r"dataset\.valid_images.*1 to 99"):
            held_out(places, count, 0, "valid")


def test_a_part_without_images_of_its_own_is_held_out_of_the_training_images() -> None:
    limits = {"train": None, "valid": 30, "test": None}
    parts = parted({"train": 100}, limits, 0)
    assert {part: source for part, (source, _) in parts.items()} == dict.fromkeys(("train", "valid", "test"), "train")
    assert [len(parts[part][1]) for part in ("train", "valid", "test")] == [50, 30, 20]
    assert sorted(place for _, places in parts.values() for place in places) == list(range(100))
    parts = parted({"train": 100, "valid": 40, "test": 50}, {"train": 10, "valid": 30, "test": None}, 0)
    assert {part: (source, len(places)) for part, (source, places) in parts.items()} == {
        "train": ("train", 10), "valid": ("valid", 30), "test": ("test", 50),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["digits", "cifar10", "cifar100"])
def test_classes_that_are_tested_and_never_trained_are_said(name: str, monkeypatch, caplog) -> None:
    few = {"train_images": 1, "valid_images": 6, "test_images": 6}
    if name == "digits":
        Digits(**few).load()
    else:
        labels = {"cifar10": (np.arange(50_000) % 10, np.arange(10_000) % 10)}.get(
            name, (np.arange(50_000) % 100, np.arange(10_000) % 100)
        )
        read = [(np.zeros((len(each), 32, 32, 3), np.uint8), each) for each in labels]
        monkeypatch.setattr("harness.datasets.cifar_files.read", lambda *_: read)
        (Cifar10 if name == "cifar10" else Cifar100)(**few).load()
    assert "number of classes that are never trained: " in caplog.text and "test images" in caplog.text
