"""The protocols of CIFAR-10: who is trained on, who is held out."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from harness.datasets import cifar10, cifar_files
from harness.datasets.cifar10 import Cifar10
from harness.datasets.official_splits import first_half
from harness.schema import BadInput, ImageSet

DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent"))


@cache
def _numbered(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Blank images that carry their number in their first pixel, sorted by class."""
    images = np.zeros((count, 32, 32, 3), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = np.arange(count) // 256, np.arange(count) % 256
    return images, np.repeat(np.arange(10), count // 10)


def _numbers(labelled: tuple[np.ndarray, np.ndarray]) -> list[int]:
    first = labelled[0][:, 0, 0].astype(int)
    return list(first[:, 0] * 256 + first[:, 1])


@pytest.fixture(autouse=True)
def _files(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "real" not in request.keywords:
        monkeypatch.setattr(cifar_files, "read", lambda *_: (_numbered(50_000), _numbered(10_000)))


def test_cifar10_valid_is_the_official_split() -> None:
    images = Cifar10().load()
    half = first_half("cifar10")
    assert _numbers(images.train) == np.flatnonzero(half).tolist()
    assert len(images.train[0]) == 25_000
    assert _numbers(images.valid) == np.flatnonzero(~half).tolist()
    assert _numbers(images.test) == list(range(10_000))
    assert (images.name, images.classes, images.flip, images.crop) == ("cifar10", 10, True, 4)
    np.testing.assert_allclose(np.array(images.mean) * 255, [125.3, 123.0, 113.9])
    np.testing.assert_allclose(np.array(images.std) * 255, [63.0, 62.1, 66.7])


def test_the_official_split_begins_as_published() -> None:
    assert np.flatnonzero(first_half("cifar10"))[:12].tolist() == [0, 5, 7, 11, 13, 15, 16, 17, 20, 24, 26, 28]


def test_limits_take_a_random_part_of_each_split_and_keep_labels_with_images() -> None:
    images = Cifar10(train_images=500, valid_images=300, test_images=200).load()
    half = first_half("cifar10")
    train, valid = _numbers(images.train), _numbers(images.valid)
    assert len(set(train)) == 500
    assert half[train].all()
    assert len(set(valid)) == 300
    assert not half[valid].any()
    assert len(set(_numbers(images.test))) == 200
    assert images.train[1].tolist() == [number // 5000 for number in train]
    assert set(images.train[1]) == set(range(10))


def test_training_on_all_images_needs_validation_images_to_be_held_out() -> None:
    with pytest.raises(BadInput, match=r"dataset\.valid_images.*hold out"):
        Cifar10(train_set="cifar10")
    images = Cifar10(train_set="cifar10", valid_images=5000).load()
    train, valid = _numbers(images.train), _numbers(images.valid)
    assert len(valid) == 5000
    assert sorted(train + valid) == list(range(50_000))
    smaller = Cifar10(train_set="cifar10", valid_images=5000, train_images=100).load()
    assert set(_numbers(smaller.train)) < set(train)


def test_the_seed_decides_the_draw() -> None:
    def load(seed: int) -> ImageSet:
        return Cifar10(train_images=100, valid_images=100, test_images=100, seed=seed).load()

    assert load(1).fingerprint() == load(1).fingerprint() != load(2).fingerprint()


def test_the_padding_shrinks_with_the_image() -> None:
    limits = {"train_images": 10, "valid_images": 10, "test_images": 10}
    shapes = {size: Cifar10(size=size, **limits).load() for size in (32, 16, 8)}
    assert {size: (images.size, images.crop) for size, images in shapes.items()} == {
        32: (32, 4),
        16: (16, 2),
        8: (8, 1),
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [("train_set", "cifar100"), ("size", 24), ("train_images", 25_001), ("valid_images", 0), ("test_images", 10_001)],
)
def test_a_wrong_setting_is_refused_before_any_file_is_opened(field: str, value: object) -> None:
    with pytest.raises(BadInput, match=rf"dataset\.{field}"):
        Cifar10(**{field: value})


@pytest.mark.real
def test_the_packed_split_is_the_official_file() -> None:
    path = DATA / "splits" / "cifar-split.txt"
    if not path.is_file():
        pytest.skip("HARNESS_DATA has no splits/cifar-split.txt")
    split = json.loads(path.read_text())
    train, valid = (sorted(map(int, split[part][1])) for part in ("train", "valid"))
    assert np.flatnonzero(first_half("cifar10")).tolist() == train
    assert np.flatnonzero(~first_half("cifar10")).tolist() == valid


@pytest.mark.real
def test_the_real_images_have_the_official_labels_and_nearly_the_official_pixels() -> None:
    path = DATA / "cifar10_lossless_subset.npz"
    if not path.is_file() or not (DATA / "cifar10_jpeg_train.parquet").is_file():
        pytest.skip("HARNESS_DATA has no CIFAR-10")
    (images, labels), (test_images, test_labels) = cifar_files.read(
        cifar_files.CIFAR10, (50_000, 10_000), 10, str(DATA)
    )
    with np.load(path) as lossless:
        assert (labels[:4000] == lossless["y_train"]).all()
        assert np.abs(images[:4000].astype(int) - lossless["x_train"]).mean() < 8
    assert len(test_images) == len(test_labels) == cifar10.TEST
    assert Cifar10().load(str(DATA)).train[0].shape == (25_000, 32, 32, 3)
