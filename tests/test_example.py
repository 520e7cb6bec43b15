"""A package of a user's own, by a flag and installed, in a run and in a sweep: docs/extend.md as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

HOME = Path(__file__).parent / "example"
SMALL = ["+bench=nasbench201", "architectures=4", "train.epochs=null", "train.steps=2", "train.observe_every=1",
         "train.watch_images=64", "engine.workers=1", "evaluate.bootstrap=20", "report.dpi=50"]  # fmt: skip


def harness(folder: Path, *arguments: str, paths: tuple[Path, ...]) -> str:
    """What the command line prints, in another process that finds the package in `paths`."""
    root = Path(__file__).parent.parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (root, *paths))), "HARNESS_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "harness", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_the_page_on_extending_shows_these_very_files() -> None:
    page = (HOME.parent.parent / "docs" / "extend.md").read_text()
    files = [path for path in HOME.rglob("*.*") if path.suffix in (".py", ".yaml") and path.name != "__init__.py"]
    assert len(files) == 6
    for path in files:
        assert path.read_text() in page, path
        assert f"`{path.relative_to(HOME).as_posix()}`" in page


def tables_in(folder: Path, out: str) -> Path:
    return folder / re.findall(r"^tables (\S+)$", out, re.MULTILINE)[-1]


@pytest.mark.slow
def test_by_a_flag_its_measure_predictor_and_figure_take_part_in_a_run(tmp_path: Path) -> None:
    figures = "report.figures=[ranked,harness_example.el2n_courses]"
    found = ("hydra.searchpath=[pkg://harness_example.conf]", "measure=[el2n]")
    out = harness(tmp_path, *SMALL, *found, figures, paths=(HOME / "src",))
    folder = tables_in(tmp_path, out)
    metrics = pd.read_parquet(folder / "metrics.parquet")
    assert {"el2n_fall", "flops", "valacc"} <= set(metrics["predictor"])
    scores = pd.read_parquet(folder / "scores.parquet").query("predictor == 'el2n_fall' and step == 2")
    courses = pd.read_parquet(folder / "trajectories.parquet").pivot(
        index="architecture", columns="step", values="el2n"
    )
    fallen = (courses[0] - courses[2]).loc[scores["architecture"]]
    pd.testing.assert_series_equal(scores["score"], fallen, check_names=False, check_index=False)
    page = tmp_path / "reports" / "nasbench201-digits" / folder.name
    assert (page / "figures" / "el2n_courses.pdf").is_file() and "Error norm (EL2N)" in (page / "report.md").read_text()


@pytest.mark.slow
def test_installed_it_needs_no_flag_and_stands_in_the_gathered_tables_of_a_sweep(tmp_path: Path) -> None:
    few = ["measure=[el2n]", "predictor=[flops,valacc,el2n_fall]", "report.figures=[]"]
    out = harness(tmp_path, "-m", *SMALL, *few, "seed=0,1", paths=(HOME / "src", HOME / "plugin"))
    gathered = pd.read_parquet(tables_in(tmp_path, out) / "gathered.parquet").query("last").set_index("predictor")
    assert gathered.loc["el2n_fall", "jobs"] == 2 and gathered.loc["el2n_fall", "family"] == "my_errors"
    assert {"flops", "valacc"} <= set(gathered.index)
    assert re.search(r"^ *\d+ el2n_fall ", out, re.MULTILINE)
