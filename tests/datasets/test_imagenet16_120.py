"""The batches of downsampled ImageNet, on tiny files in the true format."""

from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from harness import files
from harness.datasets import imagenet16_120
from harness.datasets.imagenet16_120 import BATCHES, SOURCE, ImageNet16, decode, read
from harness.schema import BadInput
from tests.datasets.formats import planes, python2_pickle, zipped


def _batch(seed: int, count: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Random images and labels that count from 1, of which some are beyond the 120th class."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)
    return images, np.concatenate([[1, 120, 121, 1000], random.integers(1, 240, count - 4)])


def _pickled(images: np.ndarray, labels: np.ndarray) -> bytes:
    content = {"data": planes(images), "labels": labels.tolist(), "mean": np.zeros(768)}
    return pickle.dumps(content, protocol=3)


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    written = {name: _pickled(*_batch(place)) for place, name in enumerate(BATCHES)}
    sums = {name: hashlib.md5(batch).hexdigest() for name, batch in written.items()}
    monkeypatch.setattr(imagenet16_120, "BATCHES", sums)
    return written


def _expected() -> tuple[np.ndarray, np.ndarray]:
    images, labels = zip(*(_batch(place) for place in range(10)), strict=True)
    kept = np.concatenate(labels) <= 120
    return np.concatenate(images)[kept], np.concatenate(labels)[kept] - 1


@pytest.mark.parametrize("layout", ["one folder", "two folders", "zips"])
def test_the_first_120_classes_are_read_in_the_order_of_the_batches(
    tmp_path: Path, batches: dict[str, bytes], layout: str
) -> None:
    if layout == "zips":
        mixed = dict(reversed([(name, batch) for name, batch in batches.items() if name != "val_data"]))
        zipped(tmp_path / "Imagenet16_train.zip", mixed)
        zipped(tmp_path / "Imagenet16_val.zip", {"val_data": batches["val_data"]})
    else:
        for name, batch in batches.items():
            folders = ["ImageNet16"] * 2 if layout == "one folder" else ["Imagenet16_train", "Imagenet16_val"]
            path = tmp_path / folders[name == "val_data"] / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(batch)
    train, valid = read(files.obtain(SOURCE, str(tmp_path), "imagenet16_120"))
    np.testing.assert_array_equal(train[0], _expected()[0])
    np.testing.assert_array_equal(train[1], _expected()[1])
    images, labels = _batch(10)
    np.testing.assert_array_equal(valid[0], images[labels <= 120])
    np.testing.assert_array_equal(valid[1], labels[labels <= 120] - 1)
    assert {train[1].min(), train[1].max()} == {0, 119}


def test_a_batch_that_python_2_wrote_is_read_alike() -> None:
    images, labels = _batch(0)
    written = python2_pickle(planes(images), labels)
    for found, expected in zip(decode(written), decode(_pickled(images, labels)), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_batch_with_another_checksum_is_refused_before_it_is_read(tmp_path: Path, batches: dict[str, bytes]) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "made"),)

    (tmp_path / "ImageNet16").mkdir()
    for name, batch in batches.items():
        (tmp_path / "ImageNet16" / name).write_bytes(batch)
    (tmp_path / "ImageNet16" / "train_data_batch_7").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(BadInput, match=r"train_data_batch_7 must have md5:"):
        ImageNet16().load(str(tmp_path))
    assert not (tmp_path / "made").exists()


def test_missing_batches_are_named_and_the_counts_are_the_benchmarks(tmp_path: Path, batches: dict[str, bytes]) -> None:
    (tmp_path / "ImageNet16").mkdir()
    for name, batch in [*batches.items()][1:]:
        (tmp_path / "ImageNet16" / name).write_bytes(batch)
    with pytest.raises(BadInput, match=r"without train_data_batch_1'"):
        ImageNet16().load(str(tmp_path))
    (tmp_path / "ImageNet16" / "train_data_batch_1").write_bytes(batches["train_data_batch_1"])
    with pytest.raises(BadInput, match="151700 training images of 120 classes"):
        ImageNet16().load(str(tmp_path))


def test_without_files_the_message_says_what_to_put_where(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        ImageNet16().load(str(tmp_path))
    for word in ("ImageNet16", "Imagenet16_train.zip", "image-net.org", str(tmp_path)):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        {"data": np.zeros((2, 768)), "labels": [1, 2]},
        {"data": np.zeros((2, 3072), np.uint8), "labels": [1, 2]},
        {"data": np.zeros((2, 768), np.uint8), "labels": [0, 1]},
        {"data": np.zeros((2, 768), np.uint8), "labels": [1]},
        {"data": np.zeros((2, 768), np.uint8)},
        7,
    ],
)
def test_a_batch_of_something_else_is_refused(content: object) -> None:
    with pytest.raises(BadInput, match="batch of downsampled ImageNet"):
        decode(pickle.dumps(content, protocol=3))
