"""Measures that share a replica: what they save, and what none of them can do to another or to the training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.config.components import conf_folder
from harness.schema import NonMutating, NoReading, Scene, Shared
from harness.train.observatory import Observatory
from tests.test_laws import plugin

CELL = parse("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|")
SCENE = Scene(probe_seed=0, classes=3, features=16)
MEASURES = sorted((conf_folder() / "measure").glob("*.yaml"))


def network() -> Network:
    torch.manual_seed(0)
    return Network(CELL, Shape(channels=4, cells=1, size=8, colours=1, classes=3))


def batch(count: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(1)), torch.arange(count) % 3


def numbers(seen: dict) -> dict:
    return {name: np.asarray(value) for name, value in seen.items() if not name.startswith(("seconds_", "missing_"))}


@dataclass(frozen=True)
class Passing:
    """Sends the batch through, or through a pass that is there already."""

    name: str = "one"
    non_mutating: bool = True
    fails: bool = False
    spoils: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.name,)

    def observer(self, scene: Scene):
        def observe(model, given, step):
            logits = scene.shared.get("pass", lambda: model(given[0]))
            if self.spoils:
                with torch.no_grad():
                    model.stem[0].weight.zero_()
            if self.fails:
                given[0].zero_()
                raise RuntimeError("no luck")
            return {self.name: float(logits.detach().sum())}

        return observe


def test_all_measures_together_read_what_each_reads_alone() -> None:
    measures = {path.stem: plugin(path, "measure") for path in MEASURES}
    model = network()
    together = Observatory(measures, model, SCENE)
    alone = {name: Observatory({name: measure}, model, SCENE) for name, measure in measures.items()}
    for step in range(2):
        with torch.no_grad():
            for weight in model.parameters():
                weight += 0.01 * step
        seen = numbers(together.observe(batch(), step, last=True))
        assert not [name for name in seen if name.startswith("failed_")]
        for name, observatory in alone.items():
            for column, value in numbers(observatory.observe(batch(), step, last=True)).items():
                np.testing.assert_allclose(seen[column], value, rtol=1e-5, atol=1e-7, err_msg=f"{name}: {column}")


@pytest.mark.parametrize("path", MEASURES, ids=lambda path: path.stem)
def test_a_measure_that_calls_itself_gentle_leaves_weights_hooks_modes_and_batch_as_they_are(path: Path) -> None:
    measure = plugin(path, "measure")
    assert isinstance(measure, NonMutating)
    if not measure.non_mutating:
        return
    model, given = network(), batch()
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    shared = Shared(keeps=True)
    observer = measure.observer(replace(SCENE, shared=shared))
    for step in range(2):
        observer(model, given, step)
        shared.forget()
    for name, tensor in model.named_parameters():
        assert torch.equal(tensor, before[name]) and tensor.grad is None and tensor.requires_grad
    assert all(torch.equal(a, b) for a, b in zip(given, batch(), strict=True)) and not given[0].requires_grad
    for module in model.modules():
        assert module.training and not module._forward_hooks and not module._forward_pre_hooks
        assert "forward" not in vars(module)


def test_one_pass_serves_all_who_ask_and_each_pays_for_it() -> None:
    model = network()
    calls = []
    observatory = Observatory(
        {"a": Passing("a"), "b": Passing("b"), "c": Passing("c", non_mutating=False)}, model, SCENE
    )
    common = observatory.replicas["a"].model
    common.register_forward_hook(lambda *_: calls.append(1))
    seen = observatory.observe(batch(), 0)
    assert len(calls) == 1 and observatory.replicas["b"].model is common
    assert observatory.replicas["c"].model is not common
    assert seen["a"] == seen["b"] == seen["c"]
    assert observatory.shared.borrowed > 0 and seen["seconds_b"] >= observatory.shared.borrowed


def test_nothing_is_kept_from_one_observation_to_the_next() -> None:
    model = network()
    observatory = Observatory({"a": Passing("a"), "b": Passing("b")}, model, SCENE)
    first = observatory.observe(batch(), 0)
    with torch.no_grad():
        model.head.weight.add_(1.0)
    second = observatory.observe(batch(), 1)
    assert second["a"] == second["b"] != first["a"]
    assert not observatory.shared.found


def test_a_measure_that_fails_takes_no_other_with_it() -> None:
    clean = Observatory({"b": Passing("b")}, network(), SCENE).observe(batch(), 0)
    seen = Observatory({"a": Passing("a", fails=True), "b": Passing("b")}, network(), SCENE).observe(batch(), 0)
    assert seen["failed_a"] == "RuntimeError: no luck" and seen["b"] == clean["b"]


def test_columns_without_a_value_are_nan_and_their_reasons_stand_next_to_them() -> None:
    @dataclass(frozen=True)
    class Partly:
        columns: tuple[str, ...] = ("a", "b", "c", "d")
        non_mutating: bool = True

        def observer(self, scene: Scene):
            none, other = NoReading("no classes"), NoReading("no images")
            return lambda model, given, step: {"a": 1.5, "b": none, "c": other, "d": none}

    seen = Observatory({"partly": Partly()}, network(), SCENE).observe(batch(), 0)
    assert seen["missing_partly"] == "b, d: no classes; c: no images" and "failed_partly" not in seen
    assert seen["a"] == 1.5 and all(type(seen[name]) is float and np.isnan(seen[name]) for name in "bcd")


def test_a_measure_that_writes_on_a_weight_is_not_gentle_whatever_it_says() -> None:
    model = network()
    before = model.stem[0].weight.clone()
    with pytest.raises(TypeError, match=r"measure\.a: is declared non-mutating"):
        Observatory({"a": Passing("a", spoils=True)}, model, SCENE).observe(batch(), 0)
    assert torch.equal(model.stem[0].weight, before)


def test_running_statistics_are_those_of_the_training_for_each() -> None:
    @dataclass(frozen=True)
    class Statistics(Passing):
        def observer(self, scene: Scene):
            def observe(model, given, step):
                seen = float(model.stem[1].running_mean.sum())
                model(given[0])
                return {self.name: seen}

            return observe

    model = network()
    seen = Observatory({"a": Statistics("a"), "b": Statistics("b")}, model, SCENE).observe(batch(), 0)
    assert seen["a"] == seen["b"] == float(model.stem[1].running_mean.sum())


def test_what_is_not_kept_is_made_anew() -> None:
    made: list[int] = []
    for shared, times in ((Shared(), 2), (Shared(keeps=True), 1)):
        made.clear()
        for _ in range(2):
            shared.get("key", lambda: made.append(1))
        assert len(made) == times
