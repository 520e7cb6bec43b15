from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.wiring import strengths, wires
from harness.schema import BadInput, Connection

IMAGES = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(0))


def of(weight):
    return strengths(Connection("", "a", "b", weight))


def test_a_network_that_tells_its_connections_is_believed():
    shape = Shape(colours=3, size=8, classes=3, channels=4, cells=1)
    cell = "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
    model = Network(parse(cell), shape)
    assert [c.slot for c in wires(model, IMAGES)] == [c.slot for c in model.connections()]


def test_a_chain_is_wired_in_the_order_of_the_calls_and_without_what_is_never_called():
    class Chain(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.idle, self.first = nn.Linear(5, 2), nn.Linear(5, 5), nn.Conv2d(3, 5, 3)

        def forward(self, x):
            return self.last(self.first(x).mean(dim=(2, 3)))

    found = wires(Chain(), IMAGES)
    assert [(c.slot, c.source, c.target) for c in found] == [("first", "image", "first"), ("last", "first", "logits")]
    assert found[1].weight.shape == (2, 5)


def test_an_edge_is_the_norm_of_the_kernels_slice():
    weight = torch.randn(4, 3, 3, 3)
    slow = [[sum(float(w) ** 2 for w in weight[o, c].flatten()) ** 0.5 for c in range(3)] for o in range(4)]
    assert of(weight).tolist() == [pytest.approx(row, rel=1e-5) for row in slow]


def test_an_edge_of_a_dense_layer_is_the_size_of_its_weight():
    weight = torch.randn(4, 3)
    assert torch.equal(of(weight), weight.abs())


def test_behind_a_flattened_map_the_norm_is_over_the_positions_of_a_channel():
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Flatten(), nn.Linear(5 * 16, 2))
    edges = strengths(wires(model, IMAGES)[1])
    weight = model[2].weight
    assert edges.shape == (2, 5)
    assert edges[1, 2].item() == pytest.approx(weight[1, 2 * 16 : 3 * 16].norm().item(), rel=1e-5)


def test_a_dense_network_on_images_reads_colours():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 36, 4), nn.ReLU(), nn.Linear(4, 2))
    assert [strengths(c).shape for c in wires(model, IMAGES)] == [(4, 3), (2, 4)]


def test_the_groups_of_a_convolution_read_their_own_channels_alone():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 6, 3, groups=2), nn.Flatten(), nn.Linear(6 * 16, 2))
    full = wires(model, IMAGES)[1].weight
    x = torch.randn(2, 4, 6, 6)
    grouped = model[1](x) - model[1].bias[:, None, None]
    assert torch.allclose(nn.functional.conv2d(x, full), grouped, atol=1e-5)
    assert (strengths(Connection("", "", "", full)) > 0).sum() == 6 * 2


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(2), nn.Linear(1, 2)),
        nn.Sequential(nn.ConvTranspose2d(3, 4, 3)),
    ],
)
def test_what_is_no_chain_is_refused_by_name(model):
    with pytest.raises(BadInput, match=r"measure\.temporal_graph: must be applied to a chain .* after \d channels"):
        wires(model, IMAGES)
