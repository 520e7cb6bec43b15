"""The README's figures are those of the run that stands under results/."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from harness.report.run_files import read
from harness.report.tables.needs import by_needs
from tools.readme import MARKS, _head, estimate, section

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "results" / "published" / "nasbench201-digits"


def test_the_ranked_section_is_that_of_the_published_run() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.partition(MARKS[0])[2].partition(MARKS[1])[0] == section(PUBLISHED)


def test_the_section_shows_the_best_of_every_family_and_the_papers_reading_in_order() -> None:
    metrics = pd.read_parquet(PUBLISHED / "metrics.parquet")
    last = metrics[metrics["step"] == metrics["step"].max()].sort_values("tau", ascending=False).set_index("predictor")
    ranked = section(PUBLISHED).partition("## What comes out")[2]
    rows = [line.split("|")[1:-1] for line in ranked.splitlines() if line.startswith("| `")]
    shown = [row[0].strip(" `") for row in rows]
    assert set(shown) == {*last.groupby("family").head(1).index, "beta_eff"}
    for name, row in zip(shown, rows, strict=True):
        tau, low, high = (float(part.strip("[] ").replace("−", "-")) for part in row[2].replace(",", "").split())
        assert [tau, low, high] == pytest.approx(last.loc[name, ["tau", "tau_low", "tau_high"]].tolist(), abs=0.0051)
    assert shown == sorted(shown, key=lambda name: -last.loc[name, "tau"])


def test_the_ceilings_say_how_many_trainings_each_of_them_takes(tmp_path: Path) -> None:
    status = {"truth": {"epochs": 12}, "architectures": 80, "evaluation": {"level": 0.95}}
    (tmp_path / "status.json").write_text(json.dumps(status), encoding="utf-8")
    rows = [("all", "retraining", 0.72, 0.66, 0.77, 0.59, 4), ("all", "oracle", 0.8, 0.75, 0.84, None, 4)]
    columns = ["subset", "kind", "tau", "low", "high", "tau_one", "seeds"]
    pd.DataFrame(rows, columns=columns).to_parquet(tmp_path / "ceiling.parquet")
    text = " ".join(_head(tmp_path, pd.DataFrame({"step": [50], "epoch": [3.0]})).split())
    assert text.endswith(
        "Noise ceiling: test–retest (4 seeds each) .72 [.66, .77], a single further training .59, "
        "oracle (expected accuracy) .80 [.75, .84]."
    )


def test_the_choice_comes_first_and_docs_choose_has_the_same_rows() -> None:
    found = by_needs(read(PUBLISHED)).numbers.to_dict("records")
    table = section(PUBLISHED).partition("## What comes out")[0]
    digits = (ROOT / "docs" / "choose.md").read_text(encoding="utf-8").partition("embedded digits")[2]
    for row in found:
        tau = estimate(row, "tau", "tau_low", "tau_high")
        cells = [row["training"], str(row["labels"] or "none"), f"`{row['predictor']}`", tau]
        assert sum(line.startswith(f"| {' | '.join(cells)} |") for line in table.splitlines()) == 1
        assert sum(line.startswith(f"| {' | '.join(cells)} |") for line in digits.splitlines()) == 1


def test_the_readme_is_short() -> None:
    words = (ROOT / "README.md").read_text(encoding="utf-8").split()
    assert sum(any(letter.isalpha() for letter in word) for word in words) <= 600
