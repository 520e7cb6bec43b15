"""The data folder, downloads from a server of this test, and pickles that must not run."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import threading
from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from harness import files
from harness.files import Download
from harness.schema import BadInput

CONTENT = b"sixteen images of cats"
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("HARNESS_DATA", "HARNESS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address of a server and the folder it serves."""
    served = tmp_path / "served"
    served.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(served))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", served
        server.shutdown()
        thread.join()


def test_the_configured_folder_wins_over_the_environment_and_that_over_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert files.folder(None) == tmp_path / "cache" / "harness"
    monkeypatch.setenv("HARNESS_DATA", "/somewhere")
    assert files.folder(None) == Path("/somewhere")
    assert files.folder("~/here") == Path.home() / "here"


def test_the_first_name_that_exists_is_found(tmp_path: Path) -> None:
    (tmp_path / "second").touch()
    (tmp_path / "third").touch()
    assert files.find(str(tmp_path), "first", "second", "third") == tmp_path / "second"
    assert files.find(str(tmp_path), "first") is None


def test_a_missing_file_is_downloaded_once(site: tuple[str, Path], tmp_path: Path) -> None:
    url, served = site
    (served / "cats.bin").write_bytes(CONTENT)
    download = Download("cats.bin", CHECKSUM, (f"{url}/cats.bin",))
    (path,) = files.fetch([download], str(tmp_path / "data"), "cats")
    assert path == tmp_path / "data" / "cats.bin"
    assert path.read_bytes() == CONTENT
    (served / "cats.bin").unlink()
    assert files.fetch([download], str(tmp_path / "data"), "cats") == [path]


def test_the_next_address_is_tried_when_one_fails(site: tuple[str, Path], tmp_path: Path) -> None:
    url, served = site
    (served / "cats.bin").write_bytes(CONTENT)
    download = Download("cats.bin", CHECKSUM, (f"{url}/gone.bin", f"{url}/cats.bin"))
    (path,) = files.fetch([download], str(tmp_path / "data"), "cats")
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("content", "reason"), [(b"sixteen images of dogs", "another checksum"), (None, "404")], ids=["corrupted", "absent"]
)
def test_a_failed_download_says_why_in_one_line_and_leaves_nothing(
    site: tuple[str, Path], tmp_path: Path, content: bytes | None, reason: str
) -> None:
    url, served = site
    if content:
        (served / "cats.bin").write_bytes(content)
    data = tmp_path / "data"
    with pytest.raises(BadInput, match=reason) as caught:
        files.fetch([Download("cats.bin", CHECKSUM, (f"{url}/cats.bin",))], str(data), "cats")
    assert "\n" not in str(caught.value)
    assert list(data.iterdir()) == []


def test_only_what_is_still_missing_is_named(site: tuple[str, Path], tmp_path: Path) -> None:
    url, served = site
    (served / "cats.bin").write_bytes(CONTENT)
    downloads = [Download(name, CHECKSUM, (f"{url}/{name}",)) for name in ("cats.bin", "dogs.bin")]
    with pytest.raises(BadInput, match=r"dogs\.bin") as caught:
        files.fetch(downloads, str(tmp_path / "data"), "cats")
    assert "cats.bin" not in str(caught.value)


def test_offline_the_message_names_file_folder_checksum_address_and_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    download = Download("cats.bin", CHECKSUM, ("https://example.org/cats.bin",))
    with pytest.raises(BadInput) as caught:
        files.fetch([download], str(tmp_path), "cats", ["cats.npz"])
    message = str(caught.value)
    command = f"`python -m harness.data fetch cats --data {tmp_path}`"
    for part in ("cats.bin", str(tmp_path), CHECKSUM, "https://example.org/cats.bin", command, "cats.npz", "OFFLINE"):
        assert part in message
    assert "\n" not in message


def test_a_folder_that_cannot_be_written_is_an_error_in_one_line(site: tuple[str, Path], tmp_path: Path) -> None:
    url, served = site
    (served / "cats.bin").write_bytes(CONTENT)
    (tmp_path / "data").write_text("a file, not a folder")
    with pytest.raises(BadInput, match=r"File exists|Not a directory"):
        files.fetch([Download("cats.bin", CHECKSUM, (f"{url}/cats.bin",))], str(tmp_path / "data"), "cats")


def test_a_file_with_another_checksum_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "cats.bin").write_bytes(b"the user's own")
    with pytest.raises(BadInput, match=r"cats\.bin"):
        files.fetch([Download("cats.bin", CHECKSUM, ("https://example.org/cats.bin",))], str(tmp_path), "cats")
    assert (tmp_path / "cats.bin").read_bytes() == b"the user's own"


def test_a_misspelt_offline_switch_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_OFFLINE", "yes")
    with pytest.raises(BadInput, match="HARNESS_OFFLINE"):
        files.fetch([Download("cats.bin", CHECKSUM, ("https://example.org/",))], str(tmp_path), "cats")


def test_a_pickle_of_plain_values_and_arrays_is_read() -> None:
    value = OrderedDict(a=np.float64(1.5), b=np.arange(6, dtype=np.uint8).reshape(2, 3), c=[1, "two", None, (3.0,)])
    read = files.read_pickle(io.BytesIO(pickle.dumps(value, protocol=4)))
    assert type(read) is dict and list(read) == list(value)
    assert read["a"] == 1.5
    assert read["c"] == value["c"]
    np.testing.assert_array_equal(read["b"], value["b"])


class _Payload:
    def __init__(self, function: object, *args: object) -> None:
        self.call = (function, args)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_would_run_something_is_refused_unrun(tmp_path: Path, protocol: int) -> None:
    for payload in (_Payload(os.mkdir, str(tmp_path / "made")), _Payload(eval, "1 + 1"), _Payload(getattr, "a", "b")):
        with pytest.raises(BadInput, match=r"mkdir|eval|getattr"):
            files.read_pickle(io.BytesIO(pickle.dumps({"harmless": 1, "payload": payload}, protocol)))
    assert not (tmp_path / "made").exists()


def test_a_damaged_pickle_is_bad_input() -> None:
    whole = pickle.dumps({"a": np.arange(9)}, protocol=4)
    for damaged in (b"", whole[:-20], b"not a pickle"):
        with pytest.raises(BadInput, match="whole pickle"):
            files.read_pickle(io.BytesIO(damaged))
