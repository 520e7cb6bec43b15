"""LaTeX tables."""

from __future__ import annotations

import re

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.report.latex import escaped, latex


def test_every_special_character_is_written_out() -> None:
    assert escaped(r"a_b & 5% $x$ #1 {y} ~ ^ \z") == (
        r"a\_b \& 5\% \$x\$ \#1 \{y\} \textasciitilde{} \textasciicircum{} \textbackslash{}z"
    )


@settings(deadline=None, max_examples=40)
@given(st.text(alphabet="ab_&%$#{}\\~^<>|τβ−–\n"))
def test_no_cell_can_end_its_cell_or_its_row(text: str) -> None:
    table = latex(pd.DataFrame({"predictor": [text], "τ": ["0.5"]}))
    body = table.split(r"\midrule")[1].split(r"\bottomrule")[0]
    assert len(re.findall(r"(?<!\\)&", body)) == 1
    assert body.count(r"\\") == 1
    assert not re.search(r"(?<!\\)[%#_]", body)


def test_a_table_has_booktabs_rules_and_a_column_form() -> None:
    table = latex(pd.DataFrame({"predictor": ["a"], "family": ["b"], "n": [3]}), left=2)
    assert table.startswith("\\begin{tabular}{llr}\n\\toprule\n")
    assert table.rstrip().endswith("\\bottomrule\n\\end{tabular}")
