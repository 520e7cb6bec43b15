"""Reports on what is under study, whatever it is."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import harness.report
from harness.report.config import ReportConfig
from harness.report.renderers import plain
from harness.report.run_tables import RunTables
from harness.report.sentences.studied import describe_studied, title_studied
from harness.report.write import write
from harness.storage.files import write_sums
from tests.report.conftest import read_once as read

ROOM = Path(harness.report.__file__).parent


def studying(tables: RunTables, *names: str) -> RunTables:
    evaluation = tables.status["evaluation"] | {"studied": list(names)}
    return replace(tables, status=tables.status | {"evaluation": evaluation})


@pytest.fixture
def own(make: Callable[..., Path]) -> RunTables:
    """A run whose movement predictors are of a family of a user's own."""
    tables = read(make(n=20, k=8))
    family = tables.metrics["family"].replace({"movement": "my_errors"})
    ablations = tables.ablations.assign(predictor="flops", group="my_errors")
    return studying(replace(tables, metrics=tables.metrics.assign(family=family), ablations=ablations), "my_errors")


def test_a_family_of_a_users_own_may_be_studied(own: RunTables) -> None:
    assert plain(title_studied(own)) == "What does my errors add?"
    text = plain(describe_studied(own))
    assert text.startswith("movement (my errors) ranks ") and "β_eff" not in text and "capacitance" not in text
    assert "Among the inputs of flops, my errors changes τ by +0.02" in text
    assert own.best_studied == "movement" and "movement" in own.leaders(1)


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (("movement", "size"), "What do movement and size add?"),
        (("synflow",), "What does synflow add?"),
        (("capacitance",), "What does β_eff add?"),
        ((), "What is under study?"),
    ],
)
def test_families_and_predictors_are_named(make: Callable[..., Path], names: tuple[str, ...], title: str) -> None:
    assert plain(title_studied(studying(read(make(n=20, k=8)), *names))) == title


def test_a_predictor_that_is_studied_is_not_named_twice(make: Callable[..., Path]) -> None:
    assert plain(describe_studied(studying(read(make(n=20, k=8)), "synflow"))).startswith("synflow ranks ")


@pytest.mark.usefixtures("undrawn")
def test_nothing_under_study_has_no_section(make: Callable[..., Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(make(n=20, k=8), tmp_path / "results"))
    status = json.loads((folder / "status.json").read_text())
    status["evaluation"]["studied"] = []
    (folder / "status.json").write_text(json.dumps(status))
    write_sums(folder)
    text = write(
        folder, tmp_path / "out", ReportConfig(figures=["ranked", "beta_eff_trajectories"], dpi=50)
    ).read_text()
    assert 'id="studied"' not in text and "Further figures" in text


GENERAL = [path for path in ROOM.rglob("*.py") if path.stem not in ("beta_eff_trajectories", "curves", "explain")]


@pytest.mark.parametrize("path", GENERAL, ids=lambda path: str(path.relative_to(ROOM)))
def test_no_general_file_of_the_report_names_one_experiment(path: Path) -> None:
    text = ast.unparse(ast.parse(path.read_text())) if path.name != "palette.py" else ""
    assert "capacitance" not in text


def test_no_file_of_the_report_waits_for_another_that_waits_for_it() -> None:
    """Annotations and imports inside functions count as well."""
    files = {".".join(("harness.report", *path.relative_to(ROOM).with_suffix("").parts)).removesuffix(".__init__"): path
             for path in ROOM.rglob("*.py") if path.stem != "__main__"}  # fmt: skip
    needs: dict[str, set[str]] = {}
    for name, path in files.items():
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        named = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names}
        needs[name] = ((named | {str(node.module) for node in nodes}) & set(files)) - {name, "harness.report"}
    while free := [name for name, others in needs.items() if not others & set(needs)]:
        for name in free:
            del needs[name]
    assert needs == {}
