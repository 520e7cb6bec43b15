"""Image sets in Parquet tables: which rows are which part, what a label is, what is left out and refused."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from omegaconf import OmegaConf

from harness.config.components import build, conf_folder
from harness.datasets.npz import Npz
from harness.datasets.parquet_images import ParquetImages
from harness.schema import BadInput, ImageSet
from tests.datasets.formats import encoded, parquet, part

DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent"))
PARTS = ["train", "valid", "test", "train", "test", "train"] * 6
IMAGES = part(np.zeros(36), size=8)[0]
NAMES = ["owl", "duck", None, "owl", "duck", "duck"] * 6


def _pairs(*parts: tuple) -> dict[bytes, int]:
    return {image.tobytes(): label for images, labels in parts for image, label in zip(images, labels, strict=True)}


def _expected(wanted: str) -> dict[bytes, int]:
    rows = [row for row in range(36) if PARTS[row] == wanted and NAMES[row]]
    return {IMAGES[row].tobytes(): ["duck", "owl"].index(str(NAMES[row])) for row in rows}


@pytest.fixture
def birds(tmp_path: Path) -> str:
    """A table of 36 rows; a sixth of them, one of each part "test", has no name."""
    parquet(tmp_path / "birds.parquet", IMAGES, "photo", name=NAMES, kind=PARTS, number=np.arange(36) % 2)
    return str(tmp_path / "birds.parquet")


def _loaded(path: str, **more: Any) -> ImageSet:
    settings: dict = {"image_column": "photo", "label_column": "name", "part_column": "kind", "size": 8, "crop": 0}
    return ParquetImages(path=path, **(settings | more)).load()


def test_a_row_is_in_the_part_that_its_column_says_with_the_class_that_its_label_is(
    birds: str, caplog: pytest.LogCaptureFixture
) -> None:
    images = _loaded(birds, name="owls")
    for name in ("train", "valid", "test"):
        assert _pairs(getattr(images, name)) == _expected(name)
    assert (images.name, images.classes, images.flip, images.crop) == ("owls", 2, True, 0)
    assert "birds.parquet: leaving out 6 of 36 rows: 6 without name, 0 of no part" in caplog.text


def test_a_part_without_rows_is_held_out_of_the_training_images(birds: str, caplog: pytest.LogCaptureFixture) -> None:
    images = _loaded(birds, part_values=["train", None, "test"], valid_images=5)
    assert len(images.valid[1]) == 5 and _pairs(images.train, images.valid) == _expected("train")
    assert _pairs(images.test) == _expected("test")
    assert "leaving out 12 of 36 rows: 6 without name, 6 of no part" in caplog.text
    alone = _loaded(birds, part_column=None)
    assert [len(p[1]) for p in (alone.train, alone.valid, alone.test)] == [20, 4, 6]
    every = _pairs(alone.train, alone.valid, alone.test)
    assert every == _expected("train") | _expected("valid") | _expected("test")


def test_limits_are_draws_by_seed_of_which_smaller_ones_are_parts(birds: str) -> None:
    few, more, other = (_loaded(birds, train_images=n, seed=s) for n, s in ((4, 0), (9, 0), (9, 1)))
    assert len(_pairs(few.train)) == 4
    assert _pairs(few.train).items() < _pairs(more.train).items() < _expected("train").items()
    assert _pairs(other.train) != _pairs(more.train)
    assert _pairs(_loaded(birds, test_images=3).test).items() < _expected("test").items()
    with pytest.raises(BadInput, match=r"dataset\.train_images: must be a count from 1 to 18"):
        _loaded(birds, train_images=19)


@pytest.mark.parametrize("kind", ["text", "large text", "dictionary", "int8", "integers of a part"])
def test_columns_of_other_types_hold_the_same(
    tmp_path: Path, birds: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.datasets.encoded.BATCH", 5)
    types = {"large text": pa.large_string(), "dictionary": pa.dictionary(pa.int32(), pa.string()), "int8": pa.int8()}
    numbers = {"duck": -3, "owl": 7, None: None}
    names = pa.array([numbers[name] for name in NAMES] if kind == "int8" else NAMES, types.get(kind))
    columns: dict = {"photo": [encoded(image) for image in IMAGES], "name": names, "kind": PARTS}
    more: dict = {}
    if kind == "integers of a part":
        columns["kind"], more = [["train", "valid", "test"].index(p) for p in PARTS], {"part_values": ["0", "1", "2"]}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet", row_group_size=7)
    images = _loaded(str(tmp_path / "x.parquet"), **more)
    for name in ("train", "valid", "test"):
        assert _pairs(getattr(images, name)) == _expected(name)


def test_another_label_column_decodes_the_rows_that_it_has(birds: str, tmp_path: Path) -> None:
    _loaded(birds)  # caches its own choice of rows
    images = _loaded(birds, label_column="number")
    assert _pairs(images.test) == {IMAGES[row].tobytes(): row % 2 for row in range(36) if PARTS[row] == "test"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"label_column": "species"}, r"dataset\.label_column: must be a column of birds\.parquet \(photo, name, kind"),
        ({"part_column": "split"}, r"dataset\.part_column"),
        ({"image_column": "jpeg"}, r"dataset\.image_column: must be a column .* with images .*got 'jpeg'"),
        ({"image_column": None}, r"dataset\.image_column"),
        ({"image_column": "name"}, "bytes in name"),
        ({"label_column": "photo"}, r"dataset\.label_column: must be a column of integers or text"),
        ({"part_values": ["train", "validation", "test"]}, "rows of part valid that have a label"),
        ({"part_values": ["train", "train", "test"]}, r"dataset\.part_values: must be three different"),
        ({"part_values": ["train", "test"]}, r"dataset\.part_values"),
        ({"part_values": [None, "train", "test"]}, r"dataset\.part_values"),
        ({"checksum": "1234"}, r"dataset\.checksum: must be sha256"),
        ({"checksum": "sha256:" + "0" * 64}, r"checksum mismatch: .*birds\.parquet must have sha256:000"),
        ({"name": "cifar10"}, r"dataset\.name"),
        ({"size": 3}, r"dataset\.size"),
        ({"crop": 9}, r"dataset\.crop"),
        ({"test_images": 0}, r"dataset\.test_images"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(birds: str, more: dict, said: str) -> None:
    with pytest.raises(BadInput, match=said) as error:
        _loaded(birds, **more)
    assert "\n" not in str(error.value)


def test_a_label_that_is_never_trained_one_class_and_a_label_of_a_page_are_refused(tmp_path: Path) -> None:
    for names, said in ((["a", "b", "a", "c"], "valid labels among the training labels"), (["a"] * 4, "two classes"),
                        (["a", "b" * 300, "a", "a"], "at most 200 characters")):  # fmt: skip
        parquet(tmp_path / "x.parquet", IMAGES[:4], "photo", name=names, kind=["train", "train", "test", "valid"])
        with pytest.raises(BadInput, match=said):
            _loaded(str(tmp_path / "x.parquet"))


def test_the_path_and_the_pinned_file_are_asked_for_in_one_line(tmp_path: Path, birds: str) -> None:
    with pytest.raises(BadInput, match=r"dataset\.path"):
        ParquetImages().load()
    with pytest.raises(BadInput, match=r"dataset\.path.*nothing\.parquet"):
        _loaded("nothing.parquet")
    known = f"sha256:{hashlib.sha256(Path(birds).read_bytes()).hexdigest()}"
    assert _loaded(birds, checksum=known).classes == 2
    with pytest.raises(BadInput, match=rf"missing file nothing\.parquet \({known}\).*of my own.*data check parquet"):
        _loaded("nothing.parquet", checksum=known, origin="of my own")


def test_a_checksum_refuses_another_npz_file_and_the_sources_say_what_is_needed(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x=IMAGES, y=np.arange(36) % 2)
    known = f"sha256:{hashlib.sha256((tmp_path / 'set.npz').read_bytes()).hexdigest()}"
    assert Npz(path="set.npz", crop=0, checksum=known).load(str(tmp_path)).classes == 2
    with pytest.raises(BadInput, match=r"checksum mismatch: .*dataset\.checksum=null"):
        Npz(path="set.npz", crop=0, checksum="sha256:" + "0" * 64).load(str(tmp_path))
    (source,) = Npz(path="set.npz", test_path="more.npz", checksum=known, origin="mine").sources()
    assert (str(source.any_of[0][0]), source.any_of[0][1], source.note) == (f"set.npz ({known})", "more.npz", "mine")


def _configured(name: str) -> Any:
    return build(OmegaConf.load(conf_folder() / "dataset" / f"{name}.yaml"), "dataset")


def test_a_mirrored_sign_is_another_sign() -> None:
    assert not _configured("gtsrb43").flip and _configured("birds").flip


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "counts", "classes", "size"),
    [
        ("flowers5", [3011, 500, 800], 5, 96),
        ("birds", [837, 279, 279], 13, 96),
        ("gtsrb43", [1046, 261, 1500], 43, 32),
    ],
)
def test_real_files_are_read(name: str, counts: list[int], classes: int, size: int) -> None:
    dataset = _configured(name)
    if not (DATA / dataset.path).is_file():
        pytest.skip(f"HARNESS_DATA has no {dataset.path}")
    images = dataset.load(str(DATA))
    assert [len(p[1]) for p in (images.train, images.valid, images.test)] == counts
    assert (images.classes, images.size, images.colours) == (classes, size, 3)
    assert len(np.unique(images.train[1])) == len(np.unique(images.test[1])) == classes


@pytest.mark.real
def test_each_training_image_of_the_real_signs_is_of_a_track_of_its_own() -> None:
    if not (DATA / "gtsrb43_32.npz").is_file():
        pytest.skip("HARNESS_DATA has no gtsrb43_32.npz")
    with np.load(DATA / "gtsrb43_32.npz") as file:
        assert len(np.unique(file["track_train"])) == len(file["x_train"])
