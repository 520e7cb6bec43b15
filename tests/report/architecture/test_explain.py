"""The page of one architecture."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.report.architecture.explain import explain
from harness.report.architecture.profile import find
from harness.report.config import ReportConfig
from harness.report.run_files import read
from harness.report.run_tables import RunTables
from harness.report.style.palette import colour
from harness.schema.families import FAMILIES
from tests.report.test_write import Page

FAST = ReportConfig(figures=[], dpi=50)


@pytest.fixture(scope="module")
def tables(make: Callable[..., Path]) -> RunTables:
    return read(make(n=20, k=5))


@pytest.fixture(scope="module")
def page(tables: RunTables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return explain(tables, find(tables, "7"), tmp_path_factory.mktemp("out"), FAST)


def text_of(path: Path) -> str:
    """What a reader sees of the page, without figures."""
    return " ".join(
        re.sub(r"<style>.*?</style>|<script>.*?</script>|<[^>]+>", " ", path.read_text(), flags=re.S).split()
    )


def test_the_page_lies_among_the_reports_architectures_with_its_figures_beside_it(page: Path) -> None:
    assert (page.parent.name, page.name) == ("architectures", "7.html")
    names = {f"7_{name}.{end}" for name in ("cell", "learning", "beta_eff", "ranks") for end in ("png", "pdf")}
    assert {path.name for path in page.parent.iterdir()} == names | {"7.html"}


@pytest.mark.usefixtures("undrawn")
def test_one_without_an_official_index_is_called_by_a_short_digest(tables: RunTables, tmp_path: Path) -> None:
    path = explain(tables, str(tables.architectures["architecture"].iloc[0]), tmp_path, FAST)
    assert re.fullmatch(r"[0-9a-f]{8}\.html", path.name)
    assert "the ground truth of this run gives none" in text_of(path)


def test_the_page_is_one_well_formed_file_that_asks_for_nothing(page: Path) -> None:
    seen = Page()
    seen.feed(page.read_text())
    assert seen.open == []
    assert seen.addresses and all(address.startswith("data:") for address in seen.addresses)


@pytest.mark.usefixtures("undrawn")
def test_it_leads_back_to_the_report_where_there_is_one(tables: RunTables, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("report")
    assert 'href="../index.html"' in explain(tables, find(tables, "7"), tmp_path, FAST).read_text()


def test_it_says_what_the_architecture_is_and_how_good(page: Path, tables: RunTables) -> None:
    said = text_of(page)
    truth = tables.architectures.set_index("architecture")["truth"]
    name = find(tables, "7")
    assert f"{1 + (truth > truth[name]).sum()}" in said
    assert f"{truth[name]:.2f} %, the mean of 3 seeds" in said.replace("\N{NO-BREAK SPACE}", " ")
    assert name in said
    assert "Of 5 predictors" in said


def test_every_predictor_has_a_row_with_its_rank_and_the_true_one(page: Path, tables: RunTables) -> None:
    rows = re.findall(r"<tr>\s*<td.*?</tr>", page.read_text(), flags=re.S)
    assert len(rows) == 5
    for row in rows:
        cells = [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td[^>]*>.*?</td>", row)]
        name, off, rank, true = cells[0], cells[1], cells[2], cells[3]
        chosen = tables.scores[(tables.scores["predictor"] == name) & (tables.scores["step"] == 64)]
        score = chosen.set_index("architecture")["score"].dropna()
        mine = 1 + (score > score[find(tables, "7")]).sum()
        assert rank == f"{mine} of {len(score)}"
        assert int(off.replace("−", "-")) == int(true) - mine


def test_every_row_has_the_colour_of_its_family_for_light_pages_and_for_dark_ones(
    page: Path, tables: RunTables
) -> None:
    found = set(re.findall(r'style="--light: (#\w+); --dark: (#\w+)"', page.read_text()))
    families = set(map(str, tables.final["family"]))
    assert found == {(colour(family), FAMILIES[family].dark.lower()) for family in families}


@pytest.mark.usefixtures("undrawn")
def test_a_predictor_without_a_score_says_why(make: Callable[..., Path], tmp_path: Path) -> None:
    silent = read(make(n=20, k=5, silent=True))
    said = text_of(explain(silent, find(silent, "best"), tmp_path, FAST))
    assert said.count("no finite beta_eff within the budget") == 5
    assert "No predictor ranks it: none has a score of it." in said
    assert "nan" not in said


@pytest.mark.usefixtures("undrawn")
def test_another_string_of_the_same_function_is_told(tables: RunTables, tmp_path: Path) -> None:
    path = explain(tables, find(tables, "7"), tmp_path, FAST, asked="|<b>|")
    assert "Asked for as |&lt;b&gt;| , which computes the same function." in text_of(path)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("lost", ["edges", "trajectories"])
def test_a_run_without_graphs_or_curves_has_a_page_of_the_rest(tables: RunTables, tmp_path: Path, lost: str) -> None:
    poor = replace(tables, **{lost: getattr(tables, lost).iloc[:0]})
    said = text_of(explain(poor, find(tables, "7"), tmp_path, FAST))
    assert "Of 5 predictors" in said
    assert ("No curve was recorded." in said) == (lost == "trajectories")
    assert (tmp_path / "architectures" / "7_cell.png").is_file() == (lost == "trajectories")


@pytest.mark.usefixtures("undrawn")
def test_one_whose_truth_is_not_known_has_ranks_of_none(tables: RunTables, tmp_path: Path) -> None:
    name = find(tables, "7")
    bare = tables.architectures.assign(truth=tables.architectures["truth"].mask(
        tables.architectures["architecture"] == name))  # fmt: skip
    seeds = tables.truth[tables.truth["architecture"] != name]
    said = text_of(explain(replace(tables, architectures=bare, truth=seeds), name, tmp_path, FAST))
    assert "It has no true accuracy." in said
    assert "nan" not in said


@pytest.mark.usefixtures("undrawn")
def test_scores_of_any_size_are_short(tables: RunTables, tmp_path: Path) -> None:
    sizes = [0.000012345, -766410.0, 12.3456, 0.0, 1234567890.0]
    scores = tables.scores.assign(
        score=tables.scores["predictor"].map(dict(zip(tables.final["predictor"], sizes, strict=True))), sd=239.6
    )
    said = text_of(explain(replace(tables, scores=scores), find(tables, "7"), tmp_path, FAST))
    assert all(f" {text} 240 " in said for text in ("1.234e−05", "−766,400", "12.35", "0", "1,235,000,000"))


@pytest.mark.slow
def test_equal_tables_give_equal_bytes(page: Path, tables: RunTables, tmp_path: Path) -> None:
    again = explain(tables, find(tables, "7"), tmp_path, FAST)
    for path in page.parent.iterdir():
        assert path.read_bytes() == (again.parent / path.name).read_bytes(), path.name


@pytest.mark.usefixtures("undrawn")
def test_every_other_measured_number_is_drawn_too(tables: RunTables, tmp_path: Path) -> None:
    more = tables.trajectories.assign(movement=np.arange(len(tables.trajectories), dtype=float))
    path = explain(replace(tables, trajectories=more), find(tables, "7"), tmp_path, FAST)
    assert (path.parent / "7_others.pdf").is_file()
    assert "Every other measured number" in text_of(path)
