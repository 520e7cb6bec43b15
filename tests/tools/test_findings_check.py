"""Estimates that are typed into pages of findings are those of committed tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tools.findings_check import unknown
from tools.findings_page import PAGES
from tools.findings_tables import FOLDER
from tools.readme import short

ROOT = Path(__file__).parents[2]
OF_NO_TABLE = {
    "accuracy_from_weights": [".58 [.53, .62]", ".55 [.50, .61]"],  # the normal report
    "nasbench201": [  # a gathered sweep, the ceiling of three seeds, a first study
        "−.04 [−.09, .03]", "−.09 [−.15, −.02]", "−.20 [−.26, −.13]", ".93 [.91, .95]", ".035 [.006, .065]",
    ],
    "pretrained": [".13 [−.10, .42]", ".22 [−.06, .50]", ".73 [.64, .80]"],  # partial τ, other published tables
}  # fmt: skip
"""Estimates whose tables are not committed, in the order of the page."""


@pytest.mark.parametrize("name", PAGES)
def test_every_estimate_of_a_page_is_in_a_committed_table_or_known_to_be_in_none(name: str) -> None:
    assert unknown((ROOT / PAGES[name]).read_text(encoding="utf-8")) == OF_NO_TABLE.get(name, [])


def test_tables_of_the_page_on_training_graphs_hold_what_the_committed_table_holds() -> None:
    lines = (FOLDER / "training_graphs.md").read_text(encoding="utf-8").splitlines()
    assert unknown("\n".join(line for line in lines if line.startswith("|"))) == []


def test_a_wrong_digit_of_number_or_interval_is_found_and_a_turned_difference_is_known(tmp_path: Path) -> None:
    made = pd.read_csv(FOLDER / "pretrained_differences.csv").iloc[0]
    right = [short(made[key]) for key in ("difference", "low", "high")]
    turned = [short(-made[key]) for key in ("difference", "high", "low")]
    wrong = [short(made["difference"] + 0.17), *right[1:]], [*right[:2], short(made["high"] + 0.31)]
    said = ["{} [{},\n  {}]".format(*each) for each in (right, turned, *wrong)]
    assert unknown(f"A +{said[0]} and {said[1]}.") == []
    assert unknown(f"| {said[2]} | and {said[3]}") == ["{} [{}, {}]".format(*each) for each in wrong]
    page = tmp_path / "page.md"
    page.write_text(said[2], encoding="utf-8")
    command = [sys.executable, "-m", "tools.findings_check", str(page)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and f"{page}: {wrong[0][0]} [" in done.stdout
