"""Directories of images as people have them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.benches.nats.spaces import DEFAULT_TRAIN_SET, SPLITS
from harness.datasets.described import BENCHMARK
from harness.datasets.image_folder import ImageFolder
from harness.datasets.npz import Npz
from harness.datasets.pixels import Form
from harness.schema import BadInput
from tests.datasets.formats import Part, class_folders, encoded, part


@pytest.fixture
def parts() -> dict[str, Part]:
    return {name: part(np.arange(n) % 3, size=8, seed=n) for name, n in (("train", 30), ("val", 12), ("test", 9))}


def _pairs(*parts: Part) -> dict[bytes, int]:
    return {image.tobytes(): label for images, labels in parts for image, label in zip(images, labels, strict=True)}


@pytest.mark.parametrize("valid", ["val", "valid", "validation"])
def test_folders_of_parts_are_the_parts(tmp_path: Path, parts: dict[str, Part], valid: str) -> None:
    for name, written in parts.items():
        class_folders(tmp_path / "birds" / (valid if name == "val" else name), *written)
    images = ImageFolder(name="birds", path="birds", size=8, crop=1, flip=False).load(str(tmp_path))
    assert _pairs(images.train) == _pairs(parts["train"])
    assert _pairs(images.valid) == _pairs(parts["val"])
    assert _pairs(images.test) == _pairs(parts["test"])
    assert (images.name, images.classes, images.flip, images.crop, images.size) == ("birds", 3, False, 1, 8)
    np.testing.assert_allclose(images.std, images.train[0].std(axis=(0, 1, 2)) / 255, atol=1e-4)
    few = ImageFolder(path="birds", size=8, train_images=6, valid_images=5, test_images=4).load(str(tmp_path))
    assert [len(p[1]) for p in (few.train, few.valid, few.test)] == [6, 5, 4]
    assert _pairs(few.valid).items() < _pairs(parts["val"]).items()


def test_a_folder_of_classes_alone_is_divided_by_the_seed(tmp_path: Path, parts: dict[str, Part]) -> None:
    class_folders(tmp_path, *parts["train"])
    made = ImageFolder(path=str(tmp_path), size=8, valid_images=7)  # an absolute path
    images = made.load("/nonexistent")
    assert [len(p[1]) for p in (images.train, images.valid, images.test)] == [17, 7, 6]
    assert _pairs(images.train, images.valid, images.test) == _pairs(parts["train"])
    assert made.load(None).fingerprint() == images.fingerprint()
    assert ImageFolder(path=str(tmp_path), size=8, valid_images=7, seed=1).load(None).fingerprint() != (
        images.fingerprint()
    )


def test_a_part_that_is_missing_is_held_out_of_the_training_images(tmp_path: Path, parts: dict[str, Part]) -> None:
    class_folders(tmp_path / "train", *parts["train"])
    class_folders(tmp_path / "test", *parts["test"])
    images = ImageFolder(path=str(tmp_path), size=8).load(None)
    assert _pairs(images.train, images.valid) == _pairs(parts["train"])
    assert len(images.valid[1]) == 6
    assert _pairs(images.test) == _pairs(parts["test"])


def test_photographs_of_any_shape_and_kind_become_squares_of_one_size(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    shapes = [(8, 8, 3), (12, 20, 3), (20, 12, 1), (40, 40, 3), (5, 5, 3), (9, 30, 3)]
    images = [random.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
    for number, image in enumerate(images):
        folder = tmp_path / "ab"[number % 2]
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.PNG").write_bytes(encoded(image))
        (folder / "notes.txt").write_text("skipped")
        (folder / ".hidden.png").write_bytes(b"skipped")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.png").write_bytes(b"skipped")
    for aspect, colours in (("crop", 3), ("stretch", 1)):
        made = ImageFolder(path=str(tmp_path), size=8, colours=colours, aspect=aspect, valid_images=1, test_images=1)
        loaded, form = made.load(None), Form(8, colours, aspect)
        expected = {form.of(image[None])[0].tobytes(): number % 2 for number, image in enumerate(images)}
        assert _pairs(loaded.train, loaded.valid, loaded.test) == expected


def test_a_file_that_was_written_anew_is_decoded_anew(tmp_path: Path, parts: dict[str, Part], cache: Path) -> None:
    class_folders(tmp_path / "set", *parts["train"])
    made = ImageFolder(path=str(tmp_path / "set"), size=8)
    first = made.load(None).fingerprint()
    assert [*cache.rglob("*.npy")]
    path = tmp_path / "set" / "class 0" / "0000.png"
    path.write_bytes(encoded(255 - parts["train"][0][0]))
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))  # a clock may be coarse
    assert made.load(None).fingerprint() != first


def test_folders_that_cannot_be_a_data_set_are_refused(tmp_path: Path, parts: dict[str, Part]) -> None:
    def refused(said: str, path: Path | str | None = tmp_path) -> None:
        with pytest.raises(BadInput, match=said):
            ImageFolder(path=None if path is None else str(path), size=8).load(None)

    refused("path of a folder of images", None)
    refused("existing", tmp_path / "nowhere")
    refused("one folder of images per class")
    (tmp_path / "class 0").mkdir()
    refused("images .* in .*class 0")
    (tmp_path / "class 0" / "x.png").write_bytes(encoded(parts["train"][0][0]))
    refused("two classes")
    class_folders(tmp_path, *parts["train"])
    (tmp_path / "class 1" / "x.png").write_bytes(b"not an image")
    refused(r"class 1/x\.png")
    (tmp_path / "class 1" / "x.png").unlink()
    class_folders(tmp_path / "all" / "train", *parts["train"])
    class_folders(tmp_path / "all" / "test", parts["test"][0], parts["test"][1] + 2)
    refused("classes are training classes", tmp_path / "all")
    for name in ("val", "valid"):
        class_folders(tmp_path / "two" / name, *parts["val"])
    class_folders(tmp_path / "two" / "train", *parts["train"])
    refused("one folder of valid images", tmp_path / "two")


@pytest.mark.parametrize(
    ("field", "value"),
    [("size", 0), ("colours", 4), ("aspect", "fit"), ("crop", 33), ("train_images", 0), ("valid_images", -1)],
)
def test_a_wrong_setting_is_refused(field: str, value: object) -> None:
    with pytest.raises(BadInput, match=rf"dataset\.{field}"):
        ImageFolder(**{field: value})


def test_it_says_what_it_needs_once_that_is_named() -> None:
    assert ImageFolder().sources() == ()
    assert ImageFolder(path="birds").sources()[0].any_of == (("birds",),)


def test_files_that_are_not_read_are_told_of_once_with_their_number(
    tmp_path: Path, parts: dict[str, Part], caplog: pytest.LogCaptureFixture
) -> None:
    for name, written in parts.items():
        class_folders(tmp_path / name, *written)
    made = ImageFolder(path=str(tmp_path), size=8)
    made.load(None)
    assert not caplog.records
    for place in ("train/class 0/a.tif", "train/class 1/deep/b.TIF", "val/class 0/c.gif", "test/class 2/.hidden.gif"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(b"1")
    made.load(None)
    (record,) = caplog.records
    assert "skipping 3 files (2 .tif, 1 .gif)" in record.message and ".png" in record.message


@pytest.mark.parametrize("ending", [".pgm", ".PPM", ".pnm"])
def test_netpbm_images_are_read_by_any_of_their_endings(tmp_path: Path, parts: dict[str, Part], ending: str) -> None:
    images, labels = parts["train"]
    grey = images[..., :1]
    class_folders(tmp_path, grey, labels, "PPM")  # of one colour, so that what is written is a PGM
    for path in [*tmp_path.rglob("*.ppm")]:
        path.rename(path.with_suffix(ending))
    read = ImageFolder(path=str(tmp_path), size=8, colours=1).load(None)
    assert _pairs(read.train, read.valid, read.test) == _pairs((grey, labels))


@pytest.mark.parametrize("kind", [ImageFolder, Npz])
def test_images_of_ones_own_cannot_take_the_name_of_a_set_that_the_benchmark_has_accuracies_for(
    kind: Callable[..., object],
) -> None:
    assert {*BENCHMARK} == {*SPLITS, *DEFAULT_TRAIN_SET}
    for name in BENCHMARK:
        with pytest.raises(BadInput, match=rf"^dataset\.name: must be another name than .*got '?{name}"):
            kind(name=name)
    kind(name="cifar10-of-mine")
