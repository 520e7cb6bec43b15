"""The report on two runs."""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from rich.console import Console

from harness.report.config import ReportConfig
from harness.report.figures import tau_of_two_runs
from harness.report.renderers import plain
from harness.report.two_runs import sentences
from harness.report.two_runs.run_pair import RunPair, read_pair
from harness.report.two_runs.screen import print_pair
from harness.report.two_runs.write import write
from harness.schema import BadInput
from harness.storage.files import write_sums

from .hostile import check_html

EARLY = (0, 8, 16)

Folders = tuple[Path, Path]


def copied(source: Path, place: Path, config: dict[str, object], **status: object) -> Path:
    """A run's folder with another configuration and other entries of its status."""
    shutil.copytree(source, place)
    (place / "config.yaml").write_text(yaml.safe_dump(config))
    stored = json.loads((place / "status.json").read_text())
    (place / "status.json").write_text(json.dumps(stored | status))
    write_sums(place)
    return place


def renamed(source: Path, place: Path, column: str, names: tuple[str, ...]) -> Path:
    """A run's folder in whose tables `names` every text of the column stands behind "other"."""
    shutil.copytree(source, place)
    for path in (place / f"{name}.parquet" for name in names):
        table = pq.read_table(path)
        other = pa.array([f"other {text}" for text in table[column].to_pylist()], table.schema.field(column).type)
        pq.write_table(table.set_column(table.schema.get_field_index(column), column, other), path)
    (place / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    write_sums(place)
    return place


CONFIG = {"seed": 0, "train": {"epochs": 2, "batch": 128}, "results": "here", "data": None,
          "predictor": {"stack": {"_target_": "a.B", "folds": 5}}}  # fmt: skip


@pytest.fixture(scope="module")
def folders(make: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """Two runs over the same architectures and truth, of which the second was trained for less."""
    place = tmp_path_factory.mktemp("two")
    other = {**CONFIG, "results": "there", "train": {"epochs": 1, "batch": 128}, "predictor": {}}
    return (
        copied(make(n=40, k=8), place / "long", CONFIG),
        copied(make(n=40, k=8, steps=EARLY), place / "short", other),
    )


@pytest.fixture(scope="module")
def pair(folders: Folders) -> RunPair:
    return read_pair(folders)


def text_of(both: RunPair, width: int = 80) -> str:
    out = StringIO()
    print_pair(both, Console(file=out, width=width))
    return out.getvalue()


def test_the_settings_that_differ_are_listed_without_those_that_change_no_number(pair: RunPair) -> None:
    rows = pair.settings
    assert rows.to_numpy().tolist() == [
        ["predictor.stack", "takes part", "left out"],
        ["train.epochs", "2", "1"],
    ]


def test_what_the_runs_state_is_listed_where_it_differs(make: Callable[..., Path], tmp_path: Path) -> None:
    first = copied(make(n=40, k=8), tmp_path / "a", CONFIG, kernels="torch")
    second = copied(make(n=40, k=8), tmp_path / "b", CONFIG, kernels="native", made_with=[{"torch": "2.13"}])
    rows = read_pair((first, second)).settings
    assert rows.to_numpy().tolist() == [["kernels", "torch", "native"], ["traces made with", "", "torch 2.13"]]


def test_the_page_names_the_runs_the_pairing_the_answer_and_shows_the_figures_side_by_side(
    pair: RunPair, tmp_path: Path, undrawn: None
) -> None:
    page = write(pair, tmp_path / "out", ReportConfig(figures=["ranked", "pairs_by_gap"]))
    html, markdown = page.read_text(), (page.parent / "report.md").read_text()
    check_html(html, own_script=True)
    for text in (html, markdown):
        assert "long" in text and "short" in text and "train.epochs" in text
        assert "the same 40 architectures" in text and "What differs in the settings" in text
    assert html.count("<img ") == 1 + 2 * 2 and markdown.count("<img ") == 1 + 2 * 2
    sources = re.findall(r'<img src="([^"]+)"', markdown)
    assert len(set(sources)) == 5 and all((page.parent / source).is_file() for source in sources)
    table = (page.parent / "tables" / "differences.csv").read_text().splitlines()
    assert len(table) == 1 + 8 and table[0].startswith("predictor,family,first,")


@pytest.mark.slow
def test_equal_tables_give_equal_bytes(folders: Folders, tmp_path: Path, undrawn: None) -> None:
    made = [write(read_pair(folders), tmp_path / name, ReportConfig(figures=["ranked"])) for name in ("a", "b")]
    files = [{p.relative_to(page.parent): p.read_bytes() for p in page.parent.rglob("*.*")} for page in made]
    assert files[0] == files[1]


def test_the_list_of_pages_knows_the_comparison(pair: RunPair, tmp_path: Path, undrawn: None) -> None:
    page = write(pair, tmp_path / "out", ReportConfig(figures=[]))
    entry = json.loads((page.parent / "index.json").read_text())
    assert entry["kind"] == "two runs" and entry["n"] == 40 and "train.epochs" in entry["question"]


def test_the_terminal_ends_on_what_changes_in_80_columns(pair: RunPair) -> None:
    text = text_of(pair)
    assert max(map(len, text.splitlines())) <= 80
    assert "paired, 95 % intervals" in text and "Of 8 predictors with a τ in both runs " in text
    assert text.index("Δτ, B − A") < text.index("Paired: every τ")
    assert "p (Holm)" in text_of(pair, 140)


def test_predictors_that_one_run_alone_has_are_named(make: Callable[..., Path], tmp_path: Path) -> None:
    few, many = copied(make(n=40, k=5), tmp_path / "few", CONFIG), copied(make(n=40, k=8), tmp_path / "many", CONFIG)
    both = read_pair((few, many))
    assert both.only_in(0) == [] and len(both.only_in(1)) == 3 and len(both.differences) == 5
    last = plain(sentences.answer(both)[-1])
    assert last.startswith("Only in B: ") and all(name in last for name in both.only_in(1))


def test_an_answer_counts_what_the_tests_show(pair: RunPair) -> None:
    both = copy.deepcopy(pair)
    shown = both.differences["p_holm"] <= 0.05
    better, worse = (shown & (both.differences["difference"] * way > 0) for way in (1, -1))
    said = plain(sentences.answer(both)[0])
    if shown.any():
        assert f" {better.sum()} rank" in said and f" and {worse.sum()} in A" in said
    both.differences["p_holm"] = 0.9
    assert "none ranks significantly differently" in plain(sentences.answer(both)[0])
    both.differences["p_holm"] = 0.01
    both.differences["difference"] = 0.1
    assert "8 rank significantly better in B and 0 in A (Holm-adjusted p at most 0.05)" in plain(
        sentences.answer(both)[0]
    )


def test_runs_on_other_architectures_are_compared_unpaired_and_it_is_said(
    make: Callable[..., Path], tmp_path: Path
) -> None:
    first = copied(make(n=40, k=8), tmp_path / "a", CONFIG)
    names = ("architectures", "scores", "truth", "trajectories", "edges", "failures")
    second = renamed(make(n=40, k=8), tmp_path / "b", "architecture", names)
    both = read_pair((first, second))
    assert not both.pairing.is_paired and not both.is_tested
    text = plain(sentences.pairing(both))
    assert text.startswith("Unpaired: the runs share no architecture.") and "no test is made" in text
    assert "unpaired, 95 % intervals" in text_of(both) and "uncorrected" in text_of(both)
    assert "own architectures" in tau_of_two_runs.caption(both, ReportConfig())


def test_another_ground_truth_is_said(make: Callable[..., Path], tmp_path: Path) -> None:
    first = copied(make(n=40, k=8), tmp_path / "a", CONFIG)
    second = copied(make(n=40, k=8, seed=5), tmp_path / "b", CONFIG)
    both = read_pair((first, second))
    assert both.pairing.is_paired and not both.is_tested
    assert "The ground truths differ" in plain(sentences.pairing(both))


def test_one_run_twice_and_runs_without_a_common_predictor_are_refused(
    make: Callable[..., Path], folders: Folders, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="results: must be the folders of two different runs"):
        read_pair((folders[0], folders[0]))
    names = ("scores", "metrics", "differences", "selection", "pairs", "time_to_tau", "ablations", "failures")
    other = renamed(make(n=40, k=8), tmp_path / "other", "predictor", names)
    with pytest.raises(BadInput, match="two runs with a predictor in common"):
        read_pair((folders[0], other))
