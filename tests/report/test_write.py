"""The report folder as a whole."""

from __future__ import annotations

import html
import json
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pytest
import yaml

from harness.processes.workers import Workers
from harness.report.config import ReportConfig
from harness.report.content import TITLES
from harness.report.settings_in_words import flat
from harness.report.tables import TABLES
from harness.report.write import is_current, write
from harness.schema import BadInput
from harness.storage.files import write_sums
from tests.report.conftest import build

ODD: list[dict[str, Any]] = [
    {"n": 20, "k": 5, **odd} for odd in ({"silent": True}, {"seeds": 1}, {"capacitance": False}, {"n": 8, "k": 2})
]
VOID = {"meta", "link", "img", "br", "hr"}
FEW = ReportConfig(figures=["ranked", "beta_eff_trajectories"], dpi=50)


class Page(HTMLParser):
    """Collects addresses and checks that tags nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for key, value in attrs if key in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def few(make: Callable[..., Path]) -> Path:
    return make(n=20, k=5)


@pytest.fixture(scope="module")
def out(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(few, tmp_path_factory.mktemp("out"), FEW).parent


def test_everything_that_was_promised_is_written(out: Path) -> None:
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    sheets = {f"tables/{name}.{end}" for name in TABLES for end in ("csv", "tex")}
    assert {"ranked", "short", "time_to_tau", "ceiling", "selection", "pairs", "failures"} <= set(TABLES)
    drawn = {f"figures/{name}.{end}" for name in FEW.figures for end in ("png", "pdf")}
    sums = {"SHA256SUMS", "tables/SHA256SUMS", "figures/SHA256SUMS"}
    assert (
        found
        == {"index.html", "report.md", "index.json", "tables/sentences.tex", "tables/shown.tex"} | sheets | drawn | sums
    )


class Elsewhere:
    """Workers that keep nothing from one task to the next, and begin with the last one."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def in_order(self, function: Callable[[str], Any], tasks: list[str], progress: object) -> list[Any]:
        sent = pickle.dumps(function)
        found = {task: pickle.loads(sent)(task) for task in reversed(tasks)}
        self.done += found
        return [pickle.loads(pickle.dumps(found[task])) for task in tasks]


def test_figures_that_workers_draw_in_any_order_have_the_same_bytes(few: Path, out: Path, tmp_path: Path) -> None:
    workers = Elsewhere()
    write(few, tmp_path, FEW, workers=cast(Workers, workers))
    assert workers.done == FEW.figures[::-1]
    assert contents(tmp_path) == contents(out)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["index.html", "report.md", "tables/ranked.csv", "figures/ranked.pdf", "SHA256SUMS"])
def test_a_page_of_which_a_file_is_cut_or_missing_is_not_current(
    few: Path, out: Path, tmp_path: Path, name: str
) -> None:
    shutil.copytree(out, tmp_path / "page")
    assert is_current(few, tmp_path / "page", FEW)
    path = tmp_path / "page" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert not is_current(few, tmp_path / "page", FEW)
    path.unlink()
    assert not is_current(few, tmp_path / "page", FEW)


@pytest.mark.usefixtures("undrawn")
def test_the_page_says_by_which_command_the_run_is_started_again(few: Path, out: Path, tmp_path: Path) -> None:
    status = json.loads((shutil.copytree(few, tmp_path / "run") / "status.json").read_text())
    command = "python -m harness +bench=b 'predictor=[a,b]'"
    (tmp_path / "run" / "status.json").write_text(json.dumps(status | {"command": command}))
    write_sums(tmp_path / "run")
    write(tmp_path / "run", tmp_path / "page", FEW)
    assert f"The command of the run: `{command}`" in (tmp_path / "page" / "report.md").read_text()
    shown = html.unescape((tmp_path / "page" / "index.html").read_text())
    assert f"<code>{command}</code>" in shown and "<dt>command</dt>" not in shown
    assert "The command of the run" not in (out / "index.html").read_text()


@pytest.mark.usefixtures("undrawn")
def test_a_page_that_a_full_disk_ends_in_the_middle_is_not_current(
    few: Path, out: Path, tmp_path: Path, monkeypatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    shutil.copytree(out, tmp_path / "page")
    monkeypatch.setattr("harness.report.run_page.write_text", full)
    with pytest.raises(OSError, match="No space left"):
        write(few, tmp_path / "page", FEW)
    assert not is_current(few, tmp_path / "page", FEW)


def test_the_page_answers_in_the_order_in_which_a_reader_asks(out: Path) -> None:
    asked = ["needs", "question", "ranking", "settled", "cost", "failing", "studied", "run"]
    sections = re.findall(r'<section id="(\w+)"', (out / "index.html").read_text())
    assert sections == ["needs", "explore", *asked[1:], "glossary"]
    titles = re.findall(r"^## (.*)$", (out / "report.md").read_text(), flags=re.MULTILINE)
    assert titles == [{**TITLES, "studied": "What does β_eff add?"}[name] for name in asked]


def test_facts_are_words_and_have_no_brackets() -> None:
    made = [{"computed_on": "x86_64", "torch": "2.13"}, {"computed_on": "arm64", "torch": "2.12"}]
    found = flat({"made_with": made, "recipe": {"watch": ["valid", "test"], "clip": None, "targets": []}})
    assert found == {
        "made with": "computed on x86_64, torch 2.13; computed on arm64, torch 2.12", "recipe: watch": "valid, test"
    }  # fmt: skip


def test_both_pages_have_the_same_tables_with_the_same_rows(out: Path) -> None:
    html, markdown = (out / "index.html").read_text(), (out / "report.md").read_text()
    rows = [body.count("<tr>") for body in re.findall(r"<tbody>.*?</tbody>", html, flags=re.DOTALL)]
    blocks = re.findall(r"(?:^\|.*\|\n)+", markdown, flags=re.MULTILINE)
    lists = html.count("<dl>")
    assert len(blocks) == len(rows) + lists
    assert [block.count("\n") - 2 for block in blocks][: len(rows)] == rows


def test_the_page_is_one_well_formed_file_that_asks_for_nothing(out: Path) -> None:
    page = Page()
    text = (out / "index.html").read_text()
    page.feed(text)
    assert page.open == []
    assert page.addresses
    assert all(address.startswith(("data:", "#", "figures/", "https://arxiv.org/abs/")) for address in page.addresses)
    files = {address for address in page.addresses if address.startswith("figures/")}  # links, which a reader follows
    assert files == {f"figures/{name}.pdf" for name in FEW.figures} and all((out / file).is_file() for file in files)
    assert {address[1:] for address in page.addresses if address[0] == "#"} <= set(re.findall(r' id="(\w+)"', text))
    assert "url(" not in text.replace("url(%23", "")  # names within a drawing
    assert "@import" not in text


def test_what_users_name_cannot_become_markup(out: Path) -> None:
    page = (out / "index.html").read_text()
    assert "loss &lt;inf&gt; &amp; up" in page
    assert "<inf>" not in page
    assert "<space>" not in page
    assert r"loss \<inf\> & up" in (out / "report.md").read_text()


def test_every_table_row_of_the_markdown_has_as_many_cells_as_its_heading(out: Path) -> None:
    blocks = re.findall(r"(?:^\|.*\|\n)+", (out / "report.md").read_text(), flags=re.MULTILINE)
    assert len(blocks) > 10
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_the_markdown_shows_each_figure_from_its_file(out: Path) -> None:
    shown = re.findall(r'src="([^"]+)"', (out / "report.md").read_text())
    assert shown == [f"figures/{name}.png" for name in FEW.figures]
    assert all((out / name).is_file() for name in shown)


def test_the_csv_holds_the_numbers_of_the_tables(out: Path, few: Path) -> None:
    stored = pd.read_parquet(few / "metrics.parquet").query("step == 64").set_index("predictor")["tau"]
    written = pd.read_csv(out / "tables" / "ranked.csv").set_index("predictor")["tau"]
    pd.testing.assert_series_equal(written.sort_index(), stored.sort_index(), rtol=1e-5)


def test_equal_tables_give_equal_bytes(out: Path, few: Path, tmp_path: Path) -> None:
    again = write(few, tmp_path, FEW).parent
    for path in out.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (again / path.relative_to(out)).read_bytes(), path.name


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("how", ODD)
def test_odd_runs_get_a_page_too(how: dict[str, Any], make: Callable[..., Path], tmp_path: Path) -> None:
    text = write(make(**how), tmp_path, ReportConfig(figures=["ranked"], dpi=50)).read_text()
    Page().feed(text)
    assert ">nan<" not in text


@pytest.mark.usefixtures("undrawn")
def test_a_run_without_failures_and_differences_says_so(make: Callable[..., Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(make(n=20, k=5), tmp_path / "results"))
    for name in ("failures", "differences"):
        pd.read_parquet(folder / f"{name}.parquet").iloc[:0].to_parquet(folder / f"{name}.parquet")
    write_sums(folder)
    text = write(folder, tmp_path / "out", ReportConfig(figures=[])).read_text()
    assert "No training and no score failed." in text
    assert "No paired difference to a baseline was computed, so no difference was tested." in text


@pytest.mark.usefixtures("undrawn")
def test_a_figure_that_cannot_be_drawn_leaves_no_old_file_behind(make: Callable[..., Path], tmp_path: Path) -> None:
    old = tmp_path / "figures" / "beta_eff_trajectories.png"
    old.parent.mkdir()
    old.write_bytes(b"old")
    page = write(make(n=20, k=5, capacitance=False), tmp_path, ReportConfig(figures=["beta_eff_trajectories"]))
    assert not old.exists() and 'id="beta_eff_trajectories"' not in page.read_text()
    page = write(make(n=20, k=5, silent=True), tmp_path, ReportConfig(figures=["ranked"]))
    assert "is not drawn: no predictor has a Kendall τ at the last budget." in page.read_text()


@pytest.mark.usefixtures("undrawn")
def test_a_run_without_what_is_studied_is_not_asked_what_it_adds(make: Callable[..., Path], tmp_path: Path) -> None:
    figures = ["tau_against_budget", "beta_eff_trajectories", "ranked"]  # the second cannot be drawn
    text = write(make(n=20, k=5, capacitance=False), tmp_path, ReportConfig(figures=figures)).read_text()
    assert 'id="studied"' not in text and 'href="#studied"' not in text
    numbers = [int(number) for number in re.findall(r"<b>Figure (\d+)", text)]
    assert numbers == [1, 2]


@pytest.mark.usefixtures("undrawn")
def test_tables_of_nothing_but_dashes_are_left_out(make: Callable[..., Path], tmp_path: Path) -> None:
    void = write(make(n=20, k=5, silent=True), tmp_path / "void", ReportConfig(figures=[])).read_text()
    full = write(make(n=20, k=5), tmp_path / "full", ReportConfig(figures=[])).read_text()
    for title in ("Time to τ", "Among the best architectures", "Choosing the best k", "τ at every budget"):
        assert f'aria-label="{title}"' in full and f'aria-label="{title}"' not in void
    assert 'aria-label="Failures"' in void


def test_a_ceiling_that_one_seed_cannot_give_is_a_sentence_and_no_table(
    make: Callable[..., Path], tmp_path: Path
) -> None:
    text = write(make(n=20, k=5, seeds=1), tmp_path, ReportConfig(figures=[])).read_text()
    assert "No noise ceiling is given" in text and 'aria-label="Noise ceiling"' not in text


@pytest.mark.usefixtures("undrawn")
def test_the_level_of_the_run_is_in_every_text(tmp_path: Path) -> None:
    folder = build(tmp_path / "results", level=0.9, n=20, k=5)
    page = write(folder, tmp_path / "out", ReportConfig(dpi=50)).parent
    texts = {path: path.read_text() for path in page.rglob("*") if path.suffix in (".html", ".md", ".tex", ".csv")}
    assert not [path.name for path, text in texts.items() if re.search("95.{0,3}%", text)]
    assert "90\xa0% intervals" in texts[page / "report.md"]
    assert r"$\tau$ [90~\%]" in texts[page / "tables" / "short.tex"]


@pytest.mark.usefixtures("undrawn")
def test_a_figure_of_ones_own_comes_in_the_last_section(make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(
        "from matplotlib.figure import Figure\n"
        "def caption(tables, report): return 'Mine.'\n"
        "def draw(tables, report): return Figure(figsize=(3.4, 1))\n"
    )
    (tmp_path / "own").mkdir()
    (tmp_path / "mine.py").rename(tmp_path / "own" / "mine.py")
    monkeypatch.syspath_prepend(tmp_path)
    text = write(make(n=20, k=5), tmp_path / "out", ReportConfig(figures=["own.mine"], dpi=50)).read_text()
    assert re.findall(r'<section id="(\w+)"', text)[-2:] == ["more", "glossary"]
    assert text.index("Further figures") < text.index("Mine.")


def test_an_unknown_figure_is_refused_before_anything_runs() -> None:
    with pytest.raises(BadInput, match=r"report\.figures.*'no_such'"):
        ReportConfig(figures=["ranked", "no_such"])


def test_the_default_report_is_the_one_in_conf() -> None:
    path = Path(__file__).parents[2] / "conf" / "report" / "paper.yaml"
    said = yaml.safe_load(path.read_text())
    assert said.pop("_target_") == "harness.report.config.ReportConfig"
    assert ReportConfig(**said) == ReportConfig()


def test_importing_the_room_brings_in_neither_torch_nor_hydra_nor_matplotlib() -> None:
    code = (
        "import sys, harness.report.write, harness.report.ranked_table, harness.cli.report;"
        "print([name for name in ('torch', 'hydra', 'omegaconf', 'matplotlib', 'jinja2') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
