"""Damaged and hostile image files: a right result or one clear line, nothing run, little allocated."""

from __future__ import annotations

import gzip
import io
import pickle
import resource
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from harness.datasets import archives, cub200, imagenet16_120
from harness.datasets import encoded as encoded_tables
from harness.datasets.cifar_files import CIFAR10, CIFAR100, decode_binary, decode_python
from harness.datasets.fashion_mnist import read_idx
from harness.datasets.npz import Npz
from harness.datasets.parquet_images import ParquetImages
from harness.datasets.pixels import Form
from harness.schema import BadInput
from tests.datasets.formats import binary, encoded, idx, parquet, part, planes, python2_pickle, tar, zipped

IMAGES, LABELS = part(np.arange(6) % 3)
SMALL = part(np.arange(6) % 3, size=8)
FORM = Form(8, 3)
GROWTH = 2**30  # bytes that all of it together may add to the memory of the process
ABSURD = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**40, 2**63 - 1, 2**64 - 1]


def _file(write: Callable[[Path], object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        write(path)
        return path.read_bytes()


def _path(content: bytes, name: str = "file") -> Path:
    path = Path(FOLDER.name) / name
    path.write_bytes(content)
    return path


FOLDER = tempfile.TemporaryDirectory()


def _batch(content: bytes, decode: Callable, side: int, classes: int) -> None:
    images, labels = decode(content)
    assert images.dtype == np.uint8 and images.shape == (len(labels), side, side, 3)
    assert labels.dtype == np.int64 and (labels >= 0).all() and (labels < classes).all()


def _idx(content: bytes) -> None:
    assert read_idx(_path(gzip.compress(content, 1))).dtype == np.uint8


def _npz(content: bytes) -> None:
    loaded = Npz(path=str(_path(content))).load(None)
    assert loaded.train[0].dtype == np.uint8 and len(loaded.train[0]) == len(loaded.train[1])


def _npy(content: bytes) -> None:
    _npz(_file(lambda path: zipped(path, {"x.npy": content, "y.npy": _npy_file(LABELS)})))


def _table(content: bytes) -> None:
    (images, labels), _ = encoded_tables.read([_path(content)], FORM, 6)
    assert images.shape == (len(labels), 8, 8, 3)


def _text_table(content: bytes) -> None:
    path = str(_path(content))
    loaded = ParquetImages(path=path, label_column="name", part_column="part", size=8, crop=0).load(None)
    assert loaded.classes >= 2 and all(len(images) == len(labels) > 0 for images, labels in (loaded.train, loaded.test))


def _tar(content: bytes) -> None:
    members = [*archives.tarred(_path(gzip.compress(content, 1)), lambda name: True)]
    assert sum(len(data) for _, data in members) < 2**20


def _zip(content: bytes) -> None:
    assert sum(len(data) for _, data in archives.zipped(_path(content), lambda name: True)) < 2**20


def _image(content: bytes) -> None:
    assert FORM.decode([content], ["x"]).shape == (1, 8, 8, 3)


def _lists(content: bytes) -> None:
    parts = content.split(b"\0")
    names, labels, training = cub200.listed(dict(zip(cub200.LISTS, parts, strict=False)), Path("birds"))
    assert len(names) == len(labels) == len(training)
    assert all(
        ".." not in name and not name.startswith("/") and ((labels >= 0) & (labels < 200)).all() for name in names
    )


def _npy_file(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _npz_file(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


MEMBERS = {"a/one": b"1" * 100, "a/two": b"2" * 700}
READERS: dict[str, tuple[bytes, Callable[[bytes], None]]] = {
    "cifar python": (
        python2_pickle(planes(IMAGES), LABELS),
        lambda content: _batch(content, lambda c: decode_python(c, CIFAR10), 32, 256),
    ),
    "cifar pickle": (
        pickle.dumps({b"data": planes(IMAGES), b"fine_labels": LABELS.tolist()}, protocol=4),
        lambda content: _batch(content, lambda c: decode_python(c, CIFAR100), 32, 256),
    ),
    "cifar binary": (
        binary(IMAGES, LABELS, coarse=True),
        lambda content: _batch(content, lambda c: decode_binary(c, CIFAR100), 32, 256),
    ),
    "imagenet": (
        pickle.dumps({"data": np.zeros((3, 768), np.uint8), "labels": [1, 2, 900], "mean": np.zeros(8)}, protocol=3),
        lambda content: _batch(content, imagenet16_120.decode, 16, 120),
    ),
    "idx": (gzip.decompress(_file(lambda path: idx(path, SMALL[0][..., 0]))), _idx),
    "npz": (_npz_file(x=SMALL[0], y=SMALL[1]), _npz),
    "npy": (_npy_file(SMALL[0]), _npy),
    "parquet": (_file(lambda path: parquet(path, SMALL[0], label=SMALL[1], orig_index=np.arange(6))), _table),
    "parquet by text": (
        _file(
            lambda path: parquet(
                path, SMALL[0], name=["a", "b"] * 3, part=["train", "train", "valid", "valid", "test", "test"]
            )
        ),
        _text_table,
    ),
    "tar": (gzip.decompress(_file(lambda path: tar(path, MEMBERS))), _tar),
    "zip": (_file(lambda path: zipped(path, MEMBERS)), _zip),
    "birds": (b"1 a/b.jpg\n2 a/c.jpg\0001 7\n2 8\0001 1\n2 0", _lists),
    **{kind: (encoded(SMALL[0][0], kind), _image) for kind in ("PNG", "JPEG", "BMP", "PPM", "WEBP")},
}


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """`whole` after a few of: a cut, flipped bits, absurd numbers, a piece from elsewhere, a piece left out."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at, there = (draw(st.integers(0, max(len(content) - 1, 0))) for _ in range(2))
        length = draw(st.integers(1, 64))
        match draw(st.sampled_from(["cut", "flip", "absurd", "absurd", "splice", "drop"])):
            case "cut":
                del content[at:]
            case "flip" if content:
                content[at] ^= 1 << draw(st.integers(0, 7))
            case "absurd":
                kind = draw(st.sampled_from(["<B", "<H", ">H", "<I", ">I", "<Q", ">Q"]))
                number = draw(st.sampled_from(ABSURD)) & (2 ** (8 * struct.calcsize(kind)) - 1)
                content[at : at + struct.calcsize(kind)] = struct.pack(kind, number)
            case "splice":
                content[at:at] = content[there : there + length]
            case "drop":
                del content[at : at + length]
    return bytes(content)


def _survives(name: str, examples: int) -> None:
    whole, read = READERS[name]
    read(whole)

    @seed(0)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(damaged(whole))
    def holds(content: bytes) -> None:
        said = ""
        try:
            read(content)
        except BadInput as error:
            said = str(error)
        assert "\n" not in said and len(said) < 1000

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    holds()
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < GROWTH


@pytest.fixture(autouse=True)
def _not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_tables, "cached_pixels", lambda key, shape, decode: decode())


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_a_right_result_or_one_line(name: str) -> None:
    _survives(name, 40)


@pytest.mark.real
@pytest.mark.parametrize("name", READERS)
def test_thousands_of_damaged_files_are_right_results_or_one_line(name: str) -> None:
    _survives(name, 800)
