"""MATLAB 5 files against SciPy, and such as state what is not so."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from harness.datasets import archives
from harness.datasets.matlab import arrays
from harness.schema import BadInput

CONTENT = {
    "X": np.random.default_rng(0).integers(0, 256, (4, 5, 3, 7), dtype=np.uint8),
    "y": np.arange(7, dtype=np.uint8)[:, None],
    "short": np.array([[1, 2, 3]], dtype=np.uint8),
    "double": np.linspace(0, 1, 12).reshape(3, 4),
    "single": np.ones((2, 2), np.float32),
    "a_name_longer_than_eight": np.arange(6, dtype=np.int16).reshape(2, 3),
    "unsigned": np.array([[2**32 - 1]], dtype=np.uint32),
    "empty": np.zeros((0, 3)),
}


@pytest.mark.parametrize("compressed", [True, False])
def test_arrays_are_those_that_scipy_reads(tmp_path: Path, compressed: bool) -> None:
    others = {"text": "hello", "cell": np.array([[1, "a"]], dtype=object), "struct": {"a": 1}, "complex": 1j, "s": True}
    scipy.io.savemat(tmp_path / "x.mat", CONTENT | others, do_compression=compressed)
    found, expected = arrays(tmp_path / "x.mat"), scipy.io.loadmat(tmp_path / "x.mat")
    assert set(found) == {*CONTENT, "s"}
    for name, array in found.items():
        assert array.dtype == expected[name].dtype
        np.testing.assert_array_equal(array, expected[name])


def test_a_file_of_the_other_byte_order_is_read(tmp_path: Path) -> None:
    values = np.arange(6, dtype=">f8").reshape(2, 3)
    body = struct.pack(">IIII", 6, 8, 6, 0) + struct.pack(">IIii", 5, 8, 2, 3) + struct.pack(">HHI", 1, 1, 0x78000000)
    body += struct.pack(">II", 9, 48) + values.tobytes(order="F")
    path = tmp_path / "x.mat"
    path.write_bytes(b"MATLAB 5.0".ljust(124) + b"\1\0MI" + struct.pack(">II", 14, len(body)) + body)
    np.testing.assert_array_equal(scipy.io.loadmat(path)["x"], values)
    np.testing.assert_array_equal(arrays(path)["x"], values)


def _element(dims: tuple[int, ...], stated: int, data: bytes) -> bytes:
    """A matrix X of bytes that states these dimensions and this length of its data."""
    flags = struct.pack("<IIII", 6, 8, 9, 0)
    sizes = struct.pack("<II", 5, 4 * len(dims)) + struct.pack(f"<{len(dims)}i", *dims)
    body = flags + sizes + struct.pack("<HHI", 1, 1, ord("X")) + struct.pack("<II", 2, stated) + data
    return struct.pack("<II", 14, len(body)) + body


HEAD = b"MATLAB 5.0".ljust(124) + struct.pack("<H", 0x0100) + b"IM"


def test_stated_sizes_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FLOOR", 2**20)
    path = tmp_path / "x.mat"
    bomb = zlib.compress(bytes(2**25))
    long_name = struct.pack("<HHI", 1, 1, ord("X"))
    for element, said in (
        (_element((32, 32, 3, 2**30), 2**32 - 8, b"\0" * 64), "4294967288 bytes has 64"),
        (_element((32, 32, 3, 2**30), 64, b"\0" * 64), "has 64 bytes"),
        (_element((-32, -2), 64, b"\0" * 64), "has 64 bytes"),
        (_element((32, 32, 3, 1), 3072, bytes(3072)).replace(long_name, struct.pack("<HHI", 1, 8, 0)), "8 bytes has 8"),
        (struct.pack("<II", 14, 2**32 - 8), "4294967288 bytes more"),
        (struct.pack("<II", 15, 2**31) + bomb, "more"),
        (struct.pack("<II", 15, len(bomb)) + bomb, "a packed file of up to"),
    ):
        path.write_bytes(HEAD + element)
        with pytest.raises(BadInput, match=rf"{said}.*x\.mat|x\.mat.*{said}"):
            arrays(path)
