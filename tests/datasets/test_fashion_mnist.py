"""Fashion-MNIST from both kinds of files, on tiny files in the true formats."""

from __future__ import annotations

import gzip
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.datasets import fashion_mnist
from harness.datasets.fashion_mnist import FashionMnist, read_idx
from harness.schema import BadInput
from tests.datasets.formats import idx

DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent"))


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """A Fashion-MNIST of 600 and 100 images, in the order of its official files."""
    monkeypatch.setattr(fashion_mnist, "TRAIN", 600)
    monkeypatch.setattr(fashion_mnist, "TEST", 100)
    random = np.random.default_rng(0)
    return {
        "train": random.integers(0, 256, (600, 28, 28), dtype=np.uint8),
        "train_labels": random.permutation(600).astype(np.uint8) % 10,
        "test": random.integers(0, 256, (100, 28, 28), dtype=np.uint8),
        "test_labels": random.permutation(100).astype(np.uint8) % 10,
    }


@pytest.fixture
def official(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: dict[str, np.ndarray]) -> str:
    folder = tmp_path / "official"
    folder.mkdir()
    downloads = []
    for download, values in zip(fashion_mnist.OFFICIAL, images.values(), strict=True):
        idx(folder / download.name, values)
        checksum = f"md5:{hashlib.md5((folder / download.name).read_bytes()).hexdigest()}"
        downloads.append(replace(download, checksum=checksum))
    alternatives = (tuple(downloads), fashion_mnist.TABLES)
    monkeypatch.setattr(fashion_mnist, "SOURCE", replace(fashion_mnist.SOURCE, any_of=alternatives))
    return str(folder)


@pytest.fixture
def tables(tmp_path: Path, images: dict[str, np.ndarray]) -> str:
    for part in ("train", "test"):
        order = np.argsort(images[f"{part}_labels"], kind="stable")  # as in the wild: sorted by class
        x, y = images[part][order], images[f"{part}_labels"][order]
        np.savez_compressed(tmp_path / f"fashion_mnist_{part}.npz", x=x, y=y)
    return str(tmp_path)


def test_the_split_is_the_same_whichever_files_it_is_read_from(official: str, tables: str) -> None:
    chosen = FashionMnist(valid_images=100, train_images=300, test_images=50)
    assert chosen.load(official).fingerprint() == chosen.load(tables).fingerprint()
    assert chosen.load(tables).fingerprint() != replace(chosen, seed=1).load(tables).fingerprint()


def test_training_and_validation_share_no_image_and_cover_the_training_file(
    official: str, images: dict[str, np.ndarray]
) -> None:
    loaded = FashionMnist(valid_images=100).load(official)
    assert loaded.train[0].shape == (500, 28, 28, 1)
    assert loaded.valid[0].shape == (100, 28, 28, 1)
    assert loaded.test[0].shape == (100, 28, 28, 1)
    original = {image.tobytes(): label for image, label in zip(images["train"], images["train_labels"], strict=True)}
    seen: dict = {}
    for part in (loaded.train, loaded.valid):
        seen |= {image.tobytes(): label for image, label in zip(*part, strict=True)}
    assert seen == original


def test_validation_draws_from_every_class_of_a_sorted_file(tables: str) -> None:
    assert set(FashionMnist(valid_images=100).load(tables).valid[1]) == set(range(10))


def test_an_idx_file_is_read_and_a_cut_one_refused(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    path = tmp_path / "values.gz"
    idx(path, values)
    np.testing.assert_array_equal(read_idx(path), values)
    content = gzip.decompress(path.read_bytes())
    for damaged in (content[:-1], content + b"x", b"\0\0\x0d" + content[3:]):
        path.write_bytes(gzip.compress(damaged))
        with pytest.raises(BadInput, match="IDX"):
            read_idx(path)


def test_without_any_file_the_message_names_all_that_would_do(tmp_path: Path, images: dict[str, np.ndarray]) -> None:
    with pytest.raises(BadInput) as caught:
        FashionMnist(valid_images=100).load(str(tmp_path))
    for name in ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", "fashion_mnist_train.npz"):
        assert name in str(caught.value)


def test_tables_that_are_not_fashion_mnist_are_refused(tmp_path: Path, tables: str) -> None:
    np.savez(tmp_path / "fashion_mnist_test.npz", x=np.zeros((9, 28, 28), np.uint8), y=np.zeros(9, np.uint8))
    with pytest.raises(BadInput, match="100 test images"):
        FashionMnist(valid_images=100).load(tables)
    (tmp_path / "fashion_mnist_test.npz").write_bytes(b"not a table")
    with pytest.raises(BadInput, match=r"fashion_mnist_test\.npz"):
        FashionMnist(valid_images=100).load(tables)


@pytest.mark.parametrize(("field", "value"), [("valid_images", 0), ("valid_images", 60_000), ("train_images", 50_001)])
def test_a_wrong_count_is_refused(field: str, value: int) -> None:
    with pytest.raises(BadInput, match=rf"dataset\.{field}"):
        FashionMnist(**{field: value})


@pytest.mark.real
def test_the_real_images_have_the_stated_mean_and_deviation() -> None:
    if not (DATA / "fashion_mnist_train.npz").is_file():
        pytest.skip("HARNESS_DATA has no Fashion-MNIST")
    images = FashionMnist().load(str(DATA))
    assert [len(part[1]) for part in (images.train, images.valid, images.test)] == [50_000, 10_000, 10_000]
    whole = np.concatenate([images.train[0], images.valid[0]]) / 255
    assert (round(whole.mean(), 4), round(whole.std(), 4)) == (images.mean[0], images.std[0])
