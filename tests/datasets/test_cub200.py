"""The birds, on tiny files in the true format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.datasets import cub200
from harness.datasets.cub200 import Cub200, listed
from harness.datasets.pixels import Form
from harness.schema import BadInput
from tests.datasets.formats import encoded, tar

COUNT = 30


@pytest.fixture
def photographs() -> np.ndarray:
    """Images of 20 x 12 pixels."""
    return np.random.default_rng(0).integers(0, 256, (COUNT, 20, 12, 3), dtype=np.uint8)


LABELS = np.random.default_rng(1).permutation(COUNT) % 5
TRAINING = np.arange(COUNT) % 3 > 0


@pytest.fixture
def contents(photographs: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The files of the archive; image ids are neither sorted nor dense, and each list has its own order."""
    monkeypatch.setattr(cub200, "TRAIN", int(TRAINING.sum()))
    monkeypatch.setattr(cub200, "TEST", int((~TRAINING).sum()))
    monkeypatch.setattr(cub200, "CLASSES", 5)
    names = [f"{label + 1:03}.Bird_{label}/Bird_{place}.png" for place, label in enumerate(LABELS)]
    ids = np.random.default_rng(2).permutation(100)[:COUNT]
    orders = [np.random.default_rng(seed).permutation(COUNT) for seed in range(2)]
    lists = {
        "images.txt": "".join(f"{ids[k]} {names[k]}\n" for k in range(COUNT)),
        "image_class_labels.txt": "".join(f"{ids[k]} {LABELS[k] + 1}\n" for k in orders[0]),
        "train_test_split.txt": "".join(f"{ids[k]} {int(TRAINING[k])}\n" for k in orders[1]),
    }
    images = {f"images/{name}": encoded(image) for name, image in zip(names, photographs, strict=True)}
    return {"README": b"", **{name: text.encode() for name, text in lists.items()}, **images}


def _packed(folder: Path, contents: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> str:
    checksum = tar(folder / "CUB_200_2011.tgz", {f"CUB_200_2011/{name}": c for name, c in contents.items()})
    archive = replace(cub200.ARCHIVE, checksum=checksum)
    monkeypatch.setattr(cub200, "ARCHIVE", archive)
    monkeypatch.setattr(cub200, "SOURCE", replace(cub200.SOURCE, any_of=((archive,), ("CUB_200_2011",))))
    return str(folder)


def _unpacked(folder: Path, contents: dict[str, bytes]) -> str:
    for name, content in contents.items():
        path = folder / "CUB_200_2011" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(folder)


def _expect(images, photographs: np.ndarray, aspect: str = "crop") -> None:
    form = Form(8, 3, aspect)
    known = {image.tobytes(): label for image, label in zip(form.of(photographs), LABELS, strict=True)}
    parts = [{i.tobytes(): label for i, label in zip(*p, strict=True)} for p in (images.train, images.valid)]
    training = {form.of(photographs[k : k + 1])[0].tobytes(): LABELS[k] for k in np.flatnonzero(TRAINING)}
    assert parts[0] | parts[1] == training
    assert len(parts[1]) == 4
    assert all(known[image.tobytes()] == label for image, label in zip(*images.test, strict=True))
    assert len(images.test[1]) == (~TRAINING).sum()


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("aspect", ["crop", "stretch"])
def test_the_official_split_and_labels_are_read_packed_and_unpacked(
    tmp_path: Path,
    contents: dict[str, bytes],
    photographs: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    packed: bool,
    aspect: str,
) -> None:
    monkeypatch.setattr(cub200, "BATCH", 7)
    folder = _packed(tmp_path, contents, monkeypatch) if packed else _unpacked(tmp_path, contents)
    made = Cub200(size=8, aspect=aspect, valid_images=4)
    images = made.load(folder)
    _expect(images, photographs, aspect)
    assert (images.classes, images.flip, images.crop, images.size) == (5, True, 1, 8)
    assert made.load(folder).fingerprint() == images.fingerprint()  # from the cache


def test_the_images_may_lie_before_the_lists_in_the_archive(
    tmp_path: Path, contents: dict[str, bytes], photographs: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _packed(tmp_path, dict(reversed(contents.items())), monkeypatch)
    _expect(Cub200(size=8, valid_images=4).load(folder), photographs)


@pytest.mark.parametrize("packed", [True, False])
def test_a_missing_image_and_a_damaged_one_are_named(
    tmp_path: Path, contents: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    name = [*contents][10]
    damaged = contents | {name: contents[name][:50]}
    del contents[name]
    for files in (contents, damaged):
        folder = tmp_path / str(len(files))
        folder.mkdir()
        data = _packed(folder, files, monkeypatch) if packed else _unpacked(folder, files)
        with pytest.raises(BadInput, match=name.partition("/")[2]):
            Cub200(size=8, valid_images=4).load(data)


def test_other_counts_than_the_official_ones_are_refused(
    tmp_path: Path, contents: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = contents["train_test_split.txt"].replace(b" 0\n", b" 1\n", 1)
    data = _unpacked(tmp_path, contents | {"train_test_split.txt": text})
    with pytest.raises(BadInput, match=r"\(20, 10, 5\) training images"):
        Cub200(size=8, valid_images=4).load(data)


GOOD = {"images.txt": "1 a/b.jpg\n2 a/c.jpg", "image_class_labels.txt": "1 7\n2 8", "train_test_split.txt": "1 1\n2 0"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("images.txt", None),
        ("images.txt", "1 a/b.jpg"),
        ("images.txt", "1 a/b.jpg\n1 a/c.jpg"),
        ("images.txt", "1 a/b.jpg\n2 a/b.jpg"),
        ("images.txt", "1 ../b.jpg\n2 a/c.jpg"),
        ("images.txt", "1 /b.jpg\n2 a/c.jpg"),
        ("images.txt", "1 a/b/c.jpg\n2 a/c.jpg"),
        ("images.txt", "1 a/b.jpg x\n2 a/c.jpg"),
        ("image_class_labels.txt", "1 7\n2 201"),
        ("image_class_labels.txt", "1 7\n2 seven"),
        ("image_class_labels.txt", "1 7\n2 08"),
        ("train_test_split.txt", "1 1\n2 2"),
    ],
)
def test_damaged_lists_are_refused(tmp_path: Path, name: str, text: str | None) -> None:
    names, labels, training = listed({n: t.encode() for n, t in GOOD.items()}, tmp_path)
    assert (names, labels.tolist(), training.tolist()) == (["a/b.jpg", "a/c.jpg"], [6, 7], [True, False])
    texts = GOOD | ({} if text is None else {name: text})
    with pytest.raises(BadInput):
        listed({n: t.encode() for n, t in texts.items() if text is not None or n != name}, tmp_path)


def test_without_files_the_message_names_the_archive(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"CUB_200_2011\.tgz \(md5:97eceeb196236b17998738112f37df78.*fetch cub200"):
        Cub200().load(str(tmp_path))


def test_a_wrong_setting_is_refused() -> None:
    for field, value in (("size", 3), ("aspect", "fit"), ("valid_images", 0), ("test_images", 5_795)):
        with pytest.raises(BadInput, match=rf"dataset\.{field}"):
            Cub200(**{field: value})
