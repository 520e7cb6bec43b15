"""The published run is replaced as a whole, and by name only."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.published import NAME, REPORT, RESULTS, ROOT, publish
from tools.readme import MARKS, section


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A repository with a README between whose marks nothing true is written, and an older published run."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(f"before\n{MARKS[0]}old\n{MARKS[1]}after\n", encoding="utf-8")
    for kind in ("results", "reports"):
        older = tmp_path / kind / "published" / NAME
        older.mkdir(parents=True)
        (older / "of_an_older_version.parquet").touch()
    return tmp_path


def test_publishing_replaces_tables_page_readme_and_the_pages_of_predictors_and_findings(elsewhere: Path) -> None:
    made = elsewhere / "made"
    shutil.copytree(REPORT, made)
    (made / "architectures").mkdir()  # of a report, but not published
    publish(RESULTS, made, elsewhere)
    for kind, source in (("results", RESULTS), ("reports", REPORT)):
        copied = {path.relative_to(elsewhere / kind / "published" / NAME) for path in (elsewhere / kind).rglob("*.*")}
        assert copied == {path.relative_to(source) for path in source.rglob("*.*")}
    text = (elsewhere / "README.md").read_text(encoding="utf-8")
    assert text == f"before\n{MARKS[0]}{section(RESULTS)}{MARKS[1]}after\n"
    assert (elsewhere / "docs" / "predictors.md").read_text(encoding="utf-8").startswith("# Predictors\n")
    assert (elsewhere / "docs" / "findings.md").read_text(encoding="utf-8").startswith("# What ")


@pytest.mark.parametrize("path", ["results/nasbench201-digits/seed0/metrics.parquet", "reports/index.html",
                                  "reports/nasbench201-digits/seed0/index.html", "results/table.parquet"])  # fmt: skip
def test_git_ignores_the_runs_and_pages_of_a_user(path: str) -> None:
    asked = subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, capture_output=True, check=False)
    if asked.returncode == 128:
        pytest.skip("no repository here: the source of a release")
    assert asked.returncode == 0


@pytest.mark.parametrize("path", [RESULTS / "metrics.parquet", REPORT / "index.html"])
def test_git_keeps_the_published_run(path: Path) -> None:
    asked = subprocess.run(["git", "check-ignore", "-q", str(path)], cwd=ROOT, capture_output=True, check=False)
    assert asked.returncode and path.is_file()
