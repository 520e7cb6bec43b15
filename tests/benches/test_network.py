"""The network against a textbook version of it: every edge a module, zeros computed."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from harness.benches.nasbench201 import space
from harness.benches.nasbench201.bench import NasBench201
from harness.benches.nasbench201.pooling import average
from harness.benches.nasbench201.topology_network import CellBlock, Network
from harness.benches.natsbench_sss.bench import NatsBenchSize
from harness.datasets.digits import Digits
from harness.schema.dataflow import Lowerable

SHAPE = space.Shape(channels=4, cells=1, size=8, colours=3, classes=5)
RANDOM = np.random.default_rng(0)
SAMPLE = [space.every_cell()[i] for i in RANDOM.choice(15_625, 25, replace=False)]
SAMPLE += [space.parse(t) for t in ("|none~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|avg_pool_3x3~2|",)]


def textbook_cell(block: CellBlock, cell: space.Cell, x: torch.Tensor) -> torch.Tensor:
    """The cell edge by edge, with the weights and fresh BatchNorms cut out of `block`."""
    nodes, used = [x], dict[str, int]()
    for node in (1, 2, 3):
        total = torch.zeros_like(x)
        for source, operation in cell.into(node):
            key = f"{operation}_from_{source}"
            value = nodes[source]
            if operation == "skip_connect":
                total = total + value
            elif operation == "avg_pool_3x3":
                total = total + functional.avg_pool2d(value, 3, 1, 1, count_include_pad=False)
            elif operation != "none" and key in block.convolutions:
                place = used.get(key, 0)
                if node in space.needed_nodes(cell):
                    used[key] = place + 1
                    rows = slice(place * block.channels, (place + 1) * block.channels)
                    conv, norm = cast(nn.Sequential, block.convolutions[key])
                    y = functional.conv2d(functional.relu(value), conv.weight[rows], padding=conv.padding)
                    total = total + functional.batch_norm(y, None, None, norm.weight[rows], norm.bias[rows], True)
        nodes.append(total)
    return nodes[3]


@pytest.mark.parametrize("cell", SAMPLE, ids=str)
def test_a_cell_computes_what_the_textbook_cell_computes(cell: space.Cell) -> None:
    torch.manual_seed(0)
    block = CellBlock(cell, 4).double()
    for weight in block.parameters():
        nn.init.normal_(weight)
    x, y = (torch.randn(3, 4, 6, 6, dtype=torch.float64).requires_grad_() for _ in range(2))
    y.data.copy_(x.data)
    ours, theirs = block(x), textbook_cell(block, cell, y)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
    if ours.requires_grad:
        signal = torch.randn_like(ours)
        mine = torch.autograd.grad(ours, [x, *block.convolutions.parameters()], signal, allow_unused=True)
        textbook = torch.autograd.grad(theirs, [y, *block.convolutions.parameters()], signal, allow_unused=True)
        for a, b in zip(mine, textbook, strict=True):
            zero = torch.zeros(())
            torch.testing.assert_close(
                (zero if a is None else a) + zero, (zero if b is None else b) + zero, atol=1e-9, rtol=0
            )


@pytest.mark.parametrize("cell", SAMPLE, ids=str)
def test_parameters_and_flops_by_formula_are_those_of_the_built_network(cell: space.Cell) -> None:
    network = Network(cell, SHAPE)
    assert sum(weight.numel() for weight in network.parameters()) == space.params(cell, SHAPE)
    with FlopCounterMode(display=False) as counter:
        network.eval()(torch.zeros(1, 3, 8, 8))
    skipped = sum(  # computed by the benchmark, never by us
        9 * w * w * side**2 if op == "nor_conv_3x3" else w * w * side**2
        for w, side in SHAPE.stages()
        for (target, source), op in zip(space.EDGES, cell.operations, strict=True)
        if op in space.CONVOLUTION_TAPS
        and (target not in space.needed_nodes(cell) or source not in space.filled_nodes(cell))
    )
    constants = sum(  # a convolution of nothing is run on two pixels
        2 * space.CONVOLUTION_TAPS[op] * w * w
        for w, _ in SHAPE.stages()
        for (target, source), op in zip(space.EDGES, cell.operations, strict=True)
        if op in space.CONVOLUTION_TAPS
        and target in space.needed_nodes(cell)
        and source not in space.filled_nodes(cell)
    )
    pooled = {
        source
        for (target, source), op in zip(space.EDGES, cell.operations, strict=True)
        if op == "avg_pool_3x3" and target in space.needed_nodes(cell) and source in space.filled_nodes(cell)
    }
    pools = sum(  # free for the benchmark; a depthwise convolution here, once for each node that is pooled
        9 * w * side**2 * len(pooled) for w, side in SHAPE.stages()
    )
    counted = space.flops(cell, SHAPE) - SHAPE.classes - skipped + constants + pools
    assert counter.get_total_flops() == 2 * counted


def test_the_network_ends_in_batchnorm_and_relu_before_pooling() -> None:
    network = Network(SAMPLE[0], SHAPE)
    features = network.features(torch.randn(16, 3, 8, 8))
    assert features.shape == (16, 16)
    assert features.min() >= 0


@pytest.mark.parametrize(("channels", "cells", "size", "classes"), [(16, 5, 32, 10), (8, 1, 28, 10), (4, 2, 16, 120)])
def test_sizes_and_classes_are_parameters(channels: int, cells: int, size: int, classes: int) -> None:
    network = Network(SAMPLE[1], space.Shape(channels, cells, size, 1, classes))
    assert network(torch.zeros(2, 1, size, size)).shape == (2, classes)


@pytest.mark.parametrize("side", [1, 2, 3, 6])
def test_average_pooling_and_its_gradients_are_those_of_torch(side: int) -> None:
    x = torch.randn(2, 3, side, side, dtype=torch.float64, requires_grad=True)
    expected = functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    torch.testing.assert_close(average(x), expected)
    signal = torch.randn_like(x)
    torch.testing.assert_close(
        torch.autograd.grad(average(x), x, signal)[0], torch.autograd.grad(expected, x, signal)[0]
    )
    assert torch.autograd.gradgradcheck(average, x)


def test_what_a_cell_computes_in_place_leaves_its_input_alone() -> None:
    for cell in SAMPLE:
        x = torch.randn(2, 4, 6, 6)
        before = x.clone()
        CellBlock(cell, 4)(x)
        assert torch.equal(x, before)


def test_a_dead_architecture_can_be_trained_and_ignores_its_input_after_the_cells() -> None:
    dead = space.parse("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|none~0|none~1|none~2|")
    network = Network(dead, SHAPE).eval()
    a, b = (network(torch.randn(2, 3, 8, 8)) for _ in range(2))
    torch.testing.assert_close(a, b)
    functional.cross_entropy(Network(dead, SHAPE)(torch.randn(4, 3, 8, 8)), torch.arange(4)).backward()


EDGES = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_3x3~1|+|nor_conv_3x3~0|none~1|avg_pool_3x3~2|"


def test_connections_are_the_edges_of_every_cell_with_the_weights_that_compute_them() -> None:
    """The output of each convolution edge, recomputed alone from its own weight, adds up to the cell's."""
    torch.manual_seed(0)
    shape = space.Shape(channels=4, cells=1, size=8, colours=1, classes=3)
    model = Network(space.parse(EDGES), shape).eval()
    found = {c.slot: c for c in model.connections()}
    assert [s for s in found if s.startswith("cell1.")] == [
        "cell1.1<0", "cell1.2<0", "cell1.2<1", "cell1.3<0", "cell1.3<2",
    ]  # fmt: skip
    assert {"stem", "head", "reduction0.first", "reduction1.second", "reduction1.shortcut"} <= set(found)
    assert found["stem"].source == "image" and found["cell0.1<0"].source == "stem"
    assert found["cell1.3<0"].source == found["cell1.1<0"].source == "reduction0"
    assert found["head"].source == "cell2" and found["head"].weight is model.head.weight
    cell, x = model.body[2], torch.randn(2, 8, 4, 4)

    def edge(slot: str, value: torch.Tensor) -> torch.Tensor:
        weight, (scale, shift) = found[slot].weight, found[slot].norm
        z = torch.nn.functional.conv2d(value.relu(), weight, padding=weight.shape[-1] // 2)
        return z / (1 + 1e-5) ** 0.5 * scale[:, None, None] + shift[:, None, None]

    first = edge("cell1.1<0", x)
    second = x + edge("cell1.2<1", first)
    pooled = torch.nn.functional.avg_pool2d(second, 3, 1, 1, count_include_pad=False)
    assert torch.allclose(cell(x), edge("cell1.3<0", x) + pooled, atol=1e-5)


def test_a_dead_cell_has_no_connection_and_a_replaced_head_none_of_its_own() -> None:
    shape = space.Shape(channels=4, cells=1, size=8, colours=1, classes=3)
    model = Network(space.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"), shape)
    model.head = torch.nn.Sequential(torch.nn.Linear(16, 3))
    assert not [c for c in model.connections() if c.slot.startswith(("cell", "head"))]


@pytest.mark.parametrize("bench", [NasBench201(), NatsBenchSize()])
def test_a_lowerable_benchmark_builds_networks_that_write_down_their_forward_pass(bench):
    images = Digits(train_images=8, valid_images=8, test_images=8).load()
    network = bench.build(bench.sample(1, seed=0)[0], images)
    assert bench.lowerable
    assert isinstance(network, Lowerable)
    assert network.dataflow() is not None
