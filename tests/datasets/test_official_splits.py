"""The splits of NAS-Bench-201 and the data sets that follow them."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from harness import files
from harness.datasets import cifar_files, imagenet16_120
from harness.datasets.cifar100 import Cifar100
from harness.datasets.imagenet16_120 import ImageNet16
from harness.datasets.official_splits import COUNTS, first_half
from harness.schema import BadInput, ImageSet

DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent"))
SPLITS = {
    "cifar10": ("cifar-split.txt", ("train", "valid")),
    "cifar100": ("cifar100-test-split.txt", ("xvalid", "xtest")),
    "imagenet16_120": ("imagenet-16-120-test-split.txt", ("xvalid", "xtest")),
}
BEGINNINGS = {  # as in the published files
    "cifar10": [0, 5, 7, 11, 13, 15, 16, 17, 20, 24, 26, 28],
    "cifar100": [1, 3, 4, 5, 8, 10, 13, 14, 15, 16, 18, 19],
    "imagenet16_120": [1, 2, 3, 6, 7, 8, 9, 12, 16, 18, 19, 26],
}


@cache
def _numbered(count: int, side: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Blank images that carry their number in their first pixel, sorted by class."""
    images = np.zeros((count, side, side, 3), np.uint8)
    numbers = np.arange(count)
    images[:, 0, 0] = np.stack([numbers >> 16, numbers >> 8 & 255, numbers & 255], axis=1)
    return images, numbers * classes // count


def _numbers(labelled: tuple[np.ndarray, np.ndarray]) -> list[int]:
    return (labelled[0][:, 0, 0].astype(int) @ [65536, 256, 1]).tolist()


@pytest.fixture(autouse=True)
def _files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar_files, "read", lambda *_: (_numbered(50_000, 32, 100), _numbered(10_000, 32, 100)))
    monkeypatch.setattr(files, "obtain", lambda *_: [])
    monkeypatch.setattr(imagenet16_120, "read", lambda _: (_numbered(151_700, 16, 120), _numbered(6_000, 16, 120)))


@pytest.mark.parametrize("name", COUNTS)
def test_a_split_begins_as_published_and_halves_the_images(name: str) -> None:
    half = first_half(name)
    assert np.flatnonzero(half)[:12].tolist() == BEGINNINGS[name]
    assert (len(half), half.sum() * 2) == (COUNTS[name], COUNTS[name])


@pytest.mark.real
@pytest.mark.parametrize("name", COUNTS)
def test_a_packed_split_is_the_official_file(name: str) -> None:
    file, parts = SPLITS[name]
    path = DATA / "splits" / file
    if not path.is_file():
        pytest.skip(f"HARNESS_DATA has no splits/{file}")
    split = json.loads(path.read_text())
    first, second = (sorted(map(int, split[part][1])) for part in parts)
    assert np.flatnonzero(first_half(name)).tolist() == first
    assert np.flatnonzero(~first_half(name)).tolist() == second


@pytest.mark.parametrize("made", [Cifar100(), ImageNet16()], ids=lambda made: made.name)
def test_all_training_images_are_trained_on_and_the_others_are_halved_by_the_split(made: Cifar100) -> None:
    images, half = made.load(), first_half(made.name.replace("-", "_"))
    assert _numbers(images.train) == list(range({"cifar100": 50_000, "imagenet16-120": 151_700}[made.name]))
    assert _numbers(images.valid) == np.flatnonzero(half).tolist()
    assert _numbers(images.test) == np.flatnonzero(~half).tolist()
    for part, count in ((images.train, len(images.train[1])), (images.valid, len(half)), (images.test, len(half))):
        assert part[1].tolist() == [number * images.classes // count for number in _numbers(part)]


def test_the_recipe_is_that_of_the_benchmark() -> None:
    def recipe(images: ImageSet) -> tuple[object, ...]:
        mean, std = ([round(255 * value, 6) for value in values] for values in (images.mean, images.std))
        return images.name, images.classes, images.size, images.flip, images.crop, mean, std

    assert recipe(Cifar100().load()) == ("cifar100", 100, 32, True, 4, [129.3, 124.1, 112.4], [68.2, 65.4, 70.4])
    assert recipe(ImageNet16().load()) == (
        "imagenet16-120", 120, 16, True, 2, [122.68, 116.66, 104.01], [63.22, 61.26, 65.09],
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "sizes"), [(Cifar100, {32: 4, 16: 2, 8: 1}), (ImageNet16, {16: 2, 8: 1})])
def test_limits_are_drawn_within_the_parts_and_the_padding_shrinks_with_the_image(kind: type, sizes: dict) -> None:
    limits = {"train_images": 300, "valid_images": 200, "test_images": 100}
    images, whole = kind(**limits).load(), kind().load()
    for part, count in (("train", 300), ("valid", 200), ("test", 100)):
        assert len(set(_numbers(getattr(images, part)))) == count
        assert set(_numbers(getattr(images, part))) < set(_numbers(getattr(whole, part)))
    assert kind(**limits, seed=1).load().fingerprint() != images.fingerprint() == kind(**limits).load().fingerprint()
    assert {size: kind(size=size, **limits).load().crop for size in sizes} == sizes
    assert {size: kind(size=size, **limits).load().size for size in sizes} == {size: size for size in sizes}


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (Cifar100, "size", 24),
        (Cifar100, "valid_images", 5_001),
        (Cifar100, "test_images", 0),
        (ImageNet16, "size", 32),
        (ImageNet16, "train_images", 151_701),
        (ImageNet16, "test_images", 3_001),
    ],
)
def test_a_wrong_setting_is_refused_before_any_file_is_opened(kind: type, field: str, value: int) -> None:
    with pytest.raises(BadInput, match=rf"dataset\.{field}"):
        kind(**{field: value})
