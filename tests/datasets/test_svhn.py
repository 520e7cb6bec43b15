"""SVHN, on tiny files in the true format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from harness.datasets import svhn
from harness.datasets.svhn import Svhn, read
from harness.schema import BadInput
from tests.datasets.formats import Part, mat, part

COUNTS = {"train": 60, "test": 20, "extra": 30}


@pytest.fixture
def parts() -> dict[str, Part]:
    return {name: part(np.arange(count) % 10, seed=count) for name, count in COUNTS.items()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: dict[str, Part]) -> str:
    counts = {}
    for name, (images, labels) in parts.items():
        download = getattr(svhn, name.upper())
        checksum = mat(tmp_path / download.name, images, labels, compressed=name != "test")
        monkeypatch.setattr(svhn, name.upper(), replace(download, checksum=checksum))
        counts[download.name] = len(labels)
    monkeypatch.setattr(svhn, "COUNTS", counts)
    return str(tmp_path)


def _pairs(*parts: Part) -> dict[bytes, int]:
    return {image.tobytes(): label for images, labels in parts for image, label in zip(images, labels, strict=True)}


@pytest.mark.parametrize("compressed", [True, False])
def test_images_come_one_after_the_other_and_label_10_is_digit_0(
    tmp_path: Path, parts: dict[str, Part], compressed: bool
) -> None:
    images, labels = parts["train"]
    mat(tmp_path / "x.mat", images, labels, compressed)
    found = read(tmp_path / "x.mat", 60)
    np.testing.assert_array_equal(found[0], images)
    np.testing.assert_array_equal(found[1], labels)
    assert found[1].dtype == np.int64


def test_validation_is_held_out_and_nothing_is_flipped(folder: str, parts: dict[str, Part]) -> None:
    images = Svhn(valid_images=15).load(folder)
    assert [len(p[1]) for p in (images.train, images.valid, images.test)] == [45, 15, 20]
    assert _pairs(images.train, images.valid) == _pairs(parts["train"])
    assert _pairs(images.test) == _pairs(parts["test"])
    assert (images.classes, images.flip, images.crop, images.size) == (10, False, 4, 32)
    np.testing.assert_allclose(images.mean, images.train[0].mean(axis=(0, 1, 2)) / 255, atol=1e-4)
    smaller = Svhn(valid_images=15, size=16, train_images=10, test_images=5).load(folder)
    assert (smaller.train[0].shape, len(smaller.test[1]), smaller.crop) == ((10, 16, 16, 3), 5, 2)


def test_the_extra_images_are_trained_on_only_where_asked_for(folder: str, parts: dict[str, Part]) -> None:
    images = Svhn(valid_images=15, extra=True).load(folder)
    assert _pairs(images.train, images.valid) == _pairs(parts["train"], parts["extra"])
    assert len(Svhn(valid_images=15, extra=True).sources()[0].any_of[0]) == 3
    assert len(Svhn(valid_images=15).sources()[0].any_of[0]) == 2


def test_a_damaged_file_is_refused_by_its_checksum_before_it_is_read(folder: str) -> None:
    path = Path(folder) / "train_32x32.mat"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"checksum mismatch: .*train_32x32\.mat must have md5:"):
        Svhn(valid_images=15).load(folder)


def test_a_file_of_another_format_is_refused_in_one_line(tmp_path: Path) -> None:
    for content in (
        b"",
        b"text" * 100,
        b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM",
        b"MATLAB 5.0".ljust(124) + b"\0\1IM",
    ):
        (tmp_path / "x.mat").write_bytes(content)
        with pytest.raises(BadInput, match=r"^data: must be .*x\.mat"):
            read(tmp_path / "x.mat", 6)


def test_without_files_the_message_names_them(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"test_32x32\.mat \(md5:eb5a983be6a315427106f1b164d9cef3.*fetch svhn"):
        Svhn().load(str(tmp_path))


@pytest.mark.parametrize(
    "content",
    [
        {"X": np.zeros((32, 32, 3, 6), np.uint8)},
        {"X": np.zeros((32, 32, 3, 5), np.uint8), "y": np.ones((6, 1), np.uint8)},
        {"X": np.zeros((32, 32, 3, 6)), "y": np.ones((6, 1), np.uint8)},
        {"X": np.zeros((32, 32, 3, 6), np.uint8), "y": np.full((6, 1), 11, np.uint8)},
        {"X": np.zeros((32, 32, 3, 6), np.uint8), "y": np.full((6, 1), np.nan)},
        {"X": np.zeros((32, 32, 3, 6), np.uint8), "y": np.array([["a"]] * 6)},
        {"X": np.array([[1, "a"]] * 6, dtype=object), "y": np.ones((6, 1), np.uint8)},
    ],
)
def test_other_contents_are_refused(tmp_path: Path, content: dict) -> None:
    scipy.io.savemat(tmp_path / "x.mat", content)
    with pytest.raises(BadInput, match=r"x\.mat"):
        read(tmp_path / "x.mat", 6)


def test_a_wrong_setting_is_refused() -> None:
    for field, value in (("size", 64), ("valid_images", 0), ("valid_images", 73_257), ("test_images", 26_033)):
        with pytest.raises(BadInput, match=rf"dataset\.{field}"):
            Svhn(**{field: value})
