"""The two-column paper: what the report writes for it, and that it holds together."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.report.config import ReportConfig
from harness.report.numbers import percent
from harness.report.paper import write_sentences, write_shown
from harness.report.run_files import read
from harness.report.text import BETA_EFF, Name, Score, Text
from harness.report.write import write
from harness.schema import Estimate

from .conftest import undraw
from .tex import faults, unknown, wanted_files

PAPER = Path(__file__).parents[2] / "reports" / "paper" / "paper.tex"


@pytest.fixture(scope="module")
def report(make: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole report of the usual run, its figures not drawn."""
    out = tmp_path_factory.mktemp("reports") / "nasbench201-digits"
    with pytest.MonkeyPatch.context() as patch:
        undraw(patch)
        write(make(), out, ReportConfig(dpi=60))
    return out


def test_a_text_becomes_a_command_named_by_its_letters(tmp_path: Path) -> None:
    write_sentences(
        {"ranking": Text(Name("lce_2"), " has τ ", Score(Estimate(0.5, 0.1, 0.9)), f" ({percent(0.95)}).")},
        {"tau_against_budget": Text(BETA_EFF)},
        tmp_path / "s",
    )
    assert (tmp_path / "s").read_text() == (
        r"\newcommand{\runRanking}{\texttt{lce\_\allowbreak{}2} has $\tau$ 0.50 [0.10,~0.90] (95~\%).}" + "\n"
        r"\newcommand{\captionTauAgainstBudget}{$\beta_\mathrm{eff}$}" + "\n"
    )


def test_two_texts_of_one_command_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="runTop"):
        write_sentences({"top_1": "a", "top_2": "b"}, {}, tmp_path / "s")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (r"\textbf{a", "open at the end"),
        (r"a}", "closed that was not opened"),
        (r"\begin{table}\end{figure}", "not open"),
        (r"\begin{table}", "not ended"),
        (r"costs 5$", "stands alone"),
        ("τ", "no glyph"),
        (r"\begin{tabular}{lr}a & b \\ c & d & e \\\end{tabular}", "row of 2 columns"),
    ],
)
def test_the_reader_sees_what_would_not_compile(text: str, fault: str) -> None:
    assert any(fault in found for found in faults(text))


def test_every_tex_file_of_a_report_is_well_formed(report: Path) -> None:
    files = sorted((report / "tables").glob("*.tex"))
    assert len(files) >= 8
    assert {file.name: faults(file.read_text()) for file in files} == {file.name: [] for file in files}


def test_the_paper_names_only_files_and_commands_that_a_report_writes(report: Path) -> None:
    paper, sentences = PAPER.read_text(), (report / "tables" / "sentences.tex").read_text()
    wanted = wanted_files(paper, report)
    assert len(wanted) >= 8 and [str(path) for path in wanted if not path.is_file()] == []
    assert unknown([paper, sentences, *(p.read_text() for p in wanted if p.suffix == ".tex")]) == set()
    assert faults(paper) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("latexmk") is None, reason="no LaTeX here")
def test_the_paper_compiles_without_a_line_that_sticks_out(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "paper"
    shutil.copytree(PAPER.parent, folder)
    write(results, tmp_path / "published" / "nasbench201-digits", ReportConfig(dpi=60))
    done = subprocess.run(["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"], cwd=folder,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    wide = re.findall(r"Overfull \\hbox \((\d+)", (folder / "paper.log").read_text(errors="replace"))
    assert [points for points in wide if int(points) > 2] == []


FEW = {"n": 20, "k": 5, "capacitance": False, "steps": (64,)}
"""A run without β_eff and with one budget: two of its figures have nothing to draw."""


@pytest.fixture(scope="module")
def bare(make: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of such a run that was asked for neither pairs nor costs."""
    out = tmp_path_factory.mktemp("reports") / "nasbench201-digits"
    with pytest.MonkeyPatch.context() as patch:
        undraw(patch)
        write(make(**FEW), out, ReportConfig(dpi=60, figures=["ranked", "tau_against_budget", "beta_eff_trajectories"]))
    return out


def test_every_caption_of_the_paper_is_given_where_its_figure_is_not(report: Path, bare: Path) -> None:
    paper, sentences = PAPER.read_text(), (bare / "tables" / "sentences.tex").read_text()
    assert not (bare / "figures" / "tau_against_budget.pdf").exists()
    assert r"\newcommand{\captionTauAgainstBudget}{Not drawn: " in sentences
    assert unknown([paper, sentences]) == set() and faults(sentences) == []
    written = set(re.findall(r"\\newcommand\{(\\caption\w+)\}", (report / "tables" / "sentences.tex").read_text()))
    provided = set(re.findall(r"\\providecommand\{(\\caption\w+)\}", paper))
    used = set(re.findall(r"\\caption\{(\\caption\w+)\}", paper))
    assert used == provided <= written and r"\IfFileExists{\report/figures/#2.pdf}" in paper


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("latexmk") is None, reason="no LaTeX here")
def test_the_paper_compiles_without_its_figures(bare: Path, tmp_path: Path) -> None:
    folder = tmp_path / "paper"
    shutil.copytree(PAPER.parent, folder)
    shutil.copytree(bare, tmp_path / "published" / bare.name, ignore=shutil.ignore_patterns("*.pdf"))
    done = subprocess.run(["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"], cwd=folder,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]


SOURCE, ENTRY = re.compile(r"\\source\{(\w+)\}\{(\w+)\}"), re.compile(r"@\w+\{(\w+),(.*?)\n\}", re.DOTALL)


def test_every_predictor_with_a_paper_is_cited_by_it() -> None:
    cited = dict(SOURCE.findall((PAPER.parent / "sources.tex").read_text()))
    entries = dict(ENTRY.findall((PAPER.parent / "references.bib").read_text()))
    known = {path.stem for path in (PAPER.parents[2] / "conf" / "predictor").glob("*.yaml")}
    assert set(cited) <= known and set(cited.values()) == set(entries)
    rows = (PAPER.parents[2] / "docs" / "predictors.md").read_text(encoding="utf-8").splitlines()
    for name in known:
        row = next((line for line in rows if line.startswith(f"| `{name}` |")), "")
        papers = re.findall(r"arXiv (\d{4}\.\d{5})", row)
        assert not papers or name in cited, f"{name} is from arXiv {papers} and has no source in sources.tex"
        stated = re.findall(r"arXiv (\d{4}\.\d{5})", entries.get(cited.get(name, ""), ""))
        assert not papers or not stated or stated[0] in papers, f"{name}: {stated} is not {papers}"


def test_the_report_lists_the_predictors_of_the_papers_table(report: Path, results: Path) -> None:
    lines = (report / "tables" / "shown.tex").read_text().splitlines()
    names = read(results).short_list
    assert [re.match(r"\\predictor\{(\w*)\}", line)[1] for line in lines] == names


def test_a_name_with_other_letters_has_no_source(tmp_path: Path) -> None:
    write_shown(["a_b", r"}\input{/etc/passwd}"], tmp_path / "shown.tex")
    first, second = (tmp_path / "shown.tex").read_text().splitlines()
    assert first == r"\predictor{a_b}{\texttt{a\_\allowbreak{}b}}"
    assert second.startswith(r"\predictor{}{\texttt{\}") and r"\input" not in second and faults(second) == []
