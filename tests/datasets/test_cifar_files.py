"""The readers of the files of CIFAR-10 and CIFAR-100, on tiny files in the true formats."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from harness.datasets import cifar_files
from harness.datasets.cifar_files import CIFAR10, CIFAR100, Release, decode_binary, decode_python
from harness.schema import BadInput
from tests.datasets.formats import Part, binary, encoded, parquet, part, planes, python2_pickle, tar

TINY = (20, 8)  # training and test images
CLASSES = {"cifar10": 4, "cifar100": 4}


@pytest.fixture(params=["cifar10", "cifar100"])
def release(request: pytest.FixtureRequest) -> Release:
    return {"cifar10": CIFAR10, "cifar100": CIFAR100}[request.param]


@pytest.fixture
def parts() -> tuple[Part, Part]:
    """20 training and 8 test images, evenly of 4 classes."""
    random = np.random.default_rng(0)
    return part(random.permutation(20) % 4), part(random.permutation(8) % 4, seed=1)


def _batches(release: Release, parts: tuple[Part, Part]) -> dict[str, Part]:
    (images, labels), test = parts
    shards = np.array_split(np.arange(len(labels)), len(release.train))
    return {**{n: (images[s], labels[s]) for n, s in zip(release.train, shards, strict=True)}, release.test: test}


def _contents(release: Release, parts: tuple[Part, Part], kind: str) -> dict[str, bytes]:
    batches = _batches(release, parts)
    if kind == "binary":
        return {f"{name}.bin": binary(*batch, coarse=release.heads == 2) for name, batch in batches.items()}
    return {name: python2_pickle(planes(images), labels, release.labels) for name, (images, labels) in batches.items()}


def _read(release: Release, folder: Path) -> tuple[Part, Part]:
    return cifar_files.read(release, TINY, 4, str(folder))


def _same(found: tuple[Part, Part], expected: tuple[Part, Part]) -> None:
    for (images, labels), (true_images, true_labels) in zip(found, expected, strict=True):
        assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
        np.testing.assert_array_equal(images, true_images)
        np.testing.assert_array_equal(labels, true_labels)


@pytest.mark.parametrize("kind", ["python", "binary"])
@pytest.mark.parametrize("packed", [True, False])
def test_the_official_files_are_read_packed_and_unpacked(
    tmp_path: Path, parts: tuple[Part, Part], release: Release, kind: str, packed: bool
) -> None:
    folder = getattr(release, f"{kind}_folder")
    contents = dict(reversed(_contents(release, parts, kind).items()))  # the order in the archive is not ours
    contents = {"readme.html": b"", **contents}
    if packed:
        download = getattr(release, kind)
        checksum = tar(tmp_path / download.name, {f"{folder}/{name}": c for name, c in contents.items()})
        release = replace(release, **{kind: replace(download, checksum=checksum)})
    else:
        (tmp_path / folder).mkdir()
        for name, content in contents.items():
            (tmp_path / folder / name).write_bytes(content)
    _same(_read(release, tmp_path), parts)


def test_the_fine_label_of_cifar100_is_taken_not_the_coarse_one(parts: tuple[Part, Part]) -> None:
    images, labels = parts[1]
    np.testing.assert_array_equal(decode_binary(binary(images, labels, coarse=True), CIFAR100)[1], labels)
    content = {b"data": planes(images), b"coarse_labels": [7] * 8, b"fine_labels": labels.tolist()}
    np.testing.assert_array_equal(decode_python(pickle.dumps(content, protocol=4), CIFAR100)[1], labels)


def test_an_archive_with_another_checksum_is_refused(tmp_path: Path, release: Release) -> None:
    tar(tmp_path / release.python.name, {})
    with pytest.raises(BadInput, match=str(release.python.checksum).removeprefix("md5:")):
        _read(release, tmp_path)


def test_a_batch_that_would_run_something_is_refused_unrun(tmp_path: Path, release: Release) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "made"),)

    with pytest.raises(BadInput, match="mkdir"):
        decode_python(pickle.dumps({b"data": Payload(), release.labels: []}, protocol=4), release)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "content",
    [
        {b"data": np.zeros((2, 3072), np.float64), b"labels": [0, 1]},
        {b"data": np.zeros((2, 3071), np.uint8), b"labels": [0, 1]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 10**30]},
        {b"data": [0] * 6144, b"labels": [0, 1]},
        {b"labels": [0, 1]},
        [1, 2],
    ],
)
def test_a_batch_of_something_else_is_refused(content: object) -> None:
    with pytest.raises(BadInput, match="cifar10 with data and labels"):
        decode_python(pickle.dumps(content, protocol=4), CIFAR10)


def test_a_missing_batch_is_named(tmp_path: Path, parts: tuple[Part, Part], release: Release) -> None:
    (tmp_path / release.binary_folder).mkdir()
    for name, content in [*_contents(release, parts, "binary").items()][:-1]:
        (tmp_path / release.binary_folder / name).write_bytes(content)
    with pytest.raises(BadInput, match=rf"without {release.test}\.bin"):
        _read(release, tmp_path)


def test_files_that_are_not_the_whole_data_set_are_refused(
    tmp_path: Path, parts: tuple[Part, Part], release: Release
) -> None:
    def write(parts: tuple[Part, Part]) -> None:
        (tmp_path / release.binary_folder).mkdir(exist_ok=True)
        for name, content in _contents(release, parts, "binary").items():
            (tmp_path / release.binary_folder / name).write_bytes(content)

    (images, labels), test = parts
    write(((images[:-1], labels[:-1]), test))
    with pytest.raises(BadInput, match="20 training images"):
        _read(release, tmp_path)
    write((parts[0], (test[0], np.array([0, 0, 1, 1, 2, 2, 3, 0]))))
    with pytest.raises(BadInput, match="8 test images, 2 per class"):
        _read(release, tmp_path)
    write((parts[0], (test[0], np.array([0, 0, 1, 1, 2, 2, 3, 250]))))
    with pytest.raises(BadInput, match="8 test images of 4 classes"):
        _read(release, tmp_path)


def test_without_any_file_the_message_lists_all_that_would_do(tmp_path: Path, release: Release) -> None:
    with pytest.raises(BadInput) as caught:
        _read(release, tmp_path)
    for part_ in (*release.source.any_of[0], *map(" with ".join, release.tables), f"fetch {release.name}"):
        assert str(part_) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("layout", ["one file", "shards", "bytes"])
def test_tables_of_encoded_images_are_read_in_the_layouts_people_have(
    tmp_path: Path, parts: tuple[Part, Part], release: Release, layout: str
) -> None:
    train, test = parts
    order = hashlib.sha256(train[1].astype(np.uint8).tobytes()).hexdigest() if release.order else None
    release = replace(release, order=order)

    def labels(values: np.ndarray) -> dict[str, np.ndarray]:
        return {"fine_label": values, "coarse_label": values * 0} if release is CIFAR100 else {"label": values}

    if layout == "shards":  # as a clone of a Hugging Face repository has them
        for number, place in enumerate(np.array_split(np.arange(20), 3)):
            path = tmp_path / release.name / "data" / f"train-{number:05}-of-00003.parquet"
            parquet(path, train[0][place], "img", **labels(train[1][place]))
        parquet(tmp_path / release.name / "data" / "test-00000-of-00001.parquet", test[0], "img", **labels(test[1]))
    else:
        for name, (images, given) in zip(release.tables[0], parts, strict=True):
            parquet(tmp_path / name, images, "image", struct_=layout == "one file", **labels(given))
    _same(_read(release, tmp_path), parts)


def test_batches_of_cifar10_that_are_out_of_order_in_a_table_are_put_back(
    tmp_path: Path, parts: tuple[Part, Part]
) -> None:
    (images, labels), test = parts
    order = hashlib.sha256(labels.astype(np.uint8).tobytes()).hexdigest()
    mixed = np.concatenate([np.arange(4 * batch, 4 * batch + 4) for batch in (3, 2, 1, 4, 0)])
    parquet(tmp_path / "cifar10_train.parquet", images[mixed], label=labels[mixed])
    parquet(tmp_path / "cifar10_test.parquet", test[0], label=test[1])
    _same(_read(replace(CIFAR10, order=order), tmp_path), parts)
    parquet(tmp_path / "cifar10_train.parquet", images[::-1], label=labels[::-1])
    with pytest.raises(BadInput, match=r"order of the official archive.*orig_index"):
        _read(replace(CIFAR10, order=order), tmp_path)


def test_places_in_the_original_order_are_obeyed_where_a_table_gives_them_all(
    tmp_path: Path, parts: tuple[Part, Part]
) -> None:
    (images, labels), test = parts
    mixed = np.random.default_rng(1).permutation(20)
    parquet(tmp_path / "cifar10_train.parquet", images[mixed], label=labels[mixed], orig_index=mixed)
    parquet(tmp_path / "cifar10_test.parquet", test[0], label=test[1], orig_index=[-1] * 8)
    _same(_read(CIFAR10, tmp_path), parts)


def test_a_table_of_cifar100_that_does_not_tell_its_order_is_said_to_be_trusted(
    tmp_path: Path, parts: tuple[Part, Part], caplog: pytest.LogCaptureFixture
) -> None:
    for name, (images, labels) in zip(CIFAR100.tables[0], parts, strict=True):
        parquet(tmp_path / name, images, fine_label=labels)
    with caplog.at_level(logging.WARNING):
        _same(_read(CIFAR100, tmp_path), parts)
    assert "cifar100_test.parquet: assuming that its rows are in the original order" in caplog.text


def test_lossy_images_are_named_so(tmp_path: Path, parts: tuple[Part, Part], caplog: pytest.LogCaptureFixture) -> None:
    for name, (images, labels) in zip(CIFAR10.tables[1], parts, strict=True):
        smooth = np.repeat(np.repeat(images[:, :4, :4], 8, axis=1), 8, axis=2)
        table = pd.DataFrame({"label": labels, "orig_index": np.arange(len(labels))})
        table["jpeg"] = [encoded(image, "JPEG", quality=95) for image in smooth]
        table.to_parquet(tmp_path / name)
        first = np.asarray(Image.open(io.BytesIO(table["jpeg"][0])))
    with caplog.at_level(logging.WARNING):
        found = _read(CIFAR10, tmp_path)
    np.testing.assert_array_equal(found[1][0][0], first)
    assert "lossy JPEG images" in caplog.text


def test_a_folder_without_tables_says_what_it_should_hold(tmp_path: Path, release: Release) -> None:
    (tmp_path / release.name).mkdir()
    (tmp_path / release.name / "README.md").write_text("")
    with pytest.raises(BadInput, match=r"train\*\.parquet and test\*\.parquet"):
        _read(release, tmp_path)
