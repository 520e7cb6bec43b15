"""Packed files: what they hold, and how much they may hold."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from harness.datasets import archives
from harness.schema import BadInput
from tests.datasets.formats import tar, zipped

MEMBERS = {"a/one": b"1" * 100, "a/two": b"2" * 200, "b/three": b"3" * 300}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A packed file may hold 1 MiB and as much as it has itself."""
    monkeypatch.setattr(archives, "FLOOR", 2**20)
    monkeypatch.setattr(archives, "FACTOR", 1)


def _wanted(name: str) -> bool:
    return name.startswith("a/")


def test_wanted_members_come_in_the_order_of_the_archive(tmp_path: Path) -> None:
    tar(tmp_path / "x.tar.gz", MEMBERS)
    zipped(tmp_path / "x.zip", MEMBERS)
    expected = [("a/one", b"1" * 100), ("a/two", b"2" * 200)]
    assert [*archives.tarred(tmp_path / "x.tar.gz", _wanted)] == expected
    assert [*archives.zipped(tmp_path / "x.zip", _wanted)] == expected
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"hello" * 10**6))
    assert archives.gunzipped(tmp_path / "x.gz") == b"hello" * 10**6


def test_links_devices_and_sparse_members_of_a_tar_file_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for kind, target in ((tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "../x"), (tarfile.CHRTYPE, "")):
            member = tarfile.TarInfo("a/link")
            member.type, member.linkname = kind, target
            archive.addfile(member)
        archive.addfile(tarfile.TarInfo("a/plain"))
    assert [*archives.tarred(path, _wanted)] == [("a/plain", b"")]
    sparse = tarfile.TarInfo("a/sparse")
    sparse.type = tarfile.GNUTYPE_SPARSE
    head = bytearray(sparse.tobuf(tarfile.GNU_FORMAT))
    head[483:495] = b"77777777777\0"  # the real size: 8 GB of nothing
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    path.write_bytes(gzip.compress(bytes(head) + bytes(1024)))
    assert [*archives.tarred(path, _wanted)] == []


@pytest.mark.usefixtures("small")
def test_bombs_are_refused_once_they_swell_beyond_the_allowance(tmp_path: Path) -> None:
    bomb = bytes(2**25)
    (tmp_path / "x.gz").write_bytes(gzip.compress(bomb))
    with pytest.raises(BadInput, match=r"x\.gz"):
        archives.gunzipped(tmp_path / "x.gz")
    tar(tmp_path / "x.tar.gz", {"a/one": bomb})
    with pytest.raises(BadInput, match=r"x\.tar\.gz"):
        list(archives.tarred(tmp_path / "x.tar.gz", _wanted))
    with pytest.raises(BadInput, match=r"x\.tar\.gz"):  # nor is it read past for what is not wanted
        list(archives.tarred(tmp_path / "x.tar.gz", lambda name: False))
    zipped(tmp_path / "x.zip", {"a/one": bomb, "b": bomb})
    with pytest.raises(BadInput, match=r"x\.zip, a/one"):
        list(archives.zipped(tmp_path / "x.zip", _wanted))
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros(2**25, np.uint8))
    with pytest.raises(BadInput, match=r"x\.npz"):
        archives.npz_array(tmp_path / "x.npz", "x")


def test_a_zip_member_that_states_less_than_it_holds_is_not_inflated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.zip"
    zipped(path, {"a/one": bytes(2**24)})
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 100)  # the size in the directory
    path.write_bytes(content)
    most = []
    inflate = zipfile.ZipExtFile._read1  # type: ignore[attr-defined]
    monkeypatch.setattr(zipfile.ZipExtFile, "_read1", lambda self, n: most.append(n) or inflate(self, n))
    with pytest.raises(BadInput, match=r"x\.zip"):  # its checksum is that of the whole
        list(archives.zipped(path, _wanted))
    assert max(most) <= 100


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    for name, read in (("x.tar.gz", archives.tarred), ("x.zip", archives.zipped)):
        (tar if name == "x.tar.gz" else zipped)(tmp_path / name, MEMBERS)
        whole = (tmp_path / name).read_bytes()
        for content in (whole[: len(whole) // 2], b"", b"nonsense" * 100):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(BadInput, match=name.replace(".", r"\.")):
                list(read(tmp_path / name, _wanted))


def _npy(header: str, data: bytes, version: bytes = b"\1\0") -> bytes:
    text = header.encode("latin1").ljust(117) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + data


GOOD = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}"


def test_an_array_is_read_as_numpy_reads_it(tmp_path: Path) -> None:
    for array in (np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3)), np.array(["a", "bc"])):
        np.savez(tmp_path / "x.npz", array=array)
        np.testing.assert_array_equal(archives.npz_array(tmp_path / "x.npz", "array"), array)
        assert archives.npz_names(tmp_path / "x.npz") == ["array"]
    assert archives.npy(_npy(GOOD, b"abcdef"), "x").tolist() == [[97, 98, 99], [100, 101, 102]]


@pytest.mark.parametrize(
    "content",
    [
        _npy(GOOD.replace("(2, 3)", "(10**15, 3)"), b"abcdef"),
        _npy(GOOD.replace("(2, 3)", "(1000000000000, 3)"), b"abcdef"),
        _npy(GOOD.replace("(2, 3)", "(-2, -3)"), b"abcdef"),
        _npy(GOOD.replace("(2, 3)", "2"), b"abcdef"),
        _npy(GOOD.replace("|u1", "|O"), b"abcdef"),
        _npy(GOOD.replace("|u1", "|V0"), b""),
        _npy(GOOD.replace("|u1", "<U0").replace("(2, 3)", "(1000000000000,)"), b""),
        _npy(GOOD.replace("|u1", "nonsense"), b"abcdef"),
        _npy("(" * 117, b"abcdef"),
        _npy("__import__('os').system('true')", b"abcdef"),
        _npy(GOOD, b"abcde"),
        _npy(GOOD, b"abcdefg"),
        _npy(GOOD, b"abcdef", b"\7\0"),
        b"\x93NUMPY",
        b"",
    ],
)
def test_arrays_whose_header_and_bytes_disagree_are_refused(tmp_path: Path, content: bytes) -> None:
    zipped(tmp_path / "x.npz", {"x.npy": content})
    with pytest.raises(BadInput, match=r"x\.npz|array x"):
        archives.npz_array(tmp_path / "x.npz", "x")


def test_a_pickle_in_an_npz_file_is_refused_unrun(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.mkdir, (tmp_path / "made",)

    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.array([Payload()], dtype=object), allow_pickle=True)
    zipped(tmp_path / "x.npz", {"x.npy": stream.getvalue()})
    with pytest.raises(BadInput, match="numbers or text"):
        archives.npz_array(tmp_path / "x.npz", "x")
    assert not (tmp_path / "made").exists()
