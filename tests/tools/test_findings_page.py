"""The page of findings holds what the committed tables hold, and says of their order what they say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from tools.findings_page import page, wrapped
from tools.findings_tables import HARD, PUBLISHED, ROWS, above, estimate, row, table

PAGE = Path(__file__).parents[2] / "docs" / "findings.md"


def test_the_page_in_docs_is_made_from_the_committed_tables() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tools.findings_page > docs/findings.md"


def test_another_published_run_changes_the_page(tmp_path: Path) -> None:
    for path in PUBLISHED.glob("*.parquet"):
        shutil.copy(path, tmp_path)
    metrics = pd.read_parquet(tmp_path / "metrics.parquet")
    metrics.loc[metrics["predictor"] == "live_flops", "tau"] = 0.1234
    metrics.to_parquet(tmp_path / "metrics.parquet")
    before, after = ({line.split("|")[1]: line for line in table(run).splitlines()} for run in (PUBLISHED, tmp_path))
    assert after[" live FLOPs "].startswith("| live FLOPs | .12<br>[")
    assert [name for name in before if before[name] != after[name]] == [" live FLOPs "]
    assert "than their .12 [" in page(published=tmp_path)


def test_a_look_up_that_not_exactly_one_row_answers_is_an_error() -> None:
    with pytest.raises(KeyError, match="0 rows"):
        row(PUBLISHED, "metrics", predictor="none of them")
    with pytest.raises(KeyError, match="halves: 2 rows"):
        row(PUBLISHED, "halves", labels=100, predictor="boosting")


def test_an_estimate_is_that_of_the_last_step_and_a_difference_has_its_sign() -> None:
    metrics = pd.read_parquet(PUBLISHED / "metrics.parquet").query("predictor == 'movement'")
    last = metrics.loc[metrics["step"].idxmax()]
    found = estimate(PUBLISHED, "metrics", predictor="movement").replace(HARD, " ")
    numbers = [float(part.strip("[]").replace("−", "-")) for part in found.replace(",", "").split()]
    assert numbers == pytest.approx(last[["tau", "tau_low", "tau_high"]].tolist(), abs=0.0051)
    asked = {"half": "B", "labels": 100, "predictor": "boosting with proxies"}
    assert estimate(PUBLISHED, "halves", "delta_tau", signed=True, **asked).startswith("+.0")


def test_counted_intervals_are_those_above_zero_from_so_many_labels_on() -> None:
    made = pd.read_csv(PAGE.parent / "findings" / "early_training.csv")
    joined = [r for r in made.itertuples() if r.labels >= 50 and str(r.predictor).count(" + ") == 2]
    assert above(PUBLISHED, "early_training", 50) == f"{sum(r.delta_tau_low > 0 for r in joined)} of {len(joined)}"


def test_paragraphs_points_and_quotations_are_broken_and_nothing_else_is() -> None:
    long = "word " * 60
    text = (
        f"# {long}\n\n{long}\n\n- {long}\n- .5{HARD}[.4,{HARD}.6]\n\n> {long}\n> {long}\n\n| {long} |\n\n    {long}\n"
    )
    lines = wrapped(text).splitlines()
    assert lines[0] == f"# {long}" and f"| {long} |" in lines and f"    {long}" in lines
    assert all(len(line) <= 160 for line in lines if not line.startswith(("# ", "| ", "    ")))
    assert [line[:4] for line in lines if line.startswith(("- ", "  w", "> "))] == [
        "- wo", "  wo", "- .5", "> wo", "> wo", "> wo", "> wo"
    ]  # fmt: skip
    assert "- .5 [.4, .6]" in lines


def test_the_page_is_short_and_its_lines_are_too() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len([word for word in text.split() if any(letter.isalnum() for letter in word)]) <= 3500
    assert [line for line in text.splitlines() if len(line) > 160 and not line.startswith(("|", "    "))] == []


def test_what_the_text_says_of_the_published_run_holds() -> None:
    metrics = pd.read_parquet(PUBLISHED / "metrics.parquet")
    last = metrics[metrics["step"] == metrics["step"].max()].set_index("predictor")
    live, unlabelled = last.loc["live_flops", "tau"], last[last["fitted_on"] == 0]
    assert unlabelled["tau"].max() == live
    assert last.loc[last["family"] == "capacitance", "tau"].max() < live
    assert last.loc["stack", "tau_low"] < last.loc["description_boosting", "tau"]


def test_every_row_of_a_predictor_has_a_number() -> None:
    assert all(any(places) for name, _, *places in ROWS if not name.startswith("*"))
