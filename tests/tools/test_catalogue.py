"""The page of predictors is that of the code."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.config.components import conf_folder
from tools.catalogue import glossary, meaning, page, summary

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "predictors.md"
PUBLISHED = ROOT / "results" / "published" / "nasbench201-digits"


def test_the_page_in_docs_is_the_one_that_the_docstrings_make() -> None:
    command = f"python -m tools.catalogue {PUBLISHED.relative_to(ROOT)} > docs/predictors.md"
    assert PAGE.read_text(encoding="utf-8") == page(PUBLISHED), command


def test_the_glossary_of_the_report_is_the_one_that_the_docstrings_make() -> None:
    stored = (ROOT / "harness" / "report" / "explore" / "glossary.json").read_text(encoding="utf-8")
    assert stored == glossary(), "python -m tools.catalogue glossary > harness/report/explore/glossary.json"
    known = json.loads(stored)
    assert set(known) == {path.stem for path in (conf_folder() / "predictor").glob("*.yaml")}
    assert known["synflow"]["source"] == "https://arxiv.org/abs/2006.05467"
    assert known["leep_trained"]["source"] == "https://arxiv.org/abs/2002.12462"
    assert known["flops"]["source"] == ""


def test_every_predictor_and_every_measure_has_one_row_of_its_table(tmp_path) -> None:
    columns = {
        "predictor": ["flops"],
        "step": [8],
        "seconds": [0.5],
        "tau": [0.5],
        "tau_low": [-0.25],
        "tau_high": [0.75],
    }
    pd.DataFrame(columns).to_parquet(tmp_path / "metrics.parquet")
    text = page(tmp_path)
    assert re.search(r"^\| `flops` .* \| \.50<br>\[−\.25, \.75\]<br>0\.50 s \|$", text, flags=re.MULTILINE)
    for group in ("predictor", "measure"):
        for path in (conf_folder() / group).glob("*.yaml"):
            rows = [line for line in text.splitlines() if line.startswith(f"| `{path.stem}` |")]
            assert any(len(re.findall(r"(?<!\\)\|", row)) == (7 if group == "predictor" else 5) for row in rows), path


@dataclass(frozen=True)
class Example:
    """First sentence after Smith et al. 2020, with a bar | in it (source). The second one.

    one = sum |a|,    two = the other thing
    """


def test_a_row_says_the_first_sentence_and_the_formula_of_its_column() -> None:
    assert summary(Example()) == "First sentence after Smith et al. 2020, with a bar \\| in it (source)"
    assert meaning(Example(), "one").startswith("`sum \\|a\\|`; First")
    assert meaning(Example(), "two").startswith("`the other thing`; First")
    assert meaning(Example(), "three") == summary(Example())
