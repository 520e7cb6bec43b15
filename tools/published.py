"""`python -m tools.published`: make the published run anew, and all tracked text that is made from it.

The main job runs in a temporary folder; only when it has ended well are its tables, its page, README's table,
docs/predictors.md and docs/findings.md replaced. Nothing else in this repository writes to a tracked file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import catalogue, findings_page, readme

ROOT = Path(__file__).parents[1]
NAME = "nasbench201-digits"
RESULTS, REPORT = (ROOT / kind / "published" / NAME for kind in ("results", "reports"))
PAGES = ("index.html", "report.md", "figures", "tables")
"""What of a report is published."""


def main() -> int:
    """Run the main job and publish it; returns the job's exit code where that is not 0."""
    with tempfile.TemporaryDirectory() as place:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "harness", "+bench=nasbench201"]
        code = subprocess.run(command, cwd=place, env=environment, check=False).returncode
        if not code:
            publish(*(_only_run(Path(place) / kind / NAME) for kind in ("results", "reports")))
    return code


def publish(results: Path, report: Path, root: Path = ROOT) -> None:
    """Replace the published run under `root` by the tables in `results` and the page in `report`."""
    tables, page = (root / kind / "published" / NAME for kind in ("results", "reports"))
    for folder in (tables, page):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(results, tables)
    page.mkdir(parents=True)
    for part in PAGES:
        copy = shutil.copytree if (report / part).is_dir() else shutil.copy
        copy(report / part, page / part)
    text = root / "README.md"
    text.write_text(readme.replaced(text.read_text(encoding="utf-8"), readme.section(tables)), encoding="utf-8")
    (root / "docs" / "predictors.md").write_text(catalogue.page(tables), encoding="utf-8")
    (root / "docs" / "findings.md").write_text(findings_page.page(published=tables), encoding="utf-8")


def _only_run(folder: Path) -> Path:
    """The one run in `folder`; raises ValueError for none or several."""
    (run,) = (path for path in folder.iterdir() if path.is_dir())
    return run


if __name__ == "__main__":
    sys.exit(main())
