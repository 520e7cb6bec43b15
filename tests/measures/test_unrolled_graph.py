from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from harness.measures.rolled_graph import degrees, rolled_graph
from harness.measures.unrolled_graph import unrolled_graph
from harness.measures.wiring import strengths, wires
from harness.schema import BadInput

SIDE = 5
IMAGES = torch.randn(2, 2, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def single(padding=0, mode="zeros"):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 3, padding=padding, padding_mode=mode))


def edges_of(model, channel_in, channel_out, side_out):
    """Edges from the units of one channel of the image to those of one channel of a single convolution."""
    block = unrolled_graph(model, (2, SIDE, SIDE)).toarray()[: 2 * SIDE**2, 2 * SIDE**2 :]
    rows = slice(channel_in * SIDE**2, (channel_in + 1) * SIDE**2)
    return block[rows, channel_out * side_out**2 : (channel_out + 1) * side_out**2]


def test_every_edge_agrees_with_a_slow_loop_over_the_kernel():
    torch.manual_seed(0)
    layer = nn.Conv2d(2, 3, 3, stride=2, padding=1)
    slow = np.zeros((2, SIDE, SIDE, 3, 3, 3))
    for o, c, i, j, y, x in np.ndindex(3, 2, 3, 3, 3, 3):
        row, column = 2 * y + i - 1, 2 * x + j - 1
        if 0 <= row < SIDE and 0 <= column < SIDE:
            slow[c, row, column, o, y, x] = abs(layer.weight[o, c, i, j].item())
    found = unrolled_graph(nn.Sequential(layer), (2, SIDE, SIDE)).toarray()
    assert found[:50, 50:] == pytest.approx(slow.reshape(50, 27), rel=1e-6)
    assert not found[50:].any() and not found[:, :50].any()


def test_the_graph_is_a_chain_of_layers_without_cycles():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(27, 4), nn.Tanh(), nn.Linear(4, 2))
    matrix = unrolled_graph(model, (2, SIDE, SIDE)).toarray()
    assert matrix.shape == (50 + 27 + 4 + 2,) * 2
    assert not np.tril(matrix).any()
    assert matrix[50:77, 77:81] == pytest.approx(model[3].weight.detach().abs().numpy().T)


@pytest.mark.parametrize(("padding", "mode", "side"), [(0, "zeros", SIDE - 2), (1, "circular", SIDE)])
def test_the_rolled_edge_is_the_norm_of_the_unrolled_edges_of_two_channels_over_the_root_of_the_positions(
    padding, mode, side
):
    model = single(padding, mode)
    rolled = strengths(wires(model, IMAGES)[0])
    for o, c in np.ndindex(3, 2):
        unrolled = edges_of(model, c, o, side)
        assert np.linalg.norm(unrolled) / side == pytest.approx(float(rolled[o, c]), rel=1e-5)
        assert np.linalg.norm(unrolled, axis=0) == pytest.approx(float(rolled[o, c]), rel=1e-5)


def test_at_a_padded_border_units_have_lost_part_of_the_norm():
    model = single(padding=1)
    rolled = float(strengths(wires(model, IMAGES)[0])[1, 0])
    norms = np.linalg.norm(edges_of(model, 0, 1, SIDE), axis=0).reshape(SIDE, SIDE)
    assert norms[1:-1, 1:-1] == pytest.approx(rolled, rel=1e-5)
    assert (norms[0] < rolled).all()


def test_behind_a_flattened_map_the_rolled_edge_is_the_norm_of_all_unrolled_edges():
    model = nn.Sequential(nn.Flatten(), nn.Linear(2 * SIDE**2, 3))
    block = unrolled_graph(model, (2, SIDE, SIDE)).toarray()[:50, 50:].reshape(2, SIDE**2, 3)
    rolled = strengths(wires(model, IMAGES)[0]).detach().numpy()
    assert np.allclose(np.linalg.norm(block, axis=1).T, rolled, rtol=1e-5)


def test_the_unrolled_in_degree_lies_between_the_rolled_one_and_that_times_the_side_of_the_kernel():
    model = single()
    unrolled = unrolled_graph(model, (2, SIDE, SIDE)).toarray().sum(axis=0)[50:].reshape(3, -1)
    graph = rolled_graph(wires(model, IMAGES))
    rolled = degrees(graph)[graph.maps["logits"]][:, None]
    assert (rolled < unrolled).all() and (unrolled < 3 * rolled).all()


def test_the_bias_is_no_edge():
    model = single()
    before = unrolled_graph(model, (2, SIDE, SIDE)).toarray()
    model[0].bias.data += 7
    assert np.array_equal(unrolled_graph(model, (2, SIDE, SIDE)).toarray(), before)


def test_a_layer_that_is_not_known_is_refused():
    with pytest.raises(BadInput, match="MaxPool2d"):
        unrolled_graph(nn.Sequential(nn.MaxPool2d(2)), (2, 4, 4))
