"""A folder of results from a stranger, hostile in every name: all of it comes out as text."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from harness.report import renderers
from harness.report.architecture.explain import explain
from harness.report.config import ReportConfig
from harness.report.event_files import write_events
from harness.report.index import write_index
from harness.report.run_files import read
from harness.report.screen import print_answer
from harness.report.text import Name, Text
from harness.report.write import write
from harness.schema.visible import visible
from harness.storage.files import write_sums
from tests.report.hostile import HOSTILE, check_html, name_of

QUICK = ReportConfig(figures=["ranked", "tau_against_budget"], dpi=50)


@pytest.fixture(scope="module")
def hostile(make: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder: predictors, architectures, reasons, notes, status, environment and configuration are hostile."""
    folder = Path(shutil.copytree(make(n=24, k=len(HOSTILE)), tmp_path_factory.mktemp("a") / "results"))
    predictors = list(dict.fromkeys(pd.read_parquet(folder / "metrics.parquet")["predictor"]))
    architectures = list(pd.read_parquet(folder / "architectures.parquet")["architecture"])
    renamed = {name: name_of(at) for at, name in enumerate(predictors)}
    others = {name: name_of(at) for at, name in enumerate(architectures)}
    for path in folder.glob("*.parquet"):
        frame = pd.read_parquet(path)
        for column in ("predictor", "baseline"):
            if column in frame and frame[column].dtype != bool:
                frame[column] = frame[column].replace(renamed)
        for column in ("architecture", "group"):
            if column in frame and path.stem != "ablations":
                frame[column] = frame[column].replace(others)
        if "reason" in frame:
            frame["reason"] = [
                f"{reason}{name_of(at % 40)}" if reason else "" for at, reason in enumerate(frame["reason"])
            ]
        if "index" in frame:
            frame["index"] = frame["index"].astype("Int64")
        frame.to_parquet(path, index=False)
    status = json.loads((folder / "status.json").read_text())
    status |= {"bench": HOSTILE[0] + HOSTILE[3] + "../../..", "dataset": HOSTILE[1] + HOSTILE[8] + HOSTILE[4]}
    status |= {f"key{text}": text for text in HOSTILE}
    (folder / "status.json").write_text(json.dumps(status))
    (folder / "environment.json").write_text(json.dumps({text: text for text in HOSTILE}))
    text = "a: '`````` </pre></details><script>alert(1)</script>'\n# ````\nb: 1\n"
    (folder / "config.yaml").write_text(text)
    write_sums(folder)
    return folder


@pytest.fixture(scope="module")
def page(hostile: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its report, with the page of one architecture and a list of runs above."""
    reports = tmp_path_factory.mktemp("reports")
    out = reports / "bench-data" / "<img src=x onerror=alert(1)> javascript:alert(1)"
    write(hostile, out, QUICK)
    tables = read(hostile)
    explain(tables, str(tables.architectures["architecture"].iloc[1]), out, QUICK, asked=HOSTILE[0])
    write_index(reports)
    return out


def test_the_pages_hold_no_script_but_their_own_and_ask_for_nothing(page: Path) -> None:
    for path in page.rglob("*.html"):
        check_html(path.read_text(), own_script=True)
    check_html((page.parent.parent / "index.html").read_text(), own_script=True)


def test_the_page_in_markdown_renders_to_text(page: Path) -> None:
    text = (page / "report.md").read_text()
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(text)
    check_html(html, own_script=False)
    assert "alert(1)" in html and "<h1>" in html and html.count("<h1>") == 1
    assert not re.search(r"""href=["']?\s*javascript:""", html)


def test_tables_for_spreadsheets_hold_no_formula_and_keep_their_numbers(page: Path, hostile: Path) -> None:
    for path in (page / "tables").glob("*.csv"):
        for row in csv.reader(io.StringIO(path.read_text())):
            for cell in row:
                assert not re.match(r"[=@\t\r]", cell)
                assert not re.match(r"[+-]", cell) or re.fullmatch(r"[+-]?[\d.e+-]+|-inf", cell), cell
    ranked = pd.read_csv(page / "tables" / "ranked.csv")
    kept = read(hostile).final["tau"].dropna().to_numpy()
    assert abs(ranked["tau"].dropna().to_numpy() - kept).max() < 1e-5
    assert any(str(name).startswith("'=HYPERLINK") for name in ranked["predictor"])


def test_the_terminal_gets_no_command(hostile: Path) -> None:
    console = Console(file=io.StringIO(), width=200, force_terminal=False)
    print_answer(read(hostile), console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert text.replace("\n", "").isprintable() and "\\x1b[31mred" in text and "\\u202egnp.exe" in text


def test_tables_in_latex_hold_no_command_of_a_name(page: Path) -> None:
    text = "".join(path.read_text() for path in (page / "tables").glob("*.tex"))
    assert "\\input" not in text and text.count("\\end{tabular}") == text.count("\\begin{tabular}")
    assert not re.search(r"(\\\\|\\midrule)\s*[\[*]", text)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("render", [renderers.markdown, renderers.markdown_cell])
@pytest.mark.parametrize("kind", [str, Name, Text])
def test_a_hostile_text_in_markdown_reads_as_it_is(text: str, render: Callable, kind: type) -> None:
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(render(kind(text)))
    seen = re.sub(r"</?(p|code)>", "", html).strip()
    shown = visible(text.replace("\n", " "))
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        seen = seen.replace(entity, letter)
    assert seen.split() == shown.split()


def visited(path: Path, folder: Path) -> tuple[str, str, str]:
    """What headless Chromium shows of a page, what it logs of scripts and errors, and what it asked the network for."""
    log = folder / "net.json"
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0",
         f"--log-net-log={log}", f"--user-data-dir={folder / 'profile'}", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout, done.stderr, log.read_text()


needs_chromium = pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium")


@pytest.mark.real
@needs_chromium
def test_a_browser_runs_nothing_asks_for_nothing_and_has_nothing_to_say(page: Path, tmp_path: Path) -> None:
    for path in [*page.rglob("*.html"), page.parent.parent / "index.html"]:
        shown, said, asked = visited(path, tmp_path)
        assert "CONSOLE" not in said, said
        assert "<h1" in shown
        assert "127.0.0.1:9" not in asked and "evil.example" not in asked


@pytest.mark.real
@needs_chromium
def test_a_page_that_runs_a_script_and_asks_for_an_image_is_caught(tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_text("<h1>x</h1><img src='http://127.0.0.1:9/x'><script>console.log('ran')</script>")
    _, said, asked = visited(path, tmp_path)
    assert "CONSOLE" in said and "127.0.0.1:9" in asked


def test_event_files_of_a_hostile_run_lie_in_their_folder_under_plain_names(hostile: Path, tmp_path: Path) -> None:
    write_events(read(hostile), tmp_path / "reports" / "tensorboard")
    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(made) >= 4 and not any(path.is_symlink() for path in tmp_path.rglob("*"))
    for path in made:
        assert re.fullmatch(r"reports/tensorboard/\w+/events\.out\.tfevents\.[\w.-]+", str(path.relative_to(tmp_path)))
