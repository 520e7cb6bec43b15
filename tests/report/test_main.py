"""The command line of the report."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.report.__main__ import configured, main
from harness.report.write import Report
from harness.schema import BadInput

CONFIG = "report:\n  _target_: harness.report.write.Report\n  figures: [ranked]\n  dpi: 50\n"


@pytest.fixture
def small(results: Path, tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(results, tmp_path / "results"))
    (folder / "config.yaml").write_text(CONFIG)
    return folder


def test_the_report_goes_to_a_folder_named_after_bench_and_data_set(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([str(small)]) == 0
    assert capsys.readouterr().out.strip() == "reports/nasbench201-digits/index.html"
    assert (tmp_path / "reports" / "nasbench201-digits" / "figures" / "ranked.png").is_file()


def test_another_folder_can_be_asked_for(small: Path, tmp_path: Path) -> None:
    (small / "config.yaml").write_text("report: {figures: []}\n")
    assert main([str(small), "--out", str(tmp_path / "mine")]) == 0
    assert (tmp_path / "mine" / "index.html").is_file()


def test_a_missing_folder_is_one_line_on_stderr_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "nowhere" in told.err


def test_a_missing_table_is_one_line_that_names_it(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / "scores.parquet").unlink()
    assert main([str(small)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "scores.parquet" in told


def test_the_runs_own_configuration_of_the_report_is_used() -> None:
    assert configured(CONFIG) == Report(figures=["ranked"], dpi=50)
    assert configured("bench: x\n") == Report()


@pytest.mark.parametrize("config", ["report: {no_such: 1}", "a: [", "report: {dpi: 1}"])
def test_a_configuration_that_makes_no_sense_is_refused(config: str) -> None:
    with pytest.raises(BadInput):
        configured(config)
