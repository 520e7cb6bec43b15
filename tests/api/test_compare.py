"""`harness.compare` and `python -m harness compare`: anybody's scores against accuracies, as a run is judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

import harness
from harness.__main__ import main
from harness.schema import BadInput
from harness.schema.columns import RUN_TABLES

N = 30


def tables(seeds: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of three predictors of 30 architectures, one of them reversed, and accuracies of several seeds."""
    draw = np.random.default_rng(0)
    truth, names = draw.normal(size=N), [f"net {i}" for i in range(N)]
    scores = pd.DataFrame(
        {
            "architecture": names,
            "good": truth + draw.normal(0, 0.3, N),
            "loss": -truth + draw.normal(0, 0.8, N),
            "chance": draw.normal(size=N),
        }
    )
    rows = [(name, seed, 80 + 3 * z + draw.normal()) for name, z in zip(names, truth, strict=True)
            for seed in range(seeds)]  # fmt: skip
    return scores, pd.DataFrame(rows, columns=["architecture", "seed", "accuracy"])


def test_tau_is_that_of_scipy_against_the_mean_of_the_seeds() -> None:
    scores, accuracies = tables()
    found = harness.compare(scores, accuracies, lower_is_better=["loss"]).taus.set_index("predictor")
    mean = accuracies.groupby("architecture")["accuracy"].mean().loc[scores["architecture"]].to_numpy()
    for name, sign in (("good", 1), ("loss", -1), ("chance", 1)):
        assert found.loc[name, "tau"] == pytest.approx(kendalltau(sign * scores[name], mean).statistic)
        assert found.loc[name, "tau_low"] < found.loc[name, "tau"] < found.loc[name, "tau_high"]
    assert [*found.index] == ["good", "loss", "chance"]


def test_every_table_of_a_run_is_there_and_the_judgement_is_that_of_a_run() -> None:
    from harness.evaluate.judge import judge
    from harness.evaluate.settings import Evaluation
    from harness.schema import Truth

    scores, accuracies = tables()
    found = harness.compare(scores, accuracies)
    assert all(getattr(found, name) is not None for name in RUN_TABLES)
    long = scores.melt("architecture", var_name="predictor", value_name="score").assign(step=0)
    truth = Truth(accuracies.pivot(index="architecture", columns="seed", values="accuracy"), "", "", 0, "")
    wanted = judge(long, truth, dict.fromkeys(["good", "loss", "chance"], "x"), Evaluation(studied=[]))
    for name in ("differences", "ceiling", "selection", "pairs"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(wanted, name), check_dtype=False)


def test_only_several_seeds_give_a_ceiling_and_their_column_may_be_named() -> None:
    scores, accuracies = tables()
    one = harness.compare(scores, accuracies[accuracies["seed"] == 0].drop(columns="seed")).ceiling
    assert one["tau"].isna().all() and set(one["note"]) == {"the truth has one seed"}
    other = accuracies.rename(columns={"seed": "repetition"})
    assert harness.compare(scores, other, seeds="repetition").ceiling["tau"].notna().any()


def test_fractions_and_percent_give_the_same_and_it_is_said_which_was_read() -> None:
    scores, accuracies = tables()
    fractions = accuracies.assign(accuracy=accuracies["accuracy"] / 100)
    percent, small = harness.compare(scores, accuracies), harness.compare(scores, fractions)
    np.testing.assert_allclose(percent.selection["regret"], small.selection["regret"], atol=1e-9)
    assert percent.notes == ["accuracies: percent"]
    assert small.notes == ["accuracies: fractions, taken as percent"]


def test_architectures_of_one_table_alone_are_left_out_and_counted() -> None:
    scores, accuracies = tables()
    found = harness.compare(scores.iloc[4:], accuracies[accuracies["architecture"] != "net 29"])
    assert len(found.architectures) == N - 5
    assert found.notes[1:] == [
        "left out: 1 architectures without an accuracy",
        "left out: 4 architectures without scores",
    ]


def test_a_score_that_is_missing_or_infinite_is_counted_and_never_ranked() -> None:
    scores, accuracies = tables()
    scores.loc[[0, 1], "good"] = [np.nan, np.inf]
    found = harness.compare(scores, accuracies)
    good = found.taus.set_index("predictor").loc["good"]
    assert (good["n"], good["failed"]) == (N - 2, 2)
    assert [*found.failures["architecture"]] == ["net 0", "net 1"]


@pytest.mark.slow
def test_two_files_give_a_page_by_the_command_which_is_drawn_again_from_its_tables(
    tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    scores, accuracies = tables()
    scores.to_csv("mine.csv", index=False)
    accuracies.to_parquet("truth.parquet")
    assert main(["compare", "mine.csv", "truth.parquet", "--lower", "loss"]) == 0
    out = capsys.readouterr().out
    assert "Kendall τ from the given scores" in out and "Noise ceiling: test–retest" in out
    assert "Which to use" not in out
    page = Path("reports/compared/mine-truth/index.html")
    assert f"report {page}\n" in out and "mine · truth" in page.with_name("report.md").read_text()
    assert "mine-truth" in Path("reports/index.html").read_text()
    told = page.with_name("report.md").read_text().split("## How it was run")[0]
    for foreign in ("budget", " step", "seconds", "untrained", "updates"):  # of trainings, of which there is none
        assert foreign not in told, foreign
    stored = harness.read(page.parent / "results")
    pd.testing.assert_frame_equal(stored.taus, harness.compare("mine.csv", "truth.parquet", None, ["loss"]).taus)
    stored.page("again")
    for name in ("index.html", "report.md", "tables/metrics.csv"):
        assert (Path("again") / name).read_bytes() == (page.parent / name).read_bytes()


def test_the_function_writes_the_page_and_its_tables_where_it_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("harness.report.config.OF_GIVEN", ())  # figures take seconds
    written = harness.compare(*tables(), out=tmp_path / "page", families={"good": "mine"})
    assert (tmp_path / "page/index.html").is_file() and written.folder == tmp_path / "page/results"
    assert set(harness.read(tmp_path / "page/results").taus["family"]) == {"mine", "given"}
    with pytest.raises(BadInput, match=r"^out: must be a folder for the page"):
        harness.compare(*tables()).page()


SCORES = "architecture,a\nx,1\ny,2\n"
ACCURACIES = "architecture,accuracy\nx,90\ny,91\n"


@pytest.mark.parametrize(
    ("scores", "accuracies", "line"),
    [
        (None, ACCURACIES, "scores: must be an existing file (got 's.csv')"),
        ("name,a\nx,1\n", ACCURACIES, "scores: must be a column of s.csv (name, a) (got 'architecture')"),
        ("architecture\nx\n", ACCURACIES, "scores: must be a table with architecture and a column for each predictor"),
        ("architecture,a\nx,1\nx,2\n", ACCURACIES, "scores: must be a table with one row per architecture (got 'anoth"),
        ("architecture,a\nx,1\ny,good\n", ACCURACIES, "scores: must be a table with numbers as a (got \"'good' in"),
        ("architecture,a\n,1\ny,2\n", ACCURACIES, "scores: must be a table with an architecture in every row (got"),
        ("architecture,a\n", ACCURACIES, "scores: must be a table with rows (got 's.csv')"),
        ("architecture,a\nx,1,2\n", ACCURACIES, "scores: must be a table with 2 fields in every row (got 3 fields"),
        (SCORES, "architecture,acc\nx,1\n", "accuracies: must be a column of a.csv (architecture, acc) (got 'acc"),
        (SCORES, "architecture,accuracy\nx,1\nx,2\n", "accuracies: must be a table with one row per architecture (or"),
        (SCORES, "architecture,accuracy\nx,inf\n", "accuracies: must be a table with finite numbers as accuracy (got"),
        (SCORES, "architecture,accuracy\nx,\ny,\n", "accuracies: must be a table with a number as accuracy in some"),
        (SCORES, "architecture,accuracy\nx,90\nz,9\n", "scores, accuracies: must be at least 2 architectures that"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_one_line_and_exit_code_2(
    scores, accuracies: str, line: str, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("s.csv", scores), ("a.csv", accuracies)):
        if text is not None:
            Path(name).write_text(text)
    assert main(["compare", "s.csv", "a.csv"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"error: {line}") and err.count("\n") == 1, err
    assert not Path("reports").exists()


def test_names_that_are_not_there_are_refused() -> None:
    scores, accuracies = tables()
    for change, line in (
        ({"lower_is_better": ["nope"]}, "lower_is_better: must be names of predictors (good, loss, chance) "),
        ({"seeds": "nope"}, "accuracies: must be a column of the table (architecture, seed, accuracy) (got 'nope')"),
        ({"families": {"nope": "x"}}, "families: must be given by predictor "),
    ):
        with pytest.raises(BadInput) as refused:
            harness.compare(scores, accuracies, **change)
        assert str(refused.value).startswith(line)
