"""One sentence and one cell in every format."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.report.numbers import equal, percent
from harness.report.renderers import html, html_cell, latex, latex_escaped, markdown, markdown_cell, plain, terminal
from harness.report.text import BETA_EFF, Content, Name, Number, Points, Score, Text, joined, listed
from harness.schema import Estimate

SENTENCE = Text(
    Name("lce_2"), " (", BETA_EFF, ") has τ ", Score(Estimate(0.62, -0.05, 0.72)), f", {equal('n', 80)} & ",
    percent(0.95), ".",
)  # fmt: skip


@pytest.mark.parametrize(
    ("render", "text"),
    [
        (plain, "lce_2 (β_eff) has τ 0.62 [−0.05, 0.72], n = 80 & 95 %."),
        (terminal, "lce_2 (β_eff) has τ .62 [−.05, .72], n = 80 & 95 %."),
        (markdown, "`lce_2` (β_eff) has τ 0.62\xa0[−0.05,\xa00.72], n\xa0=\xa080 & 95\xa0%."),
        (
            html,
            "<code>lce_2</code> (β<sub>eff</sub>) has τ 0.62\xa0[−0.05,\xa00.72], n\xa0=\xa080 &amp; 95\xa0%.",
        ),
        (
            latex,
            r"\texttt{lce\_\allowbreak{}2} ($\beta_\mathrm{eff}$) has $\tau$ 0.62 [$-$0.05,~0.72], n~=~80 \& 95~\%.",
        ),
    ],
)
def test_one_sentence_is_written_in_every_format(render, text: str) -> None:
    assert str(render(SENTENCE)) == text


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (Score(Estimate(0.1, -0.05, 0.25), sign=True), "+0.10 <small>[−0.05, +0.25]</small>"),
        (Score(Estimate(0.5)), "0.50"),
        (Score(Estimate(math.nan)), "–"),
        (Number(12.0, "{:.0f}".format), "12"),
        ("<a>", "&lt;a&gt;"),
    ],
)
def test_a_cell_in_html_sets_the_interval_smaller(cell: Content, text: str) -> None:
    assert html_cell(cell) == text


def test_a_cell_in_markdown_cannot_end_its_row() -> None:
    assert markdown_cell("a|b\n*c*  [d]") == r"a\|b \*c\* \[d\]"


def test_an_estimate_in_markdown_stays_on_one_line() -> None:
    estimate = Score(Estimate(-0.05, -0.1, 0.72), sign=True)
    assert markdown_cell(estimate) == "−0.05\xa0\\[−0.10,\xa0+0.72\\]"
    assert " " not in markdown(estimate) and " " not in markdown_cell(estimate)


def test_texts_in_a_row_have_commas_and_an_and() -> None:
    assert plain(listed(["a", Text("b"), Name("c")])) == "a, b and c"
    assert plain(listed(["a"])) == "a" and not listed([])
    assert plain(joined([Text(), "a", None, Text("b")], "; ")) == "a; b"


def test_every_special_character_is_written_out_in_latex() -> None:
    assert latex_escaped(r"a_b & 5% $x$ #1 {y} ~ ^ \z") == (
        r"a\_b \& 5\% \$x\$ \#1 \{y\} \textasciitilde{} \textasciicircum{} \textbackslash{}z"
    )


@settings(deadline=None, max_examples=60)
@given(st.text())
def test_no_text_becomes_markup_in_html(text: str) -> None:
    for content in (text, Name(text), Text("a", text)):
        assert not re.search(r"<(?!/?code>)", html(content)) and not re.search(r"<", html_cell(text))


def test_points_are_one_text_and_know_their_parts() -> None:
    made = Points([Text("One is ", Name("a"), "."), Text(), Text("Two.")])
    assert plain(made) == "One is a. Two." and [plain(each) for each in made.points] == ["One is a.", "Two."]
    assert not Points([]) and Points([]).points == ()
