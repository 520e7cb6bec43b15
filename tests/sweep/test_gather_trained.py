"""A sweep whose jobs end after training has nothing to draw: one line says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.report import main


def write(sweep: Path, number: int, stage: str, state: str = "complete") -> None:
    place = sweep / str(number)
    place.mkdir(parents=True)
    about = {"number": number, "overrides": [], "state": state, "code": 0, "reason": "", "folder": None}
    (place / "job.json").write_text(json.dumps(about))
    (place / "config.yaml").write_text(f"seed: 0\nstage: {stage}\nreports: reports\n")
    (sweep / "sweep.json").write_text('{"command": "x", "jobs": 2}')


@pytest.mark.parametrize("state", ["complete", "failed"])
def test_a_sweep_of_shards_alone_is_refused_in_one_line(
    state: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        write(tmp_path / "sweep", number, "train", state)
    assert main([str(tmp_path / "sweep"), "--out", str(tmp_path / "page")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "results: must be a folder with scored runs" in said
    assert "without stage=train" in said and str(tmp_path / "sweep") in said
    assert not (tmp_path / "page" / "index.html").exists() and not (tmp_path / "sweep" / "jobs.parquet").exists()


def test_a_sweep_with_one_job_that_is_to_have_tables_is_gathered(tmp_path: Path) -> None:
    write(tmp_path / "sweep", 0, "train")
    write(tmp_path / "sweep", 1, "all", "failed")
    assert main([str(tmp_path / "sweep"), "--out", str(tmp_path / "page")]) == 0
    assert (tmp_path / "page" / "index.html").is_file()
