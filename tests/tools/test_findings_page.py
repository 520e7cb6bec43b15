"""The page of findings holds what the committed tables hold, and says of their order what they say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from tools.findings_looks import ROWS, above, ended, lead, needed, table, transferred
from tools.findings_page import PAGES, page, wrapped
from tools.findings_tables import FOLDER, HARD, PUBLISHED, cell, counted, estimate, opposite, row, span
from tools.readme import short

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "findings.md"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_in_docs_is_made_from_the_committed_tables(name: str) -> None:
    made = (ROOT / PAGES[name]).read_text(encoding="utf-8")
    assert made == page(name), f"python -m tools.findings_page {name} > {PAGES[name]}"


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


def test_a_cell_is_a_dash_where_there_is_nothing_and_several_rows_are_still_an_error() -> None:
    asked = {"run": "He, two layers, seed 0", "epoch": 5}
    assert cell(PUBLISHED, "neural_capacitance", **asked, predictor="beta_eff_softmax") == "–"
    assert cell(PUBLISHED, "neural_capacitance", "tau_given_train_loss", **asked, predictor="train_loss") == "–"
    assert cell(PUBLISHED, "halves", half="B", labels=100, predictor="boosting").startswith(f".80{HARD}[")
    with pytest.raises(KeyError, match="rows have"):
        cell(PUBLISHED, "neural_capacitance", epoch=5, predictor="beta_eff")


def test_rows_are_counted_and_spanned_as_asked_and_a_name_that_no_row_has_is_an_error() -> None:
    made = pd.read_csv(FOLDER / "neural_capacitance.csv").query("epoch == 5")
    some = made[made["predictor"].isin(["beta_eff", "live_flops"])]
    asked = {"epoch": 5, "predictor": ["beta_eff", "live_flops"]}
    assert counted(PUBLISHED, "neural_capacitance", **asked) == str(len(some))
    assert counted(PUBLISHED, "neural_capacitance", side="below", **asked) == str((some["tau_high"] < 0).sum())
    assert counted(PUBLISHED, "neural_capacitance", side="above", **asked) == str((some["tau_low"] > 0).sum())
    least, largest = (short(some["tau"].agg(way)) for way in ("min", "max"))
    assert span(PUBLISHED, "neural_capacitance", **asked) == f"{least} to {largest}"
    with pytest.raises(KeyError, match="no row has"):
        span(PUBLISHED, "neural_capacitance", epoch=5, predictor=["beta_eff", "beta"])


def test_how_far_behind_is_the_difference_turned_round() -> None:
    asked = {"experiment": "watched", "predictor": "beta_eff", "against": "static_rank"}
    behind, found = (look(PUBLISHED, "pretrained_differences", "difference", **asked) for look in (opposite, estimate))
    number, low, high = (part.strip("[],") for part in found.split(HARD))
    turned = [part.replace("\N{MINUS SIGN}", "") for part in (number, high, low)]
    assert behind == f"{turned[0]}{HARD}[{turned[1]},{HARD}{turned[2]}]"


def test_networks_of_the_sweep_are_told_by_their_last_loss() -> None:
    made = pd.read_csv(FOLDER / "neural_capacitance_courses.csv")
    one = made[made["run"] == "scale 1, rate 0.1, seed 1"].groupby("architecture")
    shares = [c["beta_eff"].abs().iloc[-1] / c["beta_eff"].abs().max() for _, c in one]
    number, span_, held = ended(PUBLISHED, "below", 0.1)
    assert number == 13 and held == 0 and span_.startswith(f"{100 * min(shares):.0f} to ")
    assert ended(PUBLISHED, "above", 0.4)[0] == 30 and ended(PUBLISHED, "above", 0.4)[2] == 29


def test_leads_transfers_and_needs_are_those_of_the_tables() -> None:
    made = pd.read_csv(FOLDER / "accuracy_from_weights_transfer.csv").query(
        "epoch == 2 and input == 'hyper-parameters'"
    )
    home = made["learned_on"] == made["applied_to"]
    for at_home in (True, False):
        least, largest = (short(made.loc[home == at_home, "tau"].agg(way)) for way in ("min", "max"))
        assert transferred(PUBLISHED, "hyper-parameters", 2, at_home) == f"{least} to {largest}"
    boosted = pd.read_csv(FOLDER / "accuracy_from_weights.csv").query("model == 'boosting' and dataset == 'gtsrb43'")
    by = boosted.set_index("input")["r2"]
    assert lead(PUBLISHED, "gtsrb43") == short(by["statistics per layer"] - by["hyper-parameters"])
    assert needed(PUBLISHED, "gtsrb43") == "50,000 to 120,000"


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


def test_the_paper_is_short_and_the_lines_of_every_page_are() -> None:
    words = PAGE.read_text(encoding="utf-8").split()
    assert len([word for word in words if any(letter.isalnum() for letter in word)]) <= 3500
    for path in PAGES.values():
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if len(line) > 160 and not line.startswith(("|", "    "))] == []


def test_what_the_text_says_of_the_published_run_holds() -> None:
    metrics = pd.read_parquet(PUBLISHED / "metrics.parquet")
    last = metrics[metrics["step"] == metrics["step"].max()].set_index("predictor")
    live, unlabelled = last.loc["live_flops", "tau"], last[last["fitted_on"] == 0]
    assert unlabelled["tau"].max() == live
    assert last.loc[last["family"] == "capacitance", "tau"].max() < live
    assert last.loc["stack", "tau_low"] < last.loc["description_boosting", "tau"]


def test_every_row_of_a_predictor_has_a_number() -> None:
    assert all(any(places) for name, _, *places in ROWS if not name.startswith("*"))
