from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.l2_norm import L2Norm
from harness.schema import Scene

SCENE = Scene(probe_seed=0, classes=3, features=16)
SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
MERGED = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|nor_conv_3x3~0|skip_connect~1|skip_connect~2|"
IDLE = "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
BATCH = (torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 0]))


def network(text):
    torch.manual_seed(0)
    return Network(parse(text), SHAPE)


def read(model):
    return L2Norm().observer(SCENE)(model, BATCH, 0)["l2_norm"]


def norm(weight):
    return np.sqrt(sum(w**2 for w in weight.detach().flatten().tolist()))


@pytest.mark.parametrize("text", [MERGED, IDLE, DEAD])
def test_convolutions_that_run_as_one_count_as_the_layers_that_they_are(text):
    expected = 0.0
    for name, module in network(text).named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear) and ".idle." not in name:
            edges = module.out_channels // module.in_channels if ".convolutions." in name else 1
            expected += sum(map(norm, module.weight.chunk(edges)))
    assert read(network(text)) == pytest.approx(expected, rel=1e-6)


def test_it_grows_with_the_weights_and_not_with_biases_or_batch_norm():
    model = network(MERGED)
    before = read(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 3 if parameter.dim() > 1 else 100
    assert read(model) == pytest.approx(3 * before, rel=1e-5)


def test_a_network_that_does_not_tell_its_graph_counts_each_layer_that_is_called():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3))
    model.idle = nn.Linear(2, 2)
    model.forward = lambda x: model[3](model[2](model[1](model[0](x))))
    assert read(model) == pytest.approx(norm(model[0].weight) + norm(model[3].weight), rel=1e-6)
    assert read(nn.Flatten()) == 0
