"""The page of predictors is that of the code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness.catalogue import meaning, page, summary
from harness.compose import conf_folder

PAGE = Path(__file__).parent.parent / "docs" / "predictors.md"


def test_the_page_in_docs_is_the_one_that_the_docstrings_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m harness.catalogue > docs/predictors.md"


def test_every_predictor_and_every_measure_has_one_row_of_its_table() -> None:
    text = page()
    for group in ("predictor", "measure"):
        for path in (conf_folder() / group).glob("*.yaml"):
            rows = [line for line in text.splitlines() if line.startswith(f"| `{path.stem}` |")]
            assert any(len(re.findall(r"(?<!\\)\|", row)) == (6 if group == "predictor" else 5) for row in rows), path


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
