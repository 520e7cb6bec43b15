"""A component is known to identities by its kind, which outlives the place of its file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import ClassVar

import pytest

from harness.config.components import conf_folder
from harness.schema import kind_of, settings

SETTLED = {
    "bench/nasbench201", "bench/natsbench_sss", "dataset/cifar10", "dataset/cifar100", "dataset/cub200",
    "dataset/digits", "dataset/fashion_mnist", "dataset/image_folder", "dataset/imagenet16_120", "dataset/npz",
    "dataset/svhn", "engine/engine", "evaluate/evaluation", "report/report", "signal/stored_curves", "train/recipe",
    "measure/az_nas", "measure/capacitance", "measure/capacitance_network", "measure/fisher", "measure/grasp",
    "measure/jacobian_covariance", "measure/l2_norm", "measure/layer_statistics", "measure/loss_gradient",
    "measure/movement", "measure/naswot", "measure/readout", "measure/synflow", "measure/temporal_graph",
    "measure/untrained", "measure/weight_statistics", "measure/zen", "measure/zico", "predictor/capacitance_mean",
    "predictor/capacitance_pooled", "predictor/capacitance_ridge", "predictor/capacitance_trend",
    "predictor/curve_combination", "predictor/ensemble", "predictor/lcsvr",
    "predictor/learning_curve_extrapolation", "predictor/rank_aggregate", "predictor/recurrent", "predictor/stack",
    "predictor/surrogate_curve", "predictor/temporal_graph", "predictor/tse", "predictor/tse_e",
    "predictor/tse_ema", "predictor/weight_statistics",
}  # fmt: skip
"""Kinds that stored traces and results are known by: changing one trains everything again. New ones need no entry."""


def components() -> Iterator[type]:
    """Every class that a file of conf/ names."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(conf_folder().rglob("*.yaml"))]
    targets = {target for text in texts for target in re.findall(r"_target_:\s*([\w.]+)", text)}
    for target in sorted(targets):
        module, _, name = target.rpartition(".")
        yield getattr(import_module(module), name)


@pytest.mark.parametrize("component", list(components()), ids=lambda c: c.__qualname__)
def test_a_component_declares_its_kind(component: type) -> None:
    assert re.fullmatch(r"[a-z]+/[a-z0-9_]+", vars(component).get("kind", "")), f"{component} has no kind"


def test_no_two_components_are_of_one_kind() -> None:
    kinds = [kind_of(component) for component in components()]
    assert len(set(kinds)) == len(kinds)


def test_a_settled_kind_stays() -> None:
    assert SETTLED - {kind_of(component) for component in components()} == set()


@dataclass(frozen=True)
class Declared:
    kind: ClassVar[str] = "test/declared"
    size: int = 1


@dataclass(frozen=True)
class Derived(Declared):
    pass


def test_settings_name_the_kind_and_not_the_place() -> None:
    before = settings(Declared())
    assert before == {"kind": "test/declared", "size": 1}
    moved = type("Renamed", (), {**vars(Declared), "__module__": "another.place"})
    assert kind_of(moved) == "test/declared"


def test_a_subclass_is_another_kind() -> None:
    assert settings(Derived())["kind"] == f"{__name__}.Derived"
