"""A sweep's folder from a stranger, hostile in every name, and event files of TensorBoard of a hostile run."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from harness.report.sweep.screen import print_gathered
from harness.report.sweep.sweep_tables import read
from harness.report.sweep.write import write
from harness.schema.columns import JOBS
from harness.storage.files import write_sums
from tests.report.hostile import HOSTILE, check_html, name_of
from tests.report.test_sweep_report import build


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Predictors, settings, overrides, reasons, data sets, the command and the recipe are hostile."""
    folder = build(tmp_path_factory.mktemp("sweep") / "results", k=len(HOSTILE), settings=3)
    jobs, gathered = (pd.read_parquet(folder / f"{name}.parquet") for name in ("jobs", "gathered"))
    predictors = {name: name_of(at) for at, name in enumerate(dict.fromkeys(gathered["predictor"]))}
    settings = {name: name_of(at) for at, name in enumerate(dict.fromkeys(jobs["setting"]))}
    for path in folder.glob("*.parquet"):
        frame = pd.read_parquet(path)
        frame = frame.replace({"predictor": predictors, "baseline": predictors, "setting": settings})
        for shift, column in enumerate(("overrides", "reason", "bench", "dataset")):
            if column in frame:
                frame[column] = [name_of(at + shift) for at in range(len(frame))]
        if path.stem == "jobs":
            frame = frame.astype(JOBS.dtypes)
        frame.to_parquet(path, index=False)
    status = json.loads((folder / "status.json").read_text())
    status |= {"command": HOSTILE[0], "varied": HOSTILE[:4], "ranked_on": HOSTILE[4:7]}
    status |= {"left_out": [predictors[name] for name in status["left_out"]], "followed": HOSTILE[7:9]}
    status |= {"environment": {text: text for text in HOSTILE}, "recipe": {text: text for text in HOSTILE}}
    (folder / "status.json").write_text(json.dumps(status))
    write_sums(folder)
    return folder


@pytest.fixture(scope="module")
def page(hostile: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reports") / "sweep"
    write(hostile, out)
    return out


def test_the_page_of_a_sweep_holds_no_script_but_its_own_and_asks_for_nothing(page: Path) -> None:
    text = (page / "index.html").read_text()
    check_html(text, own_script=True)
    assert "&lt;script&gt;alert(1)" in text


def test_the_page_of_a_sweep_in_markdown_renders_to_text(page: Path) -> None:
    for path in page.glob("*.md"):
        html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(path.read_text())
        check_html(html, own_script=False)
        assert not re.search(r"""href=["']?\s*javascript:""", html)


def test_tables_of_a_sweep_hold_no_formula_and_no_command(page: Path) -> None:
    tables = list(page.rglob("*.csv"))
    assert tables
    for path in tables:
        for row in csv.reader(io.StringIO(path.read_text())):
            for cell in row:
                assert not re.match(r"[=@\t\r]", cell), cell
                assert not re.match(r"[+-]", cell) or re.fullmatch(r"[+-]?[\d.e+-]+|-inf", cell), cell
    assert "\\input" not in "".join(path.read_text() for path in page.rglob("*.tex"))


def test_the_terminal_gets_no_command_of_a_sweep(hostile: Path) -> None:
    console = Console(file=io.StringIO(), width=200, force_terminal=False)
    print_gathered(read(hostile), console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert text.replace("\n", "").isprintable()
