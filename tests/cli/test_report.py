"""The command line of the report."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from harness.cli.report import main, report_config
from harness.report.config import ReportConfig
from harness.schema import BadInput
from harness.storage.files import write_sums

pytestmark = pytest.mark.usefixtures("undrawn")

CONFIG = "report:\n  _target_: harness.report.config.ReportConfig\n  figures: [ranked]\n  dpi: 50\n"


@pytest.fixture
def small(make: Callable[..., Path], tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(make(n=8, k=2), tmp_path / "results"))
    configure(folder, CONFIG)
    return folder


def configure(folder: Path, config: str, **status: str) -> None:
    """Replace the stored configuration and status of a run, as if the run itself had written them."""
    (folder / "config.yaml").write_text(config)
    stored = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps(stored | status))
    write_sums(folder)


def test_the_report_goes_to_a_folder_of_the_benchmark_the_data_set_and_the_run(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([str(small)]) == 0
    assert capsys.readouterr().out.strip() == "reports/nasbench201-digits/results/index.html"
    assert (tmp_path / "reports" / "nasbench201-digits" / "results" / "figures" / "ranked.png").is_file()


def test_another_folder_can_be_asked_for(small: Path, tmp_path: Path) -> None:
    configure(small, "report: {figures: []}\n")
    assert main([str(small), "--out", str(tmp_path / "mine")]) == 0
    assert (tmp_path / "mine" / "index.html").is_file()


def test_a_missing_folder_is_one_line_on_stderr_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "nowhere" in told.err


def test_a_missing_table_is_one_line_that_names_it(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / "scores.parquet").unlink()
    assert main([str(small)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "scores.parquet" in told


CONV = "(i)@nor_conv_3x3"
DIRECT = "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|{}|"
"""Cells that compute a 3×3 convolution of the input whatever stands in the gap, for it is an operation on nothing."""

PLAIN, SKIP, POOL = (DIRECT.format(f"{name}~2") for name in ("none", "skip_connect", "avg_pool_3x3"))
"""Of one function, and not isomorphic to the benchmark, which keeps apart what is done to nothing."""


@pytest.fixture(scope="module")
def with_skip(make: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run of NAS-Bench-201 in which SKIP is the one cell of its function."""
    return run_of((SKIP,), Path(shutil.copytree(make(n=8, k=2), tmp_path_factory.mktemp("skip") / "real")))


@pytest.fixture
def real(with_skip: Path, tmp_path: Path) -> Path:
    """A copy of such a run."""
    return Path(shutil.copytree(with_skip, tmp_path / "real"))


def run_of(cells: Sequence[str], folder: Path) -> Path:
    """The folder with its first architectures replaced by these cells, all of the function CONV."""
    rename = dict(zip(pd.read_parquet(folder / "architectures.parquet")["architecture"], cells, strict=False))
    for path in folder.glob("*.parquet"):
        frame = pd.read_parquet(path)
        if "architecture" in frame:
            frame["architecture"] = frame["architecture"].replace(rename)
        if "group" in frame and path.stem == "architectures":
            frame["group"] = frame["group"].mask(frame["architecture"].isin(cells), CONV)
        if "index" in frame:
            frame["index"] = frame["index"].astype("Int64")
        frame.to_parquet(path, index=False)
    bench = "bench: {_target_: harness.benches.nasbench201.bench.NasBench201}\n"
    configure(folder, f"report: {{figures: [], dpi: 50}}\n{bench}")
    return folder


@pytest.mark.parametrize("order", [0, 1, 2])
def test_an_architecture_is_explained_wherever_it_stands_on_the_line(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], order: int
) -> None:
    words = [[str(small)], ["--out", str(tmp_path / "mine")]]
    words.insert(order, ["arch=7"])
    assert main([word for part in words for word in part]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "mine" / "architectures" / "7.html")


def test_the_page_of_an_architecture_goes_into_the_runs_report(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([str(small), "arch=7"]) == 0
    assert capsys.readouterr().out.strip() == "reports/nasbench201-digits/results/architectures/7.html"
    assert not (tmp_path / "reports" / "nasbench201-digits" / "results" / "index.html").exists()


@pytest.mark.parametrize("wanted", ["nonsense", "400", DIRECT.replace("3x3", "1x1").format("none~2")])
def test_an_architecture_that_is_not_in_the_run_is_one_line_and_exit_2(
    real: Path, capsys: pytest.CaptureFixture[str], wanted: str
) -> None:
    assert main([str(real), f"arch={wanted}"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert told.err.startswith("error: arch: ")
    assert wanted in told.err


def test_another_string_of_the_same_function_finds_the_architecture(
    real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(real), f"arch={PLAIN}", "--out", str(tmp_path)]) == 0
    page = Path(capsys.readouterr().out.strip()).read_text()
    assert f"<code>{SKIP}</code>" in page
    assert f"Asked for as <code>{PLAIN}</code>" in page


@pytest.mark.parametrize("cell", [PLAIN, SKIP])
def test_of_several_of_one_function_the_isomorphic_one_is_found(
    make: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], cell: str
) -> None:
    folder = run_of((PLAIN, SKIP), Path(shutil.copytree(make(n=8, k=2), tmp_path / "several")))
    asked = cell.replace("none~1|+", "skip_connect~1|+")  # node 1 is empty: isomorphic
    assert main([str(folder), f"arch={asked}", "--out", str(tmp_path)]) == 0
    assert f"<code>{cell}</code>" in Path(capsys.readouterr().out.strip()).read_text()


def test_of_several_of_one_function_none_is_found_where_none_is_isomorphic(
    make: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run_of((PLAIN, SKIP), Path(shutil.copytree(make(n=8, k=2), tmp_path / "several")))
    assert main([str(folder), f"arch={POOL}", "--out", str(tmp_path)]) == 2
    assert "one of the 8 architectures" in capsys.readouterr().err


@pytest.mark.parametrize("bench", ["", "bench: {_target_: no.such.Bench}\n", "bench: 3\n"])
def test_without_its_benchmark_only_strings_of_the_run_are_known(
    real: Path, capsys: pytest.CaptureFixture[str], bench: str
) -> None:
    configure(real, f"report: {{figures: [], dpi: 50}}\n{bench}", bench="of_my_own")
    assert main([str(real), f"arch={PLAIN}"]) == 2
    told = capsys.readouterr().err
    assert "one of the 8 architectures" in told and told.count("\n") == 1
    assert "benchmark 'of_my_own' is not installed, so only exact strings are found (--trust" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [(["arch=best", "arch=worst"], "arch: must be one architecture (got "), (["OTHER", "arch=best"], "of one run")],
)
def test_one_architecture_of_one_run_is_explained_at_a_time(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    (tmp_path / "other").mkdir()
    assert main([str(small), *(word.replace("OTHER", str(tmp_path / "other")) for word in words)]) == 2
    assert told in capsys.readouterr().err


def test_several_folders_and_a_folder_of_runs_get_one_report_on_all(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def gathered(folders: Sequence[Path], out: Path | None) -> Path:
        asked.append((list(folders), out))
        return Path("gathered.html")

    monkeypatch.setattr("harness.sweep.gather.write_gathered_report", gathered)
    above = small.parent
    assert main([str(above)]) == 0
    assert main([str(small), str(above), "--out", str(tmp_path / "all")]) == 0
    assert asked == [([above], None), ([small, above], tmp_path / "all")]
    assert capsys.readouterr().out.split() == ["gathered.html"] * 2


def test_the_runs_own_configuration_of_the_report_is_used() -> None:
    assert report_config(CONFIG) == ReportConfig(figures=["ranked"], dpi=50)
    assert report_config("bench: x\n") == ReportConfig()


@pytest.mark.parametrize("config", ["report: {no_such: 1}", "a: [", "report: {dpi: 1}"])
def test_a_configuration_that_makes_no_sense_is_refused(config: str) -> None:
    with pytest.raises(BadInput):
        report_config(config)


EVIL = "from pathlib import Path\nPath(__file__).with_name('executed').write_text('')\n"
"""A module that leaves a file where it is imported."""


def offered(folder: Path) -> Path:
    """The folder with code in it that its own configuration names, and metadata as if that were installed."""
    (folder / "evil.py").write_text(EVIL)
    (folder / "sub").mkdir()
    (folder / "sub" / "__init__.py").write_text(EVIL)
    about = folder / "evil-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[harness.figures]\nevil = evil\n[harness.benches]\nmine = evil:Bench\n")
    configure(
        folder,
        "report: {figures: [evil, sub.evil, evil.sub, ../evil], dpi: 50}\nbench: {_target_: evil.Bench}\n",
        bench="mine",
    )
    return folder


def executed(folder: Path) -> bool:
    return bool(list(folder.rglob("executed")))


@pytest.mark.parametrize("arch", [pytest.param([], marks=pytest.mark.slow), [f"arch={PLAIN}"]])
def test_nothing_is_imported_from_a_folder_of_results_even_from_within_it(
    real: Path, tmp_path: Path, arch: list[str]
) -> None:
    folder, root = offered(real), Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "harness.report", ".", *arch, "--out", str(tmp_path / "page")],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not executed(folder)
    assert "'evil', 'sub.evil', 'evil.sub', '../evil' left out" in done.stderr
    assert done.returncode == (2 if arch else 0) and (tmp_path / "page" / "index.html").exists() is not bool(arch)


def test_code_that_the_stored_configuration_names_runs_only_on_trust(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = offered(real)
    configure(folder, "report: {figures: [sub.figure], dpi: 50}\n")
    (folder / "sub" / "figure.py").write_text("def caption(*_): return 'c'\ndef draw(*_): raise SystemExit(7)\n")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    assert main([".", "--out", str(tmp_path / "page")]) == 0 and not executed(folder)
    with pytest.raises(SystemExit, match="7"):
        main([".", "--out", str(tmp_path / "page"), "--trust"])
    sys.modules.pop("sub", None), sys.modules.pop("sub.figure", None)


@pytest.mark.slow
def test_figures_of_installed_packages_are_found_by_name_and_by_module(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed, page = tmp_path / "site-packages", tmp_path / "page"
    (installed / "theirs-1.dist-info").mkdir(parents=True)
    (installed / "theirs-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    (installed / "theirs-1.dist-info" / "entry_points.txt").write_text("[harness.figures]\nmine = theirs_figure\n")
    (installed / "theirs_figure.py").write_text(
        "from harness.report.figures import NothingToDraw\n"
        "def caption(*_): return 'theirs'\ndef draw(*_): raise NothingToDraw('<b>why</b>')\n"
    )
    monkeypatch.syspath_prepend(installed)
    for name in ("mine", "theirs_figure"):
        configure(small, f"report: {{figures: [{name}]}}\n")
        assert main([str(small), "--out", str(page)]) == 0
        assert "is not drawn: &lt;b&gt;why&lt;/b&gt;" in (page / "index.html").read_text()
    sys.modules.pop("theirs_figure", None)


def bare_page(tables: object, name: str, out: Path, *_: object) -> Path:
    (out / "architectures").mkdir(parents=True)
    (out / "architectures" / "1.html").touch()
    return out / "architectures" / "1.html"


@pytest.mark.parametrize(
    "bench", ["../../../outside", "/outside", "", ".", "..", "a/../../../b", "\x1b[31m", "\u202eb", "x" * 300, "a\\b"]
)
def test_no_name_leads_out_of_the_folder_of_reports(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], bench: str
) -> None:
    work = tmp_path / "a" / "b" / "work"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    if bench != "../../../outside":  # what a page consists of is the same for all of them
        monkeypatch.setattr("harness.report.architecture.explain.explain", bare_page)
    before = set(tmp_path.rglob("*"))
    configure(real, "report: {figures: []}\n", bench=bench, dataset=bench)
    assert main([str(real), "arch=best"]) == 0
    fresh = set(tmp_path.rglob("*")) - before
    assert all(path.is_relative_to(work / "reports") for path in fresh)
    assert len([path for path in (work / "reports").iterdir() if path.is_dir()]) == 1
    assert capsys.readouterr().out.strip().isprintable()


@pytest.mark.parametrize("link", ["page", "above", "figures", "file", "index"])
def test_links_are_not_followed_when_pages_are_written(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], link: str
) -> None:
    monkeypatch.chdir(tmp_path)
    configure(small, "report: {figures: []}\n")
    page = tmp_path / "reports" / "nasbench201-digits" / "results"
    place = {"page": page, "above": page.parent, "figures": page / "figures", "file": page / "figures" / "ranked.png",
             "index": tmp_path / "reports" / ".index.lock"}[link]  # fmt: skip
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(tmp_path / "mine" / ("file" if link in ("file", "index") else ""))
    assert main([str(small)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "symbolic link" in told and str(place.name) in told
    assert (tmp_path / "mine" / "file").read_text() == "mine" and len(list((tmp_path / "mine").iterdir())) == 1


@pytest.mark.parametrize(
    "section", ["[1]", "{figures: 3}", "{figures: [3]}", "{dpi: x}", "{font_size: [8]}", "{top: -1}"]
)
def test_a_stored_part_of_the_report_of_another_kind_is_one_line(
    small: Path, capsys: pytest.CaptureFixture[str], section: str
) -> None:
    configure(small, f"report: {section}\n")
    assert main([str(small)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_two_runs_are_compared_and_gathered_only_where_that_is_asked_for(
    small: Path, make: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    other = Path(shutil.copytree(make(n=8, k=3), tmp_path / "other"))
    configure(other, CONFIG.replace("dpi: 50", "dpi: 50\ntrain: {epochs: 2}"))
    monkeypatch.chdir(tmp_path)
    assert main([str(small), str(other)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "reports/two_runs/results+other/index.html" and "train.epochs differs." in " ".join(told)
    assert "two_runs/results%2Bother/index.html" in (tmp_path / "reports" / "index.html").read_text()
    assert main([str(small), str(other), "arch=best"]) == 2
    gathered: list[Sequence[Path]] = []
    monkeypatch.setattr(
        "harness.sweep.gather.write_gathered_report", lambda folders, out: gathered.append(folders) or Path("page")
    )
    assert main([str(small), str(other), "--gather"]) == 0 and gathered == [[small, other]]
