"""`python -m harness.data compare`: published tables from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.cli.data.command import main

MODELS = ["resnet18", "resnet34", "resnet50", "googlenet", "mnasnet1_0"]


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """a.csv in the long form with a score, b.csv wide in fractions with one more model, s.csv of scores."""
    monkeypatch.chdir(tmp_path)
    accuracy = pd.DataFrame(np.random.default_rng(0).uniform(50, 90, (5, 2)), MODELS, ["cars", "pets"])
    rows = (
        accuracy.rename_axis("model").melt(ignore_index=False, var_name="dataset", value_name="accuracy").reset_index()
    )
    rows.assign(logme=-rows["accuracy"]).to_csv("a.csv", index=False)
    (accuracy / 100).rename_axis("model").reset_index().to_csv("b.csv", index=False)
    rows.rename(columns={"accuracy": "nleep"}).to_csv("s.csv", index=False)


def test_tables_scores_and_facts_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "a.csv", "b.csv", "--scores", "s.csv", "--draws", "20", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["models"] == MODELS and found["baseline"] == "imagenet_top1"
    assert "b: one row for each model or data set, fractions, taken as percent" in found["notes"]
    assert all(row["weighted_tau"] == pytest.approx(1) for row in found["agreement"][0]["rows"])
    assert [each["truth"] for each in found["judged"]] == ["a", "b"]
    scores = {row["score"]: row for row in found["judged"][1]["rows"]}
    names = ["imagenet_top1", "params", "static_rank of a", "static_rank of b", "logme of a", "nleep of s",
             "accuracy of a", "accuracy of b"]  # fmt: skip
    assert [*scores] == names
    assert scores["nleep of s"]["weighted_tau"] == pytest.approx(1) and scores["logme of a"]["tau"] == pytest.approx(-1)
    assert scores["accuracy of a"]["tau"] == pytest.approx(1) and scores["accuracy of b"]["tau"] is None
    assert scores["nleep of s"]["difference"] == pytest.approx(1 - scores["imagenet_top1"]["weighted_tau"])
    assert scores["params"]["low"] <= scores["params"]["weighted_tau"] <= scores["params"]["high"]


def test_it_prints_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "a.csv", "b.csv", "--draws", "10"]) == 0
    out = capsys.readouterr().out
    assert "Agreement of a and b" in out and "| mean | 5 | 1.00 | 1.00 | 1.00 |" in out
    assert "| `imagenet_top1` | " in out and "nan" not in out


def test_models_that_torchvision_has_not_are_compared_without_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.read_csv("b.csv")
    frame.assign(model=[f"mine {i}" for i in range(5)]).to_csv("c.csv", index=False)
    assert main(["compare", "c.csv", "--draws", "0"]) == 0
    out = capsys.readouterr().out
    assert "no imagenet_top1 and params: torchvision has no mine 0, mine 1" in out
    assert "Δ to static_rank of c" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.csv"], "table: must be an existing .csv or .parquet file (got 'none.csv')"),
        (["a.csv", "a.csv"], "table: must be files of different names"),
        (["a.csv", "--draws", "-1"], "--draws: must be a count from 0"),
        (["a.csv", "--scores", "b.csv"], "scores: must be a table with the columns dataset"),
        (["a.csv", "c.csv"], "table: must be tables with at least 3 models and one data set in common"),
    ],
)
def test_wrong_input_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    pd.read_csv("b.csv").assign(model=[f"mine {i}" for i in range(5)]).to_csv("c.csv", index=False)
    assert main(["compare", *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
