"""A data set whose pixels are moved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from harness.config.components import build, conf_folder
from harness.datasets.cifar10 import Cifar10
from harness.datasets.digits import Digits
from harness.datasets.scattered import Scattered
from harness.schema import BadInput

SMALL = {"train_images": 20, "valid_images": 8, "test_images": 6}
DIGITS = {"_target_": "harness.datasets.digits.Digits", **SMALL}


def test_one_permutation_moves_the_pixels_of_every_image_of_every_part() -> None:
    original, moved = Digits(**SMALL).load(), Scattered("moved", DIGITS, seed=3).load()
    before = np.concatenate([part[0].reshape(-1, 144) for part in (original.train, original.valid, original.test)])
    after = np.concatenate([part[0].reshape(-1, 144) for part in (moved.train, moved.valid, moved.test)])
    # the columns of a matrix (image, pixel), here all distinct, say where each pixel went
    place = [int(np.flatnonzero((before == column[:, None]).all(axis=0))[0]) for column in after.T]
    assert sorted(place) == list(range(144)) and place != sorted(place)
    for mine, theirs in ((moved.train, original.train), (moved.valid, original.valid), (moved.test, original.test)):
        assert np.array_equal(mine[1], theirs[1])


def test_colours_of_a_pixel_stay_together(tmp_path: Path) -> None:
    images = np.arange(12 * 16 * 3, dtype=np.uint8).reshape(12, 4, 4, 3) % 251
    np.savez(
        tmp_path / "set.npz", x_train=images, y_train=np.arange(12) % 2, x_test=images[:4], y_test=np.arange(4) % 2
    )
    target = {"_target_": "harness.datasets.npz.Npz", "path": "set.npz", "valid_images": 2, "crop": 2, "flip": True}
    moved = Scattered("moved", target).load(str(tmp_path))
    pixels = {tuple(pixel) for pixel in images[:4].reshape(-1, 3).tolist()}
    assert {tuple(pixel) for pixel in moved.test[0].reshape(-1, 3).tolist()} == pixels
    assert (moved.name, moved.flip, moved.crop, moved.size) == ("moved", False, 0, 4)


def test_the_seed_decides_the_permutation_and_the_name_is_part_of_the_identity() -> None:
    first, again, other = (Scattered("moved", DIGITS, seed).load() for seed in (0, 0, 1))
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()
    assert first.fingerprint() != Scattered("renamed", DIGITS, 0).load().fingerprint()
    assert not np.array_equal(first.train[0], other.train[0])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "cifar10"}, "dataset.name: must be another name"),
        ({"seed": -1}, "dataset.seed: must be an integer from 0"),
        ({"original": {}}, "dataset.original._target_: must be the dotted path of a class"),
        ({"original": {**DIGITS, "size": 5}}, "dataset.original.size: must be a multiple of 4"),
        ({"original": {**DIGITS, "colour": 5}}, "dataset.original.colour: must be a known key"),
        ({"original": {**DIGITS, "size": "wide"}}, "dataset.original.size: must be a value of type int"),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_own_key(changed: dict, said: str) -> None:
    with pytest.raises(BadInput) as error:
        Scattered(**{"name": "moved", "original": DIGITS, **changed})
    assert str(error.value).startswith(said) and "\n" not in str(error.value)


def test_the_shipped_file_scatters_cifar10_and_asks_for_its_files() -> None:
    node = OmegaConf.load(conf_folder() / "dataset" / "scattered_cifar10.yaml")
    made = build(node, "dataset")
    assert isinstance(made, Scattered) and made.name == "scattered_cifar10"
    assert made.sources() == Cifar10().sources()
    assert Scattered("moved", DIGITS).sources() == ()  # digits come with the package


def test_a_file_that_is_missing_is_named_by_its_own_key(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^dataset\.original\.path: must be an existing \.npz file"):
        Scattered("moved", {"_target_": "harness.datasets.npz.Npz", "path": "a.npz"}).load(str(tmp_path))
