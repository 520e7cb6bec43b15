"""`python -m harness.data`: what is there, what is missing, and getting it."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from nats_bench.api_utils import pickle_save

from harness.cli.data.command import main
from harness.cli.data.needs import needs
from harness.config.components import conf_folder

CONTENT = b"sixteen images of cats"
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
FOLDER = "NATS-tss-v1_0-3ffb9-simple"
SHA = hashlib.sha256(CONTENT).hexdigest()

PLUGIN = """
from dataclasses import dataclass
from harness.files import Download, Source

@dataclass(frozen=True)
class Cats:
    url: str = ""
    sha: str | None = None
    path: str | None = None

    def sources(self):
        packed = Download("cats.bin", self.sha and f"sha256:{self.sha}", (f"{self.url}/cats.bin",))
        return (Source("images", ((packed,), ("cats_train.npz", "cats_test.npz"))),)

@dataclass(frozen=True)
class Pinned(Cats):
    def sources(self):
        return (Source("images", ((Download("cats.bin", f"sha256:{self.sha}", ()),),), "made by cats.example.org"),)

@dataclass(frozen=True)
class Bench(Cats):
    def sources(self):
        table = Download("table.csv", f"sha256:{self.sha}", (f"{self.url}/gone.csv", f"{self.url}/cats.bin"))
        archive = Source("archive", (("archive",),), "made by cats.example.org")
        return (Source("table", (("my_table.csv",), (table,))), archive)

@dataclass(frozen=True)
class Folder:
    path: str

@dataclass(frozen=True)
class Drawn:
    seed: int = 0
"""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    served = tmp_path / "served"
    served.mkdir()
    (served / "cats.bin").write_bytes(CONTENT)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, capsys: pytest.CaptureFixture[str]):
    """Runs a command on four plug-ins and the folder `tmp_path / "data"`; gives the exit code and what was printed."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HARNESS_OFFLINE", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "cat_plugins.py").write_text(PLUGIN)
    for group, name, kind, settings in (
        ("dataset", "cats", "Cats", f"url: {url}\nsha: {SHA}"),
        ("dataset", "unsigned", "Cats", f"url: {url}\nsha: null"),
        ("dataset", "pinned", "Pinned", f"sha: {SHA}"),
        ("dataset", "my_folder", "Folder", "path: ???"),
        ("dataset", "drawn", "Drawn", "seed: 0"),
        ("bench", "catbench", "Bench", f"url: {url}\nsha: {SHA}"),
    ):
        (tmp_path / "conf" / group).mkdir(parents=True, exist_ok=True)
        (tmp_path / "conf" / group / f"{name}.yaml").write_text(f"_target_: cat_plugins.{kind}\n{settings}\n")

    def go(command: str, *arguments: str) -> tuple[int, str, str]:
        given = ("--conf", str(tmp_path / "conf"), "--data", str(tmp_path / "data"))
        code = main([command, *arguments, *given])
        said = capsys.readouterr()
        return code, said.out, said.err

    yield go
    sys.modules.pop("cat_plugins", None)


def findings(run, *arguments: str) -> dict[str, dict]:
    out = run("check", "--json", *arguments)[1]
    return {finding["name"]: finding for finding in json.loads(out)}


def test_every_data_set_and_benchmark_of_the_configuration_is_checked(run, tmp_path: Path) -> None:
    code, out, _ = run("check")
    assert code == 0
    shipped = [path.stem for group in ("dataset", "bench") for path in (conf_folder() / group).glob("*.yaml")]
    for name in (*shipped, "cats", "unsigned", "my_folder", "drawn", "catbench-table", "catbench-archive"):
        assert name in out
    table = out.split("\n\n")[0]
    assert max(map(len, table.splitlines()[1:])) <= 100  # below the path of the folder


def test_check_says_exactly_what_is_missing_and_downloads_nothing(run, tmp_path: Path, url: str) -> None:
    code, out, _ = run("check", "cats")
    assert code == 3
    lines = [line.strip() for line in out.splitlines()]
    command = f"python -m harness.data fetch cats --data {tmp_path / 'data'} --conf {tmp_path / 'conf'}"
    for line in ("cats.bin", f"sha256:{SHA}", f"{url}/cats.bin", command):
        assert line in lines
    assert f"cats, in {tmp_path / 'data'}" in lines
    assert "or cats_train.npz with cats_test.npz" in lines
    assert not (tmp_path / "data").exists()


def test_what_is_missing_is_shown_by_the_alternative_that_can_be_fetched(run) -> None:
    found = findings(run, "catbench-table")["catbench-table"]
    assert ([file["name"] for file in found["files"]], found["instead"]) == (["table.csv"], ["my_table.csv"])


def test_check_tells_a_right_file_from_a_wrong_one(run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cats.bin").write_bytes(CONTENT)
    assert run("check", "cats")[0] == 0
    found = findings(run, "cats")["cats"]
    assert (found["state"], found["files"][0]["state"], found["files"][0]["size"]) == ("present", "ok", len(CONTENT))
    (tmp_path / "data" / "cats.bin").write_bytes(CONTENT[:-1])
    assert run("check", "cats")[0] == 3
    assert findings(run, "cats")["cats"]["state"] == "wrong"
    assert run("check", "cats", "--fast")[0] == 0
    assert findings(run, "cats", "--fast")["cats"]["files"][0]["state"] == "not verified"


def test_check_takes_any_alternative_and_says_that_its_checksum_is_unknown(run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cats_train.npz").write_bytes(b"1234")
    assert run("check", "cats")[0] == 3
    (tmp_path / "data" / "cats_test.npz").write_bytes(b"12")
    assert run("check", "cats")[0] == 0
    files = findings(run, "cats")["cats"]["files"]
    assert [(file["state"], file["size"]) for file in files] == [("none published", 4), ("none published", 2)]


def test_check_tells_of_an_unfinished_download_and_of_what_lies_in_a_folder(run, tmp_path: Path) -> None:
    (tmp_path / "data" / "archive" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "archive" / "one").write_bytes(b"1")
    (tmp_path / "data" / "archive" / "deep" / "two").write_bytes(b"22")
    (tmp_path / "data" / ".cats.bin.part").write_bytes(CONTENT[:5])
    found = findings(run)
    assert found["cats"]["files"][0]["kept"] == 5
    (archive,) = found["catbench-archive"]["files"]
    assert (archive["size"], archive["holds"]) == (3, 2)
    assert "archive (2 files)" in run("check")[1]
    assert "5 bytes of it already fetched" in run("check", "cats")[1]


def test_check_says_that_an_empty_file_is_empty_and_fetch_gets_it(run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cats.bin").touch()
    for arguments in (["cats"], ["cats", "--fast"]):
        code, out, _ = run("check", *arguments)
        assert (code, "  cats.bin is empty" in out.splitlines()) == (3, True)
    (file,) = findings(run, "cats")["cats"]["files"]
    assert (findings(run, "cats")["cats"]["state"], file["state"]) == ("missing", "empty")
    assert run("fetch", "cats")[0] == 0
    assert (tmp_path / "data" / "cats.bin").read_bytes() == CONTENT
    (tmp_path / "data" / "cats.bin").write_bytes(b"")
    assert run("fetch", "unsigned", "--unverified")[0] == 0
    assert (tmp_path / "data" / "cats.bin").read_bytes() == CONTENT


@pytest.fixture
def nats(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Checks for the topology space's archive; gives the exit code, what was printed, and the finding."""
    monkeypatch.delenv("TORCH_HOME", raising=False)

    def check() -> tuple[int, str, dict]:
        code, out, _ = run("check", "nasbench201-archive")
        return code, out, findings(run, "nasbench201-archive")["nasbench201-archive"]

    return check


def _archive(folder: Path, records: int) -> None:
    """An official folder of the topology space, whose every record is one byte: `check` reads none."""
    folder.mkdir(parents=True)
    names = list(_cells(records))
    pickle_save({"meta_archs": names, "total_archs": len(names), "arch2infos": None}, folder / "meta.pickle")
    for place in range(records):
        (folder / f"{place:06d}.pickle.pbz2").write_bytes(b"1")


def _cells(n: int) -> Iterator[str]:
    cells = itertools.product(OPERATIONS, repeat=6)
    for a, b, c, d, e, f in itertools.islice(cells, n):
        yield f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"


def test_an_archive_with_few_of_its_records_is_partial(nats, tmp_path: Path) -> None:
    _archive(tmp_path / "data" / FOLDER, 3)
    code, out, found = nats()
    assert (code, found["state"], found["why"]) == (3, "partial", "3 of 15,625 records")
    assert "partial 3 of 15,625" in " ".join(out.split())


@pytest.mark.slow
def test_an_archive_with_every_record_is_present_whatever_lies_in_the_place_of_its_tables(nats, tmp_path: Path) -> None:
    _archive(tmp_path / "data" / FOLDER, 15_625)
    assert nats()[0] == 0
    (tmp_path / "data" / "nats-tss").mkdir()
    (tmp_path / "data" / "nats-tss" / "README.md").write_text("tables go here")
    code, out, found = nats()
    assert (code, found["state"], found["files"][0]["name"]) == (0, "present", FOLDER)
    assert "also present but unusable: " in out and "finals.parquet" in found["unusable"][0]


def test_a_folder_of_tables_without_tables_is_unusable(nats, tmp_path: Path) -> None:
    (tmp_path / "data" / "nats-tss").mkdir(parents=True)
    (tmp_path / "data" / "nats-tss" / "README.md").write_text("tables go here")
    code, out, found = nats()
    assert (code, found["state"]) == (3, "unusable")
    assert "finals.parquet" in found["why"] and found["why"] in out


def test_an_archive_one_level_too_deep_or_without_its_list_is_told_so(nats, tmp_path: Path) -> None:
    outer = tmp_path / "data" / "NATS-tss-v1_0-3ffb9-simple"
    _archive(outer / outer.name, 3)
    code, out, found = nats()
    assert (code, found["state"]) == (3, "unusable")
    assert f"one level too deep: move the files of {outer / outer.name} up into it" in found["why"]
    assert found["why"] in out
    shutil.rmtree(outer)
    _archive(outer, 3)
    (outer / "meta.pickle.pbz2").unlink()
    code, _, found = nats()
    assert (code, found["state"]) == (3, "unusable")
    assert "with 3 records and without meta.pickle.pbz2" in found["why"]


def _cifar(folder: Path, names: Sequence[str], content: bytes = b"\x80") -> None:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(content)


BATCHES = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]


def test_a_cifar_folder_that_is_nested_partial_or_junk_is_not_present(run, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "cifar-10-batches-py"

    def found() -> tuple[str, str]:
        finding = findings(run, "cifar10")["cifar10"]
        return finding["state"], finding["why"]

    _cifar(folder, BATCHES)
    assert found() == ("present", "")
    shutil.rmtree(folder)
    _cifar(folder, BATCHES[:4])
    assert found() == ("partial", "4 of 6 batches, without data_batch_5, test_batch")
    shutil.rmtree(folder)
    _cifar(folder / folder.name, BATCHES)
    assert found()[0] == "unusable"
    assert f"one level too deep: move the files of {folder / folder.name} up into it" in found()[1]
    shutil.rmtree(folder)
    _cifar(folder, BATCHES, b"<html>not found</html>")
    assert found()[0] == "unusable" and "22 bytes of something else" in found()[1]
    shutil.rmtree(folder)
    _cifar(folder, ["notes.txt"])
    assert found()[0] == "unusable" and "with none of them" in found()[1]
    shutil.rmtree(folder)
    _cifar(tmp_path / "data" / "cifar-10-batches-bin", [f"{name}.bin" for name in BATCHES], b"x" * 3074)
    assert found()[0] == "unusable" and "records of 3073 bytes" in found()[1]


@pytest.mark.parametrize("command", ["check", "fetch"])
def test_a_data_folder_that_is_a_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        assert main([command, "digits", "--data", str(place)]) == 2
        assert capsys.readouterr().err == f"error: --data: must be a folder (got 'the file {tmp_path / 'file'}')\n"
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "file"))
    assert main([command, "digits"]) == 2
    assert capsys.readouterr().err.startswith("error: HARNESS_DATA: ")


def test_a_folder_of_configuration_that_is_not_there_or_has_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for conf in (tmp_path / "typo", tmp_path):
        assert main(["check", "digits", "--conf", str(conf)]) == 2
        said = capsys.readouterr().err
        assert said.startswith("error: --conf: ") and str(conf) in said and said.count("\n") == 1


def test_a_component_that_needs_nothing_and_one_that_cannot_say_are_told_apart(run) -> None:
    assert run("check", "drawn")[0] == 0
    code, out, _ = run("check", "my_folder")
    assert code == 3
    assert "path" in out


def test_one_source_of_several_can_be_named(run) -> None:
    assert list(findings(run, "catbench-table")) == ["catbench-table"]
    assert list(findings(run, "catbench", "catbench-table")) == ["catbench-table", "catbench-archive"]
    assert list(findings(run, "cats-images")) == ["cats"]


@pytest.mark.parametrize(
    "arguments",
    [["check", "nope"], ["check", "catbench-nope"], ["fetch", "nope"], ["fetch"], ["nope"], [], ["check", "--nope"]],
)
def test_a_command_line_that_makes_no_sense_is_one_line_and_exit_code_2(
    run, capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str]
) -> None:
    assert main([*arguments, *(["--conf", str(tmp_path / "conf")] if arguments[1:] else [])]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("error: ")


def test_what_is_fetched_is_then_there(run, tmp_path: Path) -> None:
    code, out, _ = run("fetch", "cats", "catbench-table")
    assert code == 0
    assert (tmp_path / "data" / "cats.bin").read_bytes() == (tmp_path / "data" / "table.csv").read_bytes() == CONTENT
    assert str(tmp_path / "data" / "cats.bin") in out
    assert run("check", "cats", "catbench-table")[0] == 0


def test_a_benchmark_is_fetched_as_far_as_that_is_possible(run, tmp_path: Path) -> None:
    code, out, _ = run("fetch", "catbench", "drawn")
    assert code == 0
    assert (tmp_path / "data" / "table.csv").exists()
    assert "catbench-archive: no public download; made by cats.example.org" in out
    assert "drawn: nothing needed" in out
    code, _, err = run("fetch", "catbench-archive")
    assert code == 3
    assert "cats.example.org" in err


def test_offline_one_line_says_what_to_put_where(run, tmp_path: Path, url: str) -> None:
    code, _, err = run("fetch", "cats", "--offline")
    assert code == 3
    assert err.count("\n") == 1
    for part in ("cats.bin", f"sha256:{SHA}", f"{url}/cats.bin", str(tmp_path / "data"), "fetch cats"):
        assert part in err
    assert not (tmp_path / "data").exists()


def test_the_other_files_are_fetched_although_one_cannot_be(run, tmp_path: Path) -> None:
    code, out, err = run("fetch", "my_folder", "unsigned", "catbench-table")
    assert code == 3
    assert "my_folder: not known" in out
    assert "--unverified" in err
    assert (tmp_path / "data" / "table.csv").read_bytes() == CONTENT


def test_a_file_without_a_checksum_is_fetched_when_that_is_said(run, tmp_path: Path) -> None:
    code, out, _ = run("fetch", "unsigned", "--unverified")
    assert code == 0
    assert f"sha256:{SHA}" in out and "nobody published a checksum" in out
    assert (tmp_path / "data" / "cats.bin").read_bytes() == CONTENT


def test_only_what_is_asked_for_is_imported(tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "broken.yaml").write_text("_target_: no_such_package.Cats\n")
    (tmp_path / "dataset" / "worse.yaml").write_text("[1, 2\n")
    (tmp_path / "dataset" / "list.yaml").write_text("- 1\n")
    assert [need.name for need in needs(["digits"], [conf_folder(), tmp_path])] == ["digits"]
    notes = {need.name: need.note for need in needs([], [tmp_path])}
    assert set(notes) == {"broken", "list", "worse"}
    assert all(note.startswith("not known: ") and "\n" not in note for note in notes.values())


def test_help_answers_at_once_and_checking_needs_no_torch() -> None:
    code = (
        "import sys\nfrom harness.cli.data.command import main\n"
        "try: main(['--help'])\nexcept SystemExit as end: assert end.code == 0\n"
        "assert not {'numpy', 'hydra', 'requests'} & set(sys.modules)\n"
        "main(['check', '--fast'])\nassert not {'torch', 'requests'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "check" in done.stdout and "fetch" in done.stdout


def test_a_file_without_a_public_download_is_checked_and_never_fetched(run, tmp_path: Path) -> None:
    code, out, _ = run("check", "pinned")
    assert code == 3 and f"sha256:{SHA}" in out and "cats.example.org" in out and "harness.data fetch" not in out
    code, _, err = run("fetch", "pinned")
    assert code == 3 and "missing file cats.bin" in err and "made by cats.example.org" in err
    path = tmp_path / "data" / "cats.bin"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(CONTENT)
    assert run("check", "pinned")[0] == 0 and run("fetch", "pinned")[0] == 0
    path.write_bytes(CONTENT[:-1])
    code, out, _ = run("check", "pinned")
    assert code == 3 and "wrong" in out
    assert "checksum mismatch" in run("fetch", "pinned")[2]
