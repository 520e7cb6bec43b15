"""The list of runs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.report.config import ReportConfig
from harness.report.index import write_entry, write_index
from harness.report.run_files import read
from harness.report.write import write


def page_of(reports: Path, run: str, entry: object = None, hours: int = 0) -> Path:
    """A page with an entry, written so many hours after the first."""
    page = reports / run / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<p>a page</p>")
    os.utime(page, (1.7e9 + 3600 * hours,) * 2)
    if entry is not None:
        page.with_name("index.json").write_text(entry if isinstance(entry, str) else json.dumps(entry))
    return page


ENTRY = {
    "bench": "nasbench201", "dataset": "digits", "n": 80, "state": "complete",
    "best": {"predictor": "stack", "tau": 0.57, "low": 0.45, "high": 0.66}, "studied": None,
}  # fmt: skip


def test_a_report_leaves_an_entry_from_which_the_list_is_made(make: Callable[..., Path], tmp_path: Path) -> None:
    results = make(n=20, k=5)
    page = write(results, tmp_path / "nasbench201-digits" / "seed0", ReportConfig(figures=[]))
    text = write_index(tmp_path).read_text()
    best = read(results).final.iloc[0]
    assert page.relative_to(tmp_path).as_posix() in text
    assert f"<code>{best['predictor']}</code> {best['tau']:.2f} <small>[" in text
    assert '<td data-key="20">20</td>' in text and "1 page," in text and str(tmp_path) not in text


def test_a_run_without_any_tau_is_listed(make: Callable[..., Path], tmp_path: Path) -> None:
    write_entry(read(make(n=20, k=5, silent=True)), page_of(tmp_path, "a/b"))
    assert "cannot be read" not in write_index(tmp_path).read_text()


def test_the_latest_page_comes_first_and_nested_folders_are_found(tmp_path: Path) -> None:
    for hours, run in enumerate(("published/nasbench201-digits", "b/seed 1", "a/seed0")):
        page_of(tmp_path, run, ENTRY, hours)
    page_of(tmp_path, "a/seed0/architectures/copy", ENTRY, 9)
    page_of(tmp_path, "sweeps/mine")
    text = write_index(tmp_path).read_text()
    runs = ["a/seed0/index.html", "b/seed%201/index.html", "published/nasbench201-digits/index.html"]
    assert [text.index(f'href="{run}"') for run in runs] == sorted(text.index(f'href="{run}"') for run in runs)
    assert text.count("<tr>") == 1 + 3 and "3 pages," in text


@pytest.mark.parametrize(
    "entry",
    ["", "{", "[]", "null", "5", '"a"', "\xff", "[" * 100_000, "{}", {**ENTRY, "n": "many"}, {**ENTRY, "n": 1e999},
     {**ENTRY, "best": 5}, {**ENTRY, "best": {"predictor": 5}}, {**ENTRY, "bench": None}, {**ENTRY, "best": [1]},
     {**ENTRY, "studied": {"predictor": "a", "tau": [], "low": None, "high": None}}],
)  # fmt: skip
def test_a_damaged_entry_is_listed_with_its_fault_and_hides_no_other(tmp_path: Path, entry: object) -> None:
    page_of(tmp_path, "damaged", entry)
    page_of(tmp_path, "whole", ENTRY)
    text = write_index(tmp_path).read_text()
    assert text.count("index.json cannot be read (") == 1
    assert 'href="damaged/index.html"' in text and "<code>stack</code>" in text


def test_an_entry_of_other_bytes_is_a_fault(tmp_path: Path) -> None:
    page_of(tmp_path, "damaged", ENTRY).with_name("index.json").write_bytes(b"\xff\xfe{}")
    assert "index.json cannot be read (UnicodeDecodeError)" in write_index(tmp_path).read_text()


def test_no_name_becomes_markup(tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>"
    page_of(
        tmp_path,
        'a"><b>',
        ENTRY | {"bench": bad, "dataset": bad, "state": bad, "best": {**ENTRY["best"], "predictor": bad}},
    )
    text = write_index(tmp_path).read_text()
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(text)
    assert tags.count("script") == 1 and "b" not in tags and "&lt;script&gt;alert" in text  # the script that sorts


def test_an_empty_folder_and_one_that_is_not_there_get_an_empty_list(tmp_path: Path) -> None:
    text = write_index(tmp_path / "reports").read_text()
    assert "No run has a page here yet." in text and "0 pages" in text
