from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.movement import Movement
from harness.schema import Scene

SCENE = Scene(probe_seed=0, classes=3, features=16)
SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
IDLE_CELL = "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
BATCH = (torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 0]))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Network(parse(IDLE_CELL), SHAPE)


def weights(model):
    """Every weight that counts, one number at a time, by the names the network gives its layers."""
    layers = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    return [w for name, module in layers if ".idle." not in name for w in module.weight.detach().flatten().tolist()]


def train_a_little(model):
    for _ in range(3):
        model.zero_grad()
        nn.functional.cross_entropy(model(BATCH[0]), BATCH[1]).backward()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.grad is not None:
                    parameter -= 0.1 * parameter.grad


def test_the_three_sums_agree_with_a_slow_loop(model):
    observe = Movement().observer(SCENE)
    observe(model, BATCH, 0)
    before = weights(model)
    train_a_little(model)
    after = weights(model)
    seen = observe(model, BATCH, 3)
    pairs = list(zip(before, after, strict=True))
    assert seen == pytest.approx(
        {
            "movement": sum(abs(b - a) for a, b in pairs),
            "weight_norm": sum(abs(b) for _, b in pairs),
            "magnitude_increase": sum(abs(b) - abs(a) for a, b in pairs),
        },
        rel=1e-5,
    )
    assert seen["movement"] > 0


def test_nothing_has_moved_at_the_first_call(model):
    seen = Movement().observer(SCENE)(model, BATCH, 0)
    assert seen["movement"] == seen["magnitude_increase"] == 0 < seen["weight_norm"]


def test_every_observer_has_a_beginning_of_its_own(model):
    measure = Movement()
    measure.observer(SCENE)(model, BATCH, 0)
    train_a_little(model)
    assert measure.observer(SCENE)(model, BATCH, 0)["movement"] == 0


def test_a_shift_of_every_weight_moves_by_its_size_times_their_number():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 5), nn.BatchNorm1d(5), nn.Linear(5, 3))
    observe = Movement().observer(SCENE)
    observe(model, BATCH, 0)
    with torch.no_grad():
        for parameter in model.parameters():  # biases and BatchNorm move as well, and must not count
            parameter += 0.25
    assert observe(model, BATCH, 1)["movement"] == pytest.approx(0.25 * (64 * 5 + 5 * 3), rel=1e-5)


def test_weights_that_grow_increase_in_magnitude_and_weights_that_cross_zero_only_move():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    observe = Movement().observer(SCENE)
    norm = observe(model, BATCH, 0)["weight_norm"]
    with torch.no_grad():
        model[1].weight *= 2
    assert observe(model, BATCH, 1)["magnitude_increase"] == pytest.approx(norm, rel=1e-5)
    with torch.no_grad():
        model[1].weight *= -0.5
    crossed = observe(model, BATCH, 2)
    assert crossed["magnitude_increase"] == pytest.approx(0, abs=1e-5)
    assert crossed["movement"] == pytest.approx(2 * norm, rel=1e-5)


def test_the_memory_format_does_not_matter(model):
    channels_last = Network(parse(IDLE_CELL), SHAPE)
    channels_last.load_state_dict(model.state_dict())
    channels_last.to(memory_format=torch.channels_last)
    observe = Movement().observer(SCENE)
    observe(model, BATCH, 0)
    assert observe(channels_last, BATCH, 1)["movement"] == 0


def test_a_network_without_such_layers_does_not_move():
    assert set(Movement().observer(SCENE)(nn.Flatten(), BATCH, 0).values()) == {0.0}


def test_columns_are_numbers(model):
    seen = Movement().observer(SCENE)(model, BATCH, 0)
    assert tuple(seen) == Movement().columns
    assert all(type(value) is float and np.isfinite(value) for value in seen.values())
