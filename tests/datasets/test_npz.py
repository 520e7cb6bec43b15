"""Image sets in .npz files as people have them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from harness.datasets.npz import Npz
from harness.schema import BadInput
from tests.datasets.formats import Part, part

DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent"))


@pytest.fixture
def parts() -> dict[str, Part]:
    return {name: part(np.arange(n) % 3, size=8, seed=n) for name, n in (("train", 30), ("valid", 12), ("test", 9))}


def _pairs(*parts: Part) -> dict[bytes, int]:
    return {image.tobytes(): label for images, labels in parts for image, label in zip(images, labels, strict=True)}


@pytest.mark.parametrize("names", [("x_{}", "y_{}"), ("{}_images", "{}_labels"), ("{}_x", "{}_y")])
@pytest.mark.parametrize("valid", ["valid", "val"])
def test_names_that_people_use_are_guessed(tmp_path: Path, parts: dict[str, Part], names: tuple, valid: str) -> None:
    arrays: dict = {}
    for name, written in parts.items():
        short = valid if name == "valid" else name
        arrays |= {key.format(short): array for key, array in zip(names, written, strict=True)}
    np.savez_compressed(tmp_path / "set.npz", **arrays)
    images = Npz(path="set.npz", crop=1, flip=False).load(str(tmp_path))
    for name, written in parts.items():
        assert _pairs(getattr(images, name)) == _pairs(written)
    assert (images.name, images.classes, images.size, images.flip, images.crop) == ("npz", 3, 8, False, 1)


@pytest.mark.parametrize("names", [("x", "y"), ("images", "labels"), ("data", "labels"), ("X", "y")])
def test_parts_may_lie_in_files_of_their_own(tmp_path: Path, parts: dict[str, Part], names: tuple) -> None:
    for name, written in parts.items():
        np.savez(tmp_path / f"{name}.npz", wnids=["a"], **dict(zip(names, written, strict=True)))
    images = Npz(path="train.npz", test_path=str(tmp_path / "test.npz"), valid_images=5).load(str(tmp_path))
    assert _pairs(images.train, images.valid) == _pairs(parts["train"])
    assert (len(images.valid[1]), _pairs(images.test)) == (5, _pairs(parts["test"]))
    images = Npz(path="train.npz", valid_path="valid.npz", test_path="test.npz").load(str(tmp_path))
    assert _pairs(images.valid) == _pairs(parts["valid"])
    alone = Npz(path="train.npz").load(str(tmp_path))
    assert [len(p[1]) for p in (alone.train, alone.valid, alone.test)] == [20, 4, 6]
    assert _pairs(alone.train, alone.valid, alone.test) == _pairs(parts["train"])


def test_names_that_are_given_are_taken(tmp_path: Path, parts: dict[str, Part]) -> None:
    (images, labels), (test_images, test_labels) = parts["train"], parts["test"]
    np.savez(tmp_path / "set.npz", a=images, b=labels, c=test_images, d=test_labels, x=images * 0, y=labels)
    loaded = Npz(path="set.npz", train_keys=["a", "b"], test_keys=["c", "d"]).load(str(tmp_path))
    assert _pairs(loaded.train, loaded.valid) == _pairs(parts["train"])
    assert _pairs(loaded.test) == _pairs(parts["test"])
    with pytest.raises(BadInput, match=r"dataset\.valid_keys.*which has a, b, c, d, x, y"):
        Npz(path="set.npz", train_keys=["a", "b"], valid_keys=["a", "e"]).load(str(tmp_path))


@pytest.mark.parametrize("layout", ["grey", "channels first", "integers", "fractions", "column", "text", "fortran"])
def test_arrays_of_other_layouts_hold_the_same_images(tmp_path: Path, parts: dict[str, Part], layout: str) -> None:
    images, labels = parts["train"]
    if layout == "grey":
        images = images[..., :1]
    stored = {
        "grey": images[..., 0],
        "channels first": np.moveaxis(images, 3, 1),
        "integers": images.astype(np.int32),
        "fractions": (images / 255).astype(np.float32) * (1 - 1e-6),
        "fortran": np.asfortranarray(images),
    }.get(layout, images)
    given = {"column": labels[:, None], "text": np.array(["b", "c", "d"])[labels]}.get(layout, labels + 5)
    np.savez(tmp_path / "set.npz", x=stored, y=given)
    loaded = Npz(path="set.npz").load(str(tmp_path))
    assert _pairs(loaded.train, loaded.valid, loaded.test) == _pairs((images, labels))
    assert loaded.colours == images.shape[3]


def test_size_and_colours_are_as_asked(tmp_path: Path, parts: dict[str, Part]) -> None:
    np.savez(tmp_path / "set.npz", x=parts["train"][0][:, :6], y=parts["train"][1])
    kept = Npz(path="set.npz", crop=0).load(str(tmp_path))
    assert kept.train[0].shape[1:] == (6, 6, 3)
    asked = Npz(path="set.npz", size=12, colours=1, aspect="stretch").load(str(tmp_path))
    assert asked.train[0].shape[1:] == (12, 12, 1)


IMAGES, LABELS = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8), np.arange(20) % 2


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"z": IMAGES, "y": LABELS}, r"dataset\.train_keys.*which has z, y"),
        ({"x": IMAGES[0], "y": LABELS[:8]}, r"dataset\.size.*got 3"),
        ({"x": IMAGES[..., :2], "y": LABELS}, "1 or 3 colours"),
        ({"x": IMAGES[:0], "y": LABELS[:0]}, "1 or 3 colours"),
        ({"x": IMAGES.astype(int) + 1, "y": LABELS}, "0..255"),
        ({"x": IMAGES.astype(int) - 1, "y": LABELS}, "0..255"),
        ({"x": IMAGES.astype(float), "y": LABELS}, "floats 0..1"),
        ({"x": np.full((20, 8, 8), np.nan), "y": LABELS}, "floats 0..1"),
        ({"x": IMAGES.astype("U1"), "y": LABELS}, "images as numbers"),
        ({"x": IMAGES, "y": LABELS[:-1]}, "one label per image"),
        ({"x": IMAGES, "y": LABELS / 2}, "integers or text"),
        ({"x": IMAGES, "y": np.eye(20)}, "integers or text"),
        ({"x": IMAGES, "y": LABELS * 0}, "two classes"),
        ({"x": IMAGES * 0, "y": LABELS}, "vary in every colour"),
        ({"x": IMAGES, "y": np.array([None] * 20)}, "numbers or text"),
        ({"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS + 1}, "among the training labels"),
    ],
)
def test_arrays_that_cannot_be_a_data_set_are_refused(tmp_path: Path, arrays: dict, said: str) -> None:
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(BadInput, match=said):
        Npz(path="set.npz").load(str(tmp_path))


def test_a_file_that_is_not_there_and_one_that_is_no_npz_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"dataset\.path"):
        Npz().load(str(tmp_path))
    with pytest.raises(BadInput, match=r"nothing\.npz"):
        Npz(path="nothing.npz").load(str(tmp_path))
    (tmp_path / "set.npz").write_bytes(b"not an archive")
    with pytest.raises(BadInput, match=r"set\.npz"):
        Npz(path="set.npz").load(str(tmp_path))


@pytest.mark.parametrize(
    ("field", "value"),
    [("size", 0), ("size", 3), ("colours", 2), ("aspect", ""), ("crop", -1), ("test_images", 0), ("train_keys", ["x"])],
)
def test_a_wrong_setting_is_refused(field: str, value: object) -> None:
    with pytest.raises(BadInput, match=rf"dataset\.{field}"):
        Npz(**{field: value})


@pytest.mark.real
def test_real_files_are_read() -> None:
    if not (DATA / "tinyimagenet16_120_train.npz").is_file():
        pytest.skip("HARNESS_DATA has no tinyimagenet16_120")
    made = Npz(path="tinyimagenet16_120_train.npz", test_path="tinyimagenet16_120_val.npz", crop=2)
    images = made.load(str(DATA))
    assert [len(part[1]) for part in (images.train, images.valid, images.test)] == [48_000, 12_000, 6_000]
    assert (images.classes, images.size, images.colours) == (120, 16, 3)
    assert (np.bincount(images.test[1]) == 50).all()
    lossless = Npz(path="cifar10_lossless_subset.npz").load(str(DATA))
    assert [len(part[1]) for part in (lossless.train, lossless.valid, lossless.test)] == [3_200, 800, 1_000]


def test_classes_that_are_tested_and_never_trained_and_labels_below_0_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    labels = np.where(np.arange(20) % 2, 3, -1)
    np.savez(tmp_path / "set.npz", x=IMAGES, y=labels)
    Npz(path=str(tmp_path / "set.npz"), crop=0).load()
    assert "the label -1, which often marks images without a label, counts as a class of its own" in caplog.text
    caplog.clear()
    np.savez(tmp_path / "set.npz", x=IMAGES, y=LABELS)
    Npz(path=str(tmp_path / "set.npz"), crop=0, train_images=1).load()
    assert "number of classes that are never trained: 1; they have " in caplog.text
