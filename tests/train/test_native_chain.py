"""The compiled step on chains of convolutions with biases, max poolings and dense layers, without BatchNorm."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.benches.one_network.bench import OneNetwork
from harness.benches.one_network.network import Chain
from harness.benches.one_network.plans import HALF, Conv, Plan
from harness.schema.dataflow import Dataflow, Largest, Map
from harness.train.batches import TrainingImages
from harness.train.job import TrainingJob
from harness.train.loop import train
from harness.train.native import library as compiled
from harness.train.native.library import library
from harness.train.native.program import Descent, Program
from harness.train.recipe import Recipe
from harness.train.updates import Updates
from tests.conftest import tiny_images
from tests.train.native_networks import (
    EVERY_OPERATION,
    batch,
    blurred,
    drops_as_torch,
    network,
    whole,
    with_guarded_memory,
)
from tests.train.test_native import agree

pytestmark = pytest.mark.skipif(compiled.compiler() is None, reason="needs a C compiler: cc, gcc or clang")

DESCENT = Descent(0.05, 0.9, False, 0.0)
LENET = Plan((Conv(5, 5, pool=HALF), Conv(6, 5, pool=HALF)), (7, 5))
ALEXNET = Plan((Conv(6, 7, 2, 2, (3, 2)), Conv(9, 5, 1, 2, (3, 2)), Conv(4, 3, 1, 1)), (8, 5), dropout_first=True)
VGG = Plan((Conv(4, 3, 1, 1, HALF), Conv(5, 3, 1, 1), Conv(8, 3, 1, 1, HALF)), (6, 6))
UNUSUAL = Plan((Conv(5, 2), Conv(4, 3, 2), Conv(5, 4, 3, 2), Conv(3, 6, 2, 5)), (4,))
PLANS = [(LENET, 16), (LENET, 21), (LENET, 32), (ALEXNET, 17), (ALEXNET, 30), (VGG, 8), (VGG, 13), (UNUSUAL, 19)]


def chain(plan: Plan, size: int, dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(0)
    images = replace(tiny_images(colours=3, size=size), classes=5)
    return blurred(Chain(plan, dropout, images).to(memory_format=torch.channels_last))


@pytest.mark.parametrize(("plan", "size"), PLANS)
def test_updates_are_those_of_autograd(plan: Plan, size: int) -> None:
    agree(chain(plan, size), size, [19, 19, 7], DESCENT)


@pytest.mark.parametrize(("plan", "size"), [(LENET, 16), (ALEXNET, 30)])
def test_weight_decay_reaches_biases_as_for_autograd(plan: Plan, size: int) -> None:
    agree(chain(plan, size), size, [9, 9], Descent(0.05, 0.9, True, 0.3))


@pytest.mark.parametrize(("plan", "size"), PLANS)
def test_nothing_is_read_or_written_beyond_the_memory_it_is_given(monkeypatch, plan: Plan, size: int) -> None:
    ends = with_guarded_memory(monkeypatch)
    agree(chain(plan, size), size, [19, 7], DESCENT)
    assert all(bool(end.isnan().all()) for end in ends)


@pytest.mark.parametrize(("plan", "size"), [(LENET, 16), (ALEXNET, 30), (VGG, 8)])
def test_inputs_of_dense_layers_are_dropped_in_updates_as_by_torch_and_never_in_scores(plan: Plan, size: int) -> None:
    drops_as_torch(chain(plan, size, 0.4), size, DESCENT)


class Equal(nn.Module):
    """Poolings of overlapping windows of equal numbers, and of nan, on images that are the first map."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Conv2d(3, 4, 1), nn.Linear(4, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        pooled = functional.max_pool2d(functional.max_pool2d(self.first(images).relu(), 3, 2), 2, 1)
        return self.head(pooled.mean((2, 3)))

    def dataflow(self) -> Dataflow:
        from harness.schema.dataflow import Convolution

        flow = Dataflow(3)
        flow.add(4, 1, Convolution(0, self.first, slice(0, 4), None, rectified=False))
        flow.add(4, 1, Largest(1, 3, 2), side=3)
        flow.add(4, 1, Largest(2, 2, 1), side=2)
        flow.head = self.head
        return flow


def test_the_first_of_equal_numbers_has_the_gradient_as_for_torch() -> None:
    torch.manual_seed(0)
    model = Equal().double()
    other = copy.deepcopy(model)
    x, y = batch(19, 8)
    x = x.sign()
    program = Program(library("double"), model.dataflow(), 8, 19, torch.float64)
    program.update(*whole(x, y), Descent(0.1, 0.0, False, 0.0))
    functional.cross_entropy(other(x), y).backward()
    found = {id(weight): slope for weight, slope in program.gradients()}
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(found[id(mine)], theirs.grad, rtol=1e-9, atol=1e-12)


def test_what_is_not_a_number_is_not_hidden_by_a_pooling_wherever_in_its_window_it_stands() -> None:
    x, _ = batch(9, 8)
    x[3, 0, 5, 5] = float("nan")  # in one window alone, of which it is the middle
    program = Program(library("double"), Equal().double().dataflow(), 8, 9, torch.float64)
    assert program.scores(x).isnan().all(1).tolist() == [place == 3 for place in range(9)]


def test_measures_read_networks_with_biases_or_dense_layers_by_torch() -> None:
    biased, dense = Equal().double(), chain(LENET, 16)
    for flow, size in ((biased.dataflow(), 8), (dense.dataflow(), 16)):
        assert not Program(library("double"), flow, size, 9, torch.float64).observable
    cell = network(EVERY_OPERATION).double()
    assert Program(library("double"), cell.dataflow(), 8, 9, torch.float64).observable


def test_what_is_not_a_number_makes_the_loss_none() -> None:
    model = chain(LENET, 16)
    x, y = batch(9, 16)
    x[3, 0, 5, 5] = float("nan")
    loss, logits = Program(library("double"), model.dataflow(), 16, 9, torch.float64).update(*whole(x, y), DESCENT)
    assert loss != loss
    assert logits.isnan().all(1).tolist() == [place == 3 for place in range(9)]


def test_a_probed_chain_is_left_to_torch() -> None:
    model = chain(LENET, 16)
    model.head = nn.Sequential(nn.Linear(5, 5))
    assert model.dataflow() is None


def test_measures_are_shown_no_passes_of_what_they_do_not_know() -> None:
    data = TrainingImages(tiny_images(size=16), torch.device("cpu"))
    model = Chain(LENET, 0.0, tiny_images(size=16))
    assert Updates(model, data, Recipe(steps=1), torch.Generator(), "native_watch").passes() is None


@pytest.mark.parametrize(("model", "width"), [("lenet", 0.5), ("alexnet", 0.05), ("vgg", 0.05)])
def test_a_training_is_the_same_with_either_kernels_but_for_rounding(model: str, width: float) -> None:
    """The same weights, images and dropped numbers: writing the network down draws no random number."""
    bench, images = OneNetwork(model=model, width=width), tiny_images(colours=3, size=16)
    architecture = bench.architecture("rate=0.02,dropout=0.5")
    recipe = Recipe(steps=3, batch=16, observe_every=1, learning_rate=0.02, schedule="constant", watch=["valid"])
    losses = {}
    for kernels in ("native", "torch"):
        job = TrainingJob(
            architecture, lambda: bench.build(architecture, images), images, recipe, {}, 0, "run", kernels=kernels
        )
        losses[kernels] = torch.tensor(train(job).table[["train_loss", "valid_loss"]].to_numpy()[1:])
    torch.testing.assert_close(losses["native"], losses["torch"], rtol=1e-3, atol=1e-3)


def test_a_map_has_the_side_that_it_states() -> None:
    assert [this.side for this in chain(LENET, 21).dataflow().maps] == [None, 17, 8, 4, 2, 1, 1]
    assert Map(3, 2).side is None
