from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.fisher import Fisher, fisher
from harness.schema import BadInput, Scene

SCENE = Scene(probe_seed=0, classes=3, features=16)
SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
BATCH = (torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0)).double(), torch.arange(6) % 3)
CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
DEAD_CELLS = [
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    "|none~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|",  # a constant, not zeros
]


def plain():
    """Two convolutions without BatchNorm and a head: each image's loss depends on that image alone."""
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return nn.Sequential(*layers, nn.Linear(3, 3)).double()


def slow(model, images, labels):
    """One image, one activation, one channel and one of its weights at a time, as the cited code sums; the loss is
    differentiated in the activation as a leaf."""
    total, count = 0.0, len(images)
    for image, label in zip(images, labels, strict=True):
        for place in (0, 2, 6):
            activation = model[: place + 1](image[None]).detach().requires_grad_()
            (nn.functional.cross_entropy(model[place + 1 :](activation), label[None]) / count).backward()
            product = (activation.detach() * activation.grad).numpy()[0]
            for channel, weights in zip(product, model[place].weight, strict=True):
                for _ in weights.flatten():
                    total += float(np.sum(channel)) ** 2 / (2 * count)
    return total


def test_it_agrees_with_a_loop_over_images_layers_and_channels():
    model = plain()
    assert float(fisher(model, BATCH)) == pytest.approx(slow(model, *BATCH), rel=1e-10)


def test_merged_convolutions_count_as_separate_ones():
    torch.manual_seed(0)
    merged, head = nn.Conv2d(1, 4, 3, bias=False).double(), nn.Linear(2, 3).double()
    one, two = (nn.Conv2d(1, 2, 3, bias=False).double() for _ in range(2))
    with torch.no_grad():
        one.weight.copy_(merged.weight[:2])
        two.weight.copy_(merged.weight[2:])

    class Sum(nn.Module):
        def __init__(self, *convolutions):
            super().__init__()
            self.convolutions, self.head = nn.ModuleList(convolutions), head

        def forward(self, x):
            a, b = torch.cat([c(x) for c in self.convolutions], 1).split(2, 1)
            return self.head((a.tanh() + b.sigmoid()).mean((2, 3)))

    assert float(fisher(Sum(merged), BATCH)) == pytest.approx(float(fisher(Sum(one, two), BATCH)), rel=1e-12)


@given(order=st.permutations(range(6)))
@settings(max_examples=8, deadline=None)
def test_the_order_of_the_images_does_not_matter(order):
    torch.manual_seed(0)
    model = Network(parse(CELL), SHAPE).double()
    again = fisher(model, (BATCH[0][order], BATCH[1][order]))
    assert float(again) == pytest.approx(float(fisher(model, BATCH)), rel=1e-9)


def test_a_channel_that_nobody_reads_adds_nothing():
    """The promise of the method: what is useless to the loss has no Fisher information."""
    model = plain()
    with torch.no_grad():
        model[2].weight[:, 1] = 0
    before = float(fisher(model, BATCH))
    with torch.no_grad():
        model[0].weight[1], model[0].bias[1] = 5.0, 1.0
    assert float(fisher(model, BATCH)) == pytest.approx(before, rel=1e-10)
    assert before > 0


def test_it_vanishes_where_the_network_is_sure_and_right():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 3, bias=False))
    with torch.no_grad():
        model[1].weight.copy_(30 * torch.eye(3))
    images = torch.eye(3).reshape(3, 1, 1, 3)
    assert float(fisher(model, (images, torch.arange(3)))) < 1e-6
    assert float(fisher(model, (images, torch.tensor([1, 2, 0])))) > 1


def test_batchnorm_takes_the_statistics_of_the_batch():
    torch.manual_seed(0)
    model = Network(parse(CELL), SHAPE).double()
    observe = Fisher().observer(SCENE)
    before = observe(model, BATCH, 0)["fisher"]
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.running_var.fill_(100.0)
    assert observe(model, BATCH, 1)["fisher"] == pytest.approx(before)


def test_only_the_first_images_count_and_nothing_stays_hooked():
    model = plain()
    assert Fisher(images=4).observer(SCENE)(model, BATCH, 0)["fisher"] == float(
        fisher(model, (BATCH[0][:4], BATCH[1][:4]))
    )
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("text", DEAD_CELLS)
def test_a_dead_network_gives_a_finite_number(text):
    torch.manual_seed(0)
    model = Network(parse(text), SHAPE).double()
    assert np.isfinite(Fisher().observer(SCENE)(model, BATCH, 0)["fisher"])


def test_a_network_without_layers_has_none_and_what_is_not_finite_is_nan():
    assert Fisher().observer(SCENE)(nn.Flatten(), BATCH, 0) == {"fisher": 0.0}
    model = plain()
    with torch.no_grad():
        model[0].weight[0] = torch.inf
    assert np.isnan(Fisher().observer(SCENE)(model, BATCH, 0)["fisher"])


@pytest.mark.parametrize("key", ["images", "every"])
def test_a_wrong_setting_is_named(key):
    with pytest.raises(BadInput, match=rf"measure\.fisher\.{key}: must be .*\(got 0"):
        Fisher(**{key: 0})
