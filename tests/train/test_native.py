"""The compiled step: the same mathematics as autograd."""

from __future__ import annotations

import copy
import ctypes
import subprocess
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.benches.nasbench201.space import Shape, every_cell, parse
from harness.benches.nasbench201.topology_network import Network
from harness.benches.natsbench_sss import size_network as sss
from harness.benches.natsbench_sss import space as sss_space
from harness.train.batches import TrainingImages
from harness.train.job import TrainingJob
from harness.train.loop import train
from harness.train.native import library as compiled
from harness.train.native.library import FLAGS, REALS, SOURCE, library
from harness.train.native.program import Descent, Program
from harness.train.recipe import Recipe
from harness.train.updates import Updates
from tests.conftest import tiny_images
from tests.train.native_networks import (
    CELLS,
    DEAD,
    EVERY_OPERATION,
    MERGED,
    OF_ZEROS,
    ONLY_CONSTANTS,
    POOLS,
    SKIPS,
    batch,
    blurred,
    network,
    whole,
    with_guarded_memory,
)

pytestmark = pytest.mark.skipif(compiled.compiler() is None, reason="needs a C compiler: cc, gcc or clang")

DRAWN = [str(every_cell()[i]) for i in np.random.default_rng(0).choice(15_625, 12, replace=False)]
DESCENT = Descent(0.1, 0.9, True, 5e-4)


def by_autograd(model: nn.Module, batches, descent: Descent) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    optimizer = torch.optim.SGD(
        model.parameters(), descent.rate, descent.momentum, weight_decay=descent.decay, nesterov=descent.nesterov
    )
    for x, y in batches:
        optimizer.zero_grad()
        logits = model(x)
        loss = functional.cross_entropy(logits, y)
        loss.backward()
        optimizer.step()
        yield loss.detach(), logits.detach()


def agree(model: nn.Module, size: int, counts: list[int], descent: Descent = DESCENT, lib=None) -> None:
    """Updates of batches of so many images, in float64, give the losses, logits and state that autograd gives."""
    other = copy.deepcopy(model)
    flow = model.dataflow()
    assert flow is not None
    program = Program(lib or library("double"), flow, size, max(counts), torch.float64)
    batches = [batch(count, size, seed) for seed, count in enumerate(counts)]
    for (x, y), (loss, logits) in zip(batches, by_autograd(other, batches, descent), strict=True):
        mine, scores = program.update(*whole(x, y), descent)
        assert mine == pytest.approx(float(loss), rel=1e-10)
        torch.testing.assert_close(scores, logits, rtol=1e-8, atol=1e-9)
    for (name, a), b in zip(model.state_dict().items(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-9, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("text", CELLS + DRAWN)
def test_updates_of_any_cell_are_those_of_autograd(text: str) -> None:
    agree(blurred(network(text)), 8, [20, 20, 7])


@pytest.mark.parametrize(("channels", "cells", "size"), [(3, 1, 8), (5, 2, 4), (8, 1, 12), (4, 1, 20)])
def test_updates_of_any_width_depth_and_size_are_those_of_autograd(channels: int, cells: int, size: int) -> None:
    agree(blurred(network(MERGED, channels, cells, size)), size, [9, 16])


def test_maps_larger_than_the_cache_are_worked_on_in_strips() -> None:
    agree(blurred(network(EVERY_OPERATION, 16, 1, 48)), 48, [16])


@pytest.mark.parametrize("widths", [(8, 8, 8, 8, 8), (8, 16, 24, 8, 16)])
def test_updates_of_the_size_space_are_those_of_autograd(widths: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    model = sss.Network(sss_space.Shape(widths, 8, 3, 5)).to(memory_format=torch.channels_last)
    agree(blurred(model), 8, [12, 12])


@pytest.mark.parametrize("descent", [Descent(0.1, 0.9, False, 5e-4), Descent(0.05, 0.0, False, 0.0)])
def test_descents_without_nesterov_or_momentum_are_those_of_autograd(descent: Descent) -> None:
    agree(blurred(network(EVERY_OPERATION)), 8, [12, 12, 12], descent)


@pytest.mark.parametrize("text", [OF_ZEROS, ONLY_CONSTANTS])
def test_relu_has_no_slope_at_zero_as_for_autograd(text: str) -> None:
    """BatchNorms at their initial values turn a convolution of zeros to exactly 0."""
    agree(network(text).double(), 8, [12, 12])


def test_logits_too_large_for_exp_have_the_loss_of_autograd() -> None:
    model = blurred(network(EVERY_OPERATION))
    with torch.no_grad():
        model.head.bias += torch.tensor([0.0, 900.0, 901.0, -900.0, 902.0])
    agree(model, 8, [9, 9], Descent(1e-3, 0.9, True, 5e-4))


def test_norms_with_a_momentum_and_epsilon_of_their_own_are_those_of_autograd() -> None:
    model = blurred(network(EVERY_OPERATION))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum, module.eps = 0.3, 0.02
    agree(model, 8, [12, 7])


@pytest.mark.parametrize(("text", "channels", "size"), [(MERGED, 5, 20), (POOLS, 3, 8), (SKIPS, 4, 4), (DEAD, 4, 4)])
def test_nothing_is_read_or_written_beyond_the_memory_it_is_given(monkeypatch, text, channels, size) -> None:
    ends = with_guarded_memory(monkeypatch)
    agree(blurred(network(text, channels, 1, size)), size, [19, 19, 7])
    assert len(ends) > 50
    assert all(bool(end.isnan().all()) for end in ends)


def test_vectors_of_another_length_give_the_same(tmp_path) -> None:
    made = tmp_path / "step.so"
    command = [str(compiled.compiler()), *FLAGS, "-O1", *REALS["double"], "-o", str(made), str(SOURCE), "-lm"]
    subprocess.run(command, check=True)  # for the oldest processor of its kind
    lib = compiled._declared(ctypes.CDLL(str(made)))
    for text in (EVERY_OPERATION, OF_ZEROS):
        agree(blurred(network(text, 5)), 8, [7, 7], lib=lib)


def test_gradients_in_float32_are_exact_to_rounding() -> None:
    """Against float64 autograd, over draws: where no ReLU switches, 1e-5 of their length."""
    distances = []
    for seed in range(5):
        model = network(EVERY_OPERATION, 8, 1, 12)
        exact = copy.deepcopy(model).double()
        x, y = batch(32, 12, seed)
        functional.cross_entropy(exact(x), y).backward()
        flow = model.dataflow()
        assert flow is not None
        program = Program(library(), flow, 12, 32)
        program.update(*whole(x.float(), y), DESCENT)
        theirs = {id(mine): other.grad for mine, other in zip(model.parameters(), exact.parameters(), strict=True)}
        off = sum(float((slope.double() - theirs[id(weight)]).square().sum()) for weight, slope in program.gradients())
        length = sum(float(slope.square().sum()) for slope in theirs.values() if slope is not None)
        distances.append((off / length) ** 0.5)
    assert np.median(distances) < 1e-5


def test_images_are_cut_out_and_mirrored_as_for_torch() -> None:
    model = network(EVERY_OPERATION).double()
    other = copy.deepcopy(model)
    data = TrainingImages(tiny_images(colours=3), torch.device("cpu"))
    data.images = data.images.double()
    flow = model.dataflow()
    assert flow is not None
    program = Program(library("double"), flow, 8, 16, torch.float64)
    for drawn in data.draws(16, torch.Generator().manual_seed(0)):
        x, y = data.take(drawn)
        assert drawn.mirrored.any()
        assert drawn.corner.any()
        _, logits = program.update(data.images, drawn, y, Descent(1e-9, 0.0, False, 0.0))
        torch.testing.assert_close(logits, other(x).detach(), rtol=1e-6, atol=1e-6)


def test_scores_are_those_of_the_network_in_evaluation_and_move_nothing() -> None:
    for text in (EVERY_OPERATION, OF_ZEROS):
        model = blurred(network(text))
        flow = model.dataflow()
        assert flow is not None
        program = Program(library("double"), flow, 8, 16, torch.float64)
        program.update(*whole(*batch(16)), DESCENT)
        before = copy.deepcopy(model.state_dict())
        x, _ = batch(41, seed=9)
        found = program.scores(x)
        model.eval()
        torch.testing.assert_close(found, model(x).detach(), rtol=1e-8, atol=1e-9)
        assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), before.values(), strict=True))


def test_a_loss_that_is_not_finite_is_not_hidden_by_relu() -> None:
    model = network(EVERY_OPERATION)
    with torch.no_grad():
        model.body[0].convolutions["nor_conv_3x3_from_0"][0].weight[0, 0, 0, 0] = float("nan")
    flow = model.dataflow()
    assert flow is not None
    loss, _ = Program(library(), flow, 8, 8).update(*whole(*batch(8, real=torch.float32)), DESCENT)
    assert np.isnan(loss)


def test_a_training_with_native_kernels_is_the_training_with_torch(bench, images) -> None:
    recipe = Recipe(steps=4, batch=16, observe_every=2, learning_rate=0.01)
    architecture = bench.architecture(EVERY_OPERATION)
    tables = [
        train(
            TrainingJob(architecture, lambda: bench.build(architecture, images), images, recipe, {}, 0, kernels=kernels)
        ).table
        for kernels in ("native", "torch")
    ]
    for column, rows in (("train_loss", 2), ("valid_loss", 3)):  # later, rounding has grown
        np.testing.assert_allclose(tables[0][column][:rows], tables[1][column][:rows], rtol=5e-3, err_msg=column)
    for column in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy"):
        np.testing.assert_allclose(tables[0][column], tables[1][column], rtol=0.2, err_msg=column)


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.5, False), (0.5, True), (0.0, False)])
def test_updates_follow_the_whole_recipe_as_torch_does(momentum: float, nesterov: bool) -> None:
    """Rate, schedule, momentum and a weight decay that cannot be overlooked; the last batch of a pass is smaller."""
    recipe = Recipe(steps=6, batch=16, learning_rate=0.01, momentum=momentum, nesterov=nesterov, weight_decay=2.0)
    data = TrainingImages(tiny_images(colours=3), torch.device("cpu"))
    models = [network(EVERY_OPERATION) for _ in range(2)]
    native, plain = (
        Updates(model, data, recipe, torch.Generator().manual_seed(0), kernels)
        for model, kernels in zip(models, ("native", "torch"), strict=True)
    )
    for step in range(6):
        mine, theirs = native.make(step), plain.make(step)
        assert torch.equal(mine[2], theirs[2])
        torch.testing.assert_close(mine[0].float(), theirs[0], rtol=2e-3, atol=0)
    for (name, a), b in zip(models[0].state_dict().items(), models[1].state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=2e-3, atol=2e-4, msg=lambda text, name=name: f"{name}: {text}")


def test_a_network_with_another_head_or_an_odd_side_is_left_to_torch() -> None:
    data = TrainingImages(tiny_images(), torch.device("cpu"))
    model = Network(parse(EVERY_OPERATION), Shape(4, 1, 8, 1, 3))
    assert Updates(model, data, Recipe(steps=1), torch.Generator(), "native").program is not None
    model.head = nn.Sequential(model.head)
    assert Updates(model, data, Recipe(steps=1), torch.Generator(), "native").program is None
    odd = TrainingImages(tiny_images(size=10), torch.device("cpu"))
    model = Network(parse(EVERY_OPERATION), Shape(4, 1, 10, 1, 3))
    assert Updates(model, odd, Recipe(steps=1), torch.Generator(), "native").program is None
