from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.benches.nasbench201.space import EDGES, Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.naswot import Naswot, kernel, log_determinant
from harness.schema import BadInput, Scene

SCENE = Scene(probe_seed=0, classes=3, features=16)
SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
SHARED = "|nor_conv_3x3~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|nor_conv_3x3~0|skip_connect~1|nor_conv_1x1~2|"
IDLE = "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
EMPTY = "|none~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|nor_conv_3x3~0|none~1|nor_conv_1x1~2|"
SKIPS = "|skip_connect~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
IMAGES = torch.randn(10, 1, 8, 8, generator=torch.Generator().manual_seed(0))
BATCH = (IMAGES, torch.arange(10) % 3)


def network(text):
    torch.manual_seed(0)
    return Network(parse(text), SHAPE).train()


def read(model, batch=BATCH, **keys):
    return Naswot(**keys).observer(SCENE)(model, batch, 0)["naswot"]


def codes_edge_by_edge(model, text, x):
    """On/off codes (B, units) of the benchmark's own network, which has a ReLU before every convolution of a block."""
    operations = dict(zip((f"{target}<{source}" for target, source in EDGES), parse(text).operations, strict=True))
    maps, codes = {"image": x}, []
    for edge in model.connections():
        if edge.slot == "head":
            continue
        value = maps.get(edge.source)
        if value is None:
            continue  # a node that holds nothing: its constant is left out, as the measure says
        place = edge.slot.partition(".")[2]
        if edge.weight is not None and edge.norm is not None:
            if edge.slot != "stem":
                codes.append((value > 0).flatten(1))
                value = value.relu()
            padding, stride = edge.weight.shape[-1] // 2, 2 if place == "first" else 1
            value = functional.conv2d(value, edge.weight, stride=stride, padding=padding)
            value = functional.batch_norm(value, None, None, *edge.norm, training=True)
        elif place == "shortcut":
            value = functional.conv2d(functional.avg_pool2d(value, 2), edge.weight)
        elif operations[place] == "avg_pool_3x3":
            value = functional.avg_pool2d(value, 3, 1, 1, count_include_pad=False)
        maps[edge.target] = maps[edge.target] + value if edge.target in maps else value
    last = functional.batch_norm(
        maps["reduction1"] if "cell2" not in maps else maps["cell2"], None, None, training=True
    )
    return torch.cat([*codes, (last > 0).flatten(1)], dim=1).numpy()


def slow_kernel(codes):
    return np.array([[sum(a == b) for b in codes] for a in codes], dtype=float)


@pytest.mark.parametrize("text", [SHARED, IDLE, EMPTY, SKIPS])
def test_the_kernel_is_that_of_a_network_with_one_relu_for_each_convolution_edge(text):
    model = network(text)
    expected = slow_kernel(codes_edge_by_edge(model, text, IMAGES))
    assert np.abs(kernel(model, IMAGES) - expected).max() <= 2  # a unit at 0 may round to either side
    assert read(model) == pytest.approx(np.linalg.slogdet(expected).logabsdet, abs=0.1)


def test_a_relu_that_three_convolutions_share_counts_three_times():
    units = 4 * 64 * (3 + 1 + 1) + 4 * 64 + 8 * 16 + 8 * 16 * 5 + 8 * 16 + 16 * 4 + 16 * 4 * 5 + 16 * 4
    assert np.diag(kernel(network(SHARED), IMAGES)) == pytest.approx(units)


@pytest.mark.parametrize(
    "rectify",
    [nn.ReLU(), nn.ReLU(inplace=True), torch.relu, functional.relu, lambda x: x.relu(), lambda x: x.relu_()],
)
def test_every_spelling_of_relu_is_seen_once(rectify):
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.one, self.two = nn.Linear(64, 20), nn.Linear(20, 3)

        def forward(self, x):
            return self.two(rectify(self.one(x.flatten(1))))

    model = Plain()
    with torch.no_grad():
        codes = (model.one(IMAGES.flatten(1)) > 0).numpy()
    assert kernel(model, IMAGES) == pytest.approx(slow_kernel(codes))


def test_the_order_of_the_images_and_the_scale_of_the_weights_do_not_matter():
    model, order = network(SHARED), torch.randperm(10, generator=torch.Generator().manual_seed(1))
    before = read(model)
    assert read(model, (IMAGES[order], BATCH[1])) == pytest.approx(before, abs=0.1)
    with torch.no_grad():
        model.stem[0].weight *= 4
    assert read(model) == pytest.approx(before, abs=0.1)


def test_images_that_fall_into_different_regions_score_higher_than_near_copies():
    model = network(SHARED)
    near = IMAGES[:1] + 0.1 * IMAGES
    assert read(model) > read(model, (near, BATCH[1])) + 1


def test_a_singular_kernel_has_no_score():
    assert np.isnan(read(network(DEAD)))
    assert np.isnan(read(network(SHARED), (torch.cat([IMAGES[:5], IMAGES[:5]]), BATCH[1])))
    assert np.isnan(read(nn.Sequential(nn.Flatten(), nn.Linear(64, 3))))
    assert log_determinant(np.diag([2.0, 3.0])) == pytest.approx(np.log(6))


def test_only_the_first_images_count():
    model = network(SHARED)
    assert read(model, images=6) == read(model, (IMAGES[:6], BATCH[1][:6]))


def test_relu_is_left_as_it_was_even_after_an_error():
    class Broken(nn.Module):
        def forward(self, x):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        kernel(Broken(), IMAGES)
    assert torch.overrides._get_current_function_mode() is None
    assert torch.is_grad_enabled()


def test_wrong_settings_are_refused_by_name():
    with pytest.raises(BadInput, match="images"):
        Naswot(images=1)
    with pytest.raises(BadInput, match="every"):
        Naswot(every=0)
