"""`python -m harness.data convert` and `query`: what is handed on, and what comes back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

import harness
from harness.cli.data import command as door
from harness.cli.data.command import main

TABLE = Path(harness.__file__).parent / "benches" / "nasbench201" / "digits.parquet"
REAL = os.environ.get("HARNESS_DATA", "/nonexistent")


def test_a_figure_of_the_embedded_table_is_answered_with_where_it_comes_from(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rows = pd.read_parquet(TABLE)
    row = rows.iloc[len(rows) // 2]
    asked = ["query", "nasbench201", "--dataset", "digits", "--split", "valid", "--architecture", row["architecture"]]
    asked += ["--seed", str(row["seed"]), "--epoch", str(row["epoch"] - 1), "--data", str(tmp_path)]
    assert main([*asked, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["percent"] == pytest.approx(float(row["valid_accuracy"]))
    assert (answer["unit"], answer["seeds"], answer["epoch"]) == ("percent", [row["seed"]], row["epoch"] - 1)
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "percent" in said and f"seed {row['seed']}" in said and TABLE.name in said


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["query", "nasbench201", "--dataset", "digits", "--split", "test", "--architecture", "nope"], "architecture"),
        (["query", "nope", "--dataset", "digits", "--split", "test", "--architecture", "1"], "bench"),
        (["query", "nasbench201", "--dataset", "digits", "--split", "test"], "--architecture"),
        (["query", "nasbench201", "--dataset", "digits", "--split", "test", "--epoch", "x"], "--epoch"),
        (["convert", "nats-tss"], "NATS-tss-v1_0-3ffb9-simple"),
        (["convert", "nats-sss", "--folder", "FOLDER"], "NATS-sss-v1_0-50262-simple"),
        (["convert", "nats-xss"], "nats-tss"),
        (["convert", "nats-tss", "--folder", "/nonexistent"], "error: --folder: must be a NATS-Bench folder"),
        (
            [
                "query",
                "nasbench201",
                "--dataset",
                "x",
                "--split",
                "test",
                "--architecture",
                "1",
                "--source",
                "/no.parquet",
            ],
            "error: --source: must be an existing table",
        ),
    ],
)
def test_what_cannot_be_answered_or_converted_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    named: str,
) -> None:
    monkeypatch.delenv("TORCH_HOME", raising=False)
    given = [str(tmp_path) if argument == "FOLDER" else argument for argument in arguments]
    assert main([*given, "--data", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and named in said.err


def test_a_command_that_is_stopped_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(asked: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setitem(door.COMMANDS, "check", stopped)
    assert main(["check"]) == 130
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "bench", "schedule"), [("nats-tss", "nasbench201", "12"), ("nats-sss", "natsbench_sss", "90")]
)
def test_genuine_records_are_converted_and_answer_as_the_archive_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, bench: str, schedule: str
) -> None:
    assert main(["convert", name, "--data", REAL, "--out", str(tmp_path)]) == 0
    assert "3 of " in capsys.readouterr().out
    answers = []
    for source, data in (("archive", REAL), ("converted", str(tmp_path))):
        asked = ["query", bench, "--dataset", "cifar100", "--split", "ori-test", "--architecture", "284"]
        assert main([*asked, "--schedule", schedule, "--epoch", "7", "--source", source, "--data", data, "--json"]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0]["percent"] == pytest.approx(answers[1]["percent"], abs=1e-5)  # curves are float32
    assert answers[0]["seeds"] == answers[1]["seeds"]
