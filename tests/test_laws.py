"""Laws of the house: no circle between files, what needs no torch, and what every plug-in keeps.

Which room may import which is said in pyproject.toml and checked by import-linter (`lint-imports`).
"""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import grimp
import networkx
import pytest
from omegaconf import OmegaConf

import harness
from harness.config.components import build, conf_folder
from harness.schema import Collective, Learned, Measure, Predictor
from harness.schema.families import FAMILIES

WITH_TORCH = ("harness.train", "harness.measures", "harness.benches", "harness.api.networks")
MEASURES = sorted((conf_folder() / "measure").glob("*.yaml"))
PREDICTORS = sorted((conf_folder() / "predictor").glob("*.yaml"))


def test_no_file_imports_itself_over_others_imports_in_functions_and_for_types_included() -> None:
    """import-linter compares siblings; this one also sees a file that imports the package that imports it."""
    graph = grimp.build_graph("harness", "tools", "perf", cache_dir=None)
    imports = networkx.DiGraph(
        (m, other) for m in graph.modules for other in graph.find_modules_directly_imported_by(m)
    )
    imports.remove_edge("harness.report.__main__", "harness.cli.report")  # a user's door
    assert [sorted(files) for files in networkx.strongly_connected_components(imports) if len(files) > 1] == []


@pytest.mark.slow
def test_reading_and_judging_need_no_torch() -> None:
    found = pkgutil.walk_packages(harness.__path__, "harness.")
    modules = [m.name for m in found if not m.name.startswith(WITH_TORCH) and not m.name.endswith("__main__")]
    assert len(modules) > 100
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
    from harness.train.job import TrainingJob
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
        trace = train(
            TrainingJob(cell, lambda cell=cell: bench.build(cell, images), images, recipe, {"it": measure}, 0)
        )
        assert set(measure.columns) <= set(trace.table.columns)
        assert (trace.table["seconds_it"].iloc[[0, -1]] > 0).all()


@pytest.mark.parametrize("path", [p for p in MEASURES if p.stem != "capacitance"], ids=lambda p: p.stem)
def test_a_measure_reads_networks_that_are_trained_through_a_probe_dead_ones_too(path: Path, bench, images) -> None:
    from harness.measures.capacitance import Capacitance
    from harness.train.job import TrainingJob
    from harness.train.loop import train
    from harness.train.recipe import Recipe

    measures = {"head": Capacitance(mode="head", widths=[6, 5], probes=3), "it": plugin(path, "measure")}
    recipe = Recipe(steps=1, batch=20, observe_every=1, measure_images=8)
    for text in (
        "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    ):
        cell = bench.architecture(text)
        table = train(TrainingJob(cell, lambda cell=cell: bench.build(cell, images), images, recipe, measures, 0)).table
        assert [column for column in table if str(column).startswith("failed_")] == []


@pytest.mark.parametrize("path", [*MEASURES, *PREDICTORS], ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_plugin_file_gives_every_setting_and_lands_under_its_own_name(path: Path) -> None:
    assert path.read_text().startswith(f"# @package {path.parent.name}.{path.stem}\n")
    node = OmegaConf.load(path)
    made = plugin(path, path.parent.name)
    assert set(node) - {"_target_"} == {field.name for field in fields(made)}


def plugin(path: Path, group: str):
    return build(OmegaConf.load(path), f"{group}.{path.stem}")
