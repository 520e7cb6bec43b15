"""The readers of CIFAR-10's files, on tiny files in the true formats."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import struct
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from harness.datasets import cifar10_files, cifar10_jpeg
from harness.schema import BadInput

NAMES = [f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HARNESS_OFFLINE", "1")


@pytest.fixture
def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """Six batches of four images (32, 32, 3) and labels."""
    random = np.random.default_rng(0)
    return [(random.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8), random.integers(0, 10, 4)) for _ in NAMES]


def _planes(images: np.ndarray) -> np.ndarray:
    """The files' order: all of red, then green, then blue."""
    return np.stack([np.concatenate([image[..., colour].ravel() for colour in range(3)]) for image in images])


def _python2_pickle(images: np.ndarray, labels: np.ndarray) -> bytes:
    """A batch as Python 2 wrote it (protocol 2: byte strings, `numpy.core`), opcode by opcode."""

    def text(value: bytes) -> bytes:
        return b"T" + struct.pack("<i", len(value)) + value

    def integer(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    kind = b"cnumpy\ndtype\n(" + text(b"u1") + integer(0) + integer(1) + b"tR"
    kind += b"(" + integer(3) + text(b"|") + b"NNN" + integer(-1) + integer(-1) + integer(0) + b"tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(" + integer(0) + b"t" + text(b"b") + b"tR"
    array += b"(" + integer(1) + b"(" + integer(len(images)) + integer(3072) + b"t"
    array += kind + b"\x89" + text(_planes(images).tobytes()) + b"tb"
    listed = b"](" + b"".join(map(integer, labels)) + b"e"
    return b"\x80\x02}(" + text(b"data") + array + text(b"labels") + listed + text(b"batch_label") + text(b"x") + b"u."


def _binary(images: np.ndarray, labels: np.ndarray) -> bytes:
    return b"".join(bytes([label]) + row.tobytes() for label, row in zip(labels, _planes(images), strict=True))


def _expect(read: tuple[tuple[np.ndarray, np.ndarray], ...], batches: list[tuple[np.ndarray, np.ndarray]]) -> None:
    (images, labels), (test_images, test_labels) = read
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(images, np.concatenate([batch[0] for batch in batches[:5]]))
    np.testing.assert_array_equal(labels, np.concatenate([batch[1] for batch in batches[:5]]))
    np.testing.assert_array_equal(test_images, batches[5][0])
    np.testing.assert_array_equal(test_labels, batches[5][1])


def _archive(path: Path, folder: str, contents: dict[str, bytes]) -> str:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return f"md5:{hashlib.md5(path.read_bytes()).hexdigest()}"


@pytest.mark.parametrize("kind", ["python", "binary"])
@pytest.mark.parametrize("packed", [True, False])
def test_the_official_files_are_read_packed_and_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: list, kind: str, packed: bool
) -> None:
    write, ending = (_python2_pickle, "") if kind == "python" else (_binary, ".bin")
    folder = cifar10_files.PYTHON_FOLDER if kind == "python" else cifar10_files.BINARY_FOLDER
    contents = {name + ending: write(*batch) for name, batch in zip(NAMES, batches, strict=True)}
    contents = {"readme.html": b"", **dict(reversed(contents.items()))}  # the order in the archive is not ours
    if packed:
        download = getattr(cifar10_files, kind.upper())
        checksum = _archive(tmp_path / download.name, folder, contents)
        monkeypatch.setattr(cifar10_files, kind.upper(), replace(download, checksum=checksum))
    else:
        (tmp_path / folder).mkdir()
        for name, content in contents.items():
            (tmp_path / folder / name).write_bytes(content)
    _expect(cifar10_files.read(str(tmp_path)), batches)


def test_an_archive_with_another_checksum_is_refused(tmp_path: Path, batches: list) -> None:
    _archive(tmp_path / cifar10_files.PYTHON.name, cifar10_files.PYTHON_FOLDER, {})
    with pytest.raises(BadInput, match="c58f30108f718f92721af3b95e74349a"):
        cifar10_files.read(str(tmp_path))


def test_a_batch_that_would_run_something_is_refused_unrun(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "made"),)

    with pytest.raises(BadInput, match="mkdir"):
        cifar10_files.decode_python(pickle.dumps({b"data": Payload(), b"labels": []}, protocol=4))
    assert not (tmp_path / "made").exists()


def test_a_missing_batch_is_named(tmp_path: Path, batches: list) -> None:
    (tmp_path / cifar10_files.BINARY_FOLDER).mkdir()
    for name, batch in zip(NAMES[:5], batches, strict=False):
        (tmp_path / cifar10_files.BINARY_FOLDER / f"{name}.bin").write_bytes(_binary(*batch))
    with pytest.raises(BadInput, match=r"none of test_batch\.bin"):
        cifar10_files.read(str(tmp_path))


def test_without_any_file_the_message_lists_all_that_would_do(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        cifar10_files.read(str(tmp_path))
    for name in ("cifar-10-python.tar.gz", "cifar-10-batches-bin", cifar10_files.JPEG_TRAIN, "dataset=cifar10"):
        assert name in str(caught.value)


def _jpeg_table(path: Path, shades: list[int], order: list[int], size: int = 32) -> None:
    def jpeg(shade: int) -> bytes:
        stream = io.BytesIO()
        Image.new("RGB", (size, size), (shade, 0, 255 - shade)).save(stream, "JPEG", quality=95)
        return stream.getvalue()

    columns = {"name": "x", "label": np.int8(range(len(shades))), "jpeg": map(jpeg, shades), "orig_index": order}
    pd.DataFrame({name: list(c) if name == "jpeg" else c for name, c in columns.items()}).to_parquet(path)


def test_jpeg_images_come_in_the_original_order_where_the_table_gives_it(tmp_path: Path) -> None:
    _jpeg_table(tmp_path / cifar10_files.JPEG_TRAIN, [0, 100, 200], [2, 0, 1])
    _jpeg_table(tmp_path / cifar10_files.JPEG_TEST, [50, 250], [-1, 3])
    (images, labels), (test_images, test_labels) = cifar10_files.read(str(tmp_path))
    assert labels.tolist() == [1, 2, 0]
    assert test_labels.tolist() == [0, 1]
    np.testing.assert_allclose(images[:, 16, 16, 0].astype(int), [100, 200, 0], atol=4)
    np.testing.assert_allclose(images[:, 5, 5, 2].astype(int), [155, 55, 255], atol=4)
    np.testing.assert_allclose(test_images[:, 16, 16, 0].astype(int), [50, 250], atol=4)


def test_jpeg_images_are_decoded_once_and_a_changed_file_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "images.parquet"
    _jpeg_table(path, [0, 100], [0, 1])
    first = cifar10_jpeg.read(path)[0]
    decoded = []
    original = Image.open
    monkeypatch.setattr(Image, "open", lambda *args, **more: decoded.append(1) or original(*args, **more))
    np.testing.assert_array_equal(cifar10_jpeg.read(path)[0], first)
    assert not decoded
    _jpeg_table(path, [9, 100], [0, 1])
    assert (cifar10_jpeg.read(path)[0] != first).any()
    assert len(decoded) == 2


def test_images_are_read_where_the_cache_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    _jpeg_table(tmp_path / "images.parquet", [0, 100], [0, 1])
    assert cifar10_jpeg.read(tmp_path / "images.parquet")[0].shape == (2, 32, 32, 3)


def test_images_of_another_size_and_other_tables_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "images.parquet"
    _jpeg_table(path, [0, 100], [0, 1], size=28)
    with pytest.raises(BadInput, match="32 x 32 pixels"):
        cifar10_jpeg.read(path)
    pd.DataFrame({"label": [1]}).to_parquet(path)
    with pytest.raises(BadInput, match="orig_index"):
        cifar10_jpeg.read(path)
    path.write_bytes(b"not a table")
    with pytest.raises(BadInput, match=r"images\.parquet"):
        cifar10_jpeg.read(path)
