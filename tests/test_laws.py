"""Laws of the house: which room may import which, and what every plug-in keeps."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import harness
from harness.config.components import build, conf_folder
from harness.schema import Collective, Learned, Measure, Predictor
from harness.schema.families import FAMILIES

PACKAGE = Path(harness.__file__).parent
FLOORS = {
    "schema": 0, "files": 0, "dataflow": 0,
    "benches": 1, "datasets": 1, "train": 1, "measures": 1, "predictors": 1, "evaluate": 1, "report": 1, "store": 1,
    "fleet": 2, "plan": 2, "environment": 2, "records": 2, "run": 2, "jobs": 2, "varied": 2, "sweep": 2,
    "progress": 3, "compose": 3, "start": 3, "multirun": 3, "tabulate": 3, "catalogue": 3, "readme": 3, "data": 3,
    "__main__": 3,
}  # fmt: skip
WITHOUT_TORCH = (
    *(
        "schema",
        "dataflow",
        "store",
        "datasets",
        "predictors",
        "evaluate",
        "report",
        "files",
        "run",
        "fleet",
        "compose",
    ),
    *("jobs", "varied", "sweep", "multirun", "start"),
)
MEASURES = sorted((conf_folder() / "measure").glob("*.yaml"))
PREDICTORS = sorted((conf_folder() / "predictor").glob("*.yaml"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def floor(path: Path) -> int:
    """The floor of a file: that of its room, but that every `__main__.py` is a front door."""
    return 3 if path.name == "__main__.py" else FLOORS[room(path)]


def imports(path: Path) -> set[str]:
    """Dotted names of every import of the file, those inside functions too, relative ones made absolute."""
    found = set()
    package = ("harness", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
            found.update(f"{base}{node.module or ''}.{alias.name}".replace("..", ".") for alias in node.names)
    return found


SOURCES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py")


def test_every_room_has_a_floor() -> None:
    assert {room(p) for p in SOURCES} == set(FLOORS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down_and_siblings_do_not_meet(path: Path) -> None:
    here = room(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "harness" and len(parts) > 1 and parts[1] in FLOORS and parts[1] != here:
            there = FLOORS[parts[1]]
            beside = floor(path) == there and there in (0, 1)
            assert there <= floor(path), f"{here} imports {name} from above"
            assert not beside or {here, parts[1]} == {"files", "schema"}, f"{here} imports its sibling {name}"
        assert parts[0] not in ("hydra", "omegaconf") or floor(path) == 3, f"{here} knows Hydra"
        assert parts[0] != "torch" or floor(path) <= 1, f"{here} names torch"


def test_reading_and_judging_need_no_torch() -> None:
    modules = [f"harness.{name}" for name in WITHOUT_TORCH]
    modules += [
        ".".join(("harness", *p.relative_to(PACKAGE).with_suffix("").parts))
        for p in SOURCES
        if room(p) in WITHOUT_TORCH and p.name != "__main__.py"
    ]
    code = f"import sys, importlib\nfor m in {modules!r}: importlib.import_module(m)\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("path", PREDICTORS, ids=lambda p: p.stem)
def test_a_predictor_says_what_it_reads_and_which_family_it_is(path: Path) -> None:
    predictor = plugin(path, "predictor")
    assert isinstance(predictor, Predictor | Collective | Learned)
    assert predictor.columns and all(isinstance(c, str) for c in predictor.columns)
    assert predictor.family in FAMILIES


@pytest.mark.parametrize("path", MEASURES, ids=lambda p: p.stem)
def test_a_measure_writes_the_columns_it_declares_for_any_network(path: Path, bench, images) -> None:
    from harness.train.loop import train
    from harness.train.recipe import Recipe

    measure = plugin(path, "measure")
    assert isinstance(measure, Measure)
    for text in (
        "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    ):
        cell = bench.architecture(text)
        recipe = Recipe(steps=2, batch=20, observe_every=1, measure_images=8)
        trace = train(cell, lambda cell=cell: bench.build(cell, images), images, recipe, {"it": measure}, 0)
        assert set(measure.columns) <= set(trace.table.columns)
        assert (trace.table["seconds_it"].iloc[[0, -1]] > 0).all()


@pytest.mark.parametrize("path", [p for p in MEASURES if p.stem != "capacitance"], ids=lambda p: p.stem)
def test_a_measure_reads_networks_that_are_trained_through_a_probe_dead_ones_too(path: Path, bench, images) -> None:
    from harness.measures.capacitance import Capacitance
    from harness.train.loop import train
    from harness.train.recipe import Recipe

    measures = {"head": Capacitance(mode="head", widths=[6, 5], probes=3), "it": plugin(path, "measure")}
    recipe = Recipe(steps=1, batch=20, observe_every=1, measure_images=8)
    for text in (
        "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    ):
        cell = bench.architecture(text)
        table = train(cell, lambda cell=cell: bench.build(cell, images), images, recipe, measures, 0).table
        assert [column for column in table if column.startswith("failed_")] == []


@pytest.mark.parametrize("path", [*MEASURES, *PREDICTORS], ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_plugin_file_gives_every_setting_and_lands_under_its_own_name(path: Path) -> None:
    assert path.read_text().startswith(f"# @package {path.parent.name}.{path.stem}\n")
    node = OmegaConf.load(path)
    made = plugin(path, path.parent.name)
    assert set(node) - {"_target_"} == {field.name for field in fields(made)}


def plugin(path: Path, group: str):
    return build(OmegaConf.load(path), f"{group}.{path.stem}")
