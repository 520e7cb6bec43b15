from __future__ import annotations

import pytest
import torch

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.redraw import redraw

CELL = "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
IMAGES = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def model():
    model = Network(parse(CELL), Shape(colours=1, size=8, classes=3, channels=32, cells=1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 1
    return model


@pytest.mark.parametrize(("weights", "deviation"), [("gaussian", 1.0), ("kaiming", (2 / (9 * 64)) ** 0.5)])
def test_weights_have_the_deviation_that_is_asked_for(model, weights, deviation):
    redraw(model, IMAGES, weights, torch.Generator().manual_seed(0))
    weight = model.body[1].second[0].weight.detach()
    assert float(weight.std()) == pytest.approx(deviation, rel=0.03)
    assert float(weight.mean()) == pytest.approx(0, abs=0.02 * deviation)
    assert not model.head.bias.any()
    assert torch.equal(model.last_norm.weight, torch.ones(128))
    assert not model.last_norm.bias.any()


def test_current_weights_stay(model):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    redraw(model, IMAGES, "current", torch.Generator())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
