from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.edges import Edge, edges
from harness.schema import Connection

SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
MERGED_CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_1x1~0|nor_conv_3x3~1|skip_connect~2|"
IDLE_CELL = "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
IMAGES = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("cell", [MERGED_CELL, IDLE_CELL])
def test_every_edge_cuts_the_weight_of_its_connection(cell, memory):
    model = Network(parse(cell), SHAPE).to(memory_format=memory)
    told = {c.slot: c.weight for c in model.connections() if c.weight is not None}
    found = {edge.slot: edge.cut(model.get_parameter(edge.parameter)) for edge in edges(model, IMAGES)}
    assert found.keys() == told.keys()
    assert all(found[slot].data_ptr() == told[slot].data_ptr() for slot in told)
    assert all(torch.equal(found[slot], told[slot]) for slot in told)


def test_convolutions_that_run_as_one_are_told_apart_and_none_is_lost():
    model = Network(parse(MERGED_CELL), SHAPE)
    found = edges(model, IMAGES)
    shared = [edge for edge in found if edge.parameter == "body.0.convolutions.nor_conv_3x3_from_0.0.weight"]
    assert [(edge.slot, edge.start, edge.stop) for edge in shared] == [("cell0.1<0", 0, 4), ("cell0.2<0", 4, 8)]
    sizes = {name: len(model.get_parameter(name)) for name in {edge.parameter for edge in found}}
    assert sum(sizes.values()) == sum(edge.stop - edge.start for edge in found)


def test_idle_edges_are_left_out():
    found = edges(Network(parse(IDLE_CELL), SHAPE), IMAGES)
    assert not [edge for edge in found if ".idle." in edge.parameter]


def test_a_network_that_tells_no_connections_has_one_edge_a_layer_in_the_order_of_the_calls():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 3))
    assert edges(model, IMAGES) == [Edge("0", "0.weight", 0, 2), Edge("3", "3.weight", 0, 3)]


def test_a_layer_at_work_that_no_connection_tells_counts_whole():
    model = Network(parse(IDLE_CELL), SHAPE)
    model.head = nn.Sequential(nn.Linear(16, 5), nn.ReLU(), nn.Linear(5, 3))
    assert edges(model, IMAGES)[-2:] == [Edge("head.0", "head.0.weight", 0, 5), Edge("head.2", "head.2.weight", 0, 3)]


def test_a_weight_that_is_no_block_of_rows_is_refused_by_its_slot():
    class Strided(nn.Linear):
        def connections(self) -> list[Connection]:
            return [Connection("every second row", "a", "b", self.weight[::2])]

    with pytest.raises(ValueError, match="every second row"):
        edges(Strided(4, 4), torch.zeros(2, 4))
