"""The graph without scaling against one that networkx builds edge by edge."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
import torch
from scipy import stats

from harness.benches.one_network.network import build
from harness.measures.literal_graph import LiteralGraph, feature_names
from harness.schema import Scene
from tests.conftest import tiny_images


def slow_graph(model) -> networkx.Graph:
    """The graph as the authors describe it, from the layers of LeNet alone: nothing of `wires` or `rolled_graph`."""
    layers = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    graph, before = networkx.Graph(), [("image", c) for c in range(3)]
    for place, layer in enumerate(layers):
        weight = layer.weight.detach().double()
        after = [(place, o) for o in range(len(weight))]
        for o, node in enumerate(after):
            for c, other in enumerate(before):
                space = weight[o].numel() // len(before)
                graph.add_edge(node, other, weight=float(weight[o].flatten()[c * space : (c + 1) * space].norm()))
        before = after
    return graph


def slow_moments(values) -> list[float]:
    deviation = np.std(values)
    central = [stats.skew(values), stats.kurtosis(values)]
    return [np.mean(values), np.median(values), deviation, *central, min(values), max(values)]


def test_the_summary_is_that_of_a_graph_built_edge_by_edge():
    torch.manual_seed(0)
    model = build("lenet", 0.5, 0.3, tiny_images(colours=3, size=32))
    graph = slow_graph(model)
    degree = [value for _, value in graph.degree(weight="weight")]
    central = list(networkx.eigenvector_centrality_numpy(graph, "weight").values())
    observe = LiteralGraph().observer(Scene(0, 3, model.head.in_features))
    found = observe(model, (torch.randn(4, 3, 32, 32), torch.zeros(4)), 0)["literal_graph"]
    assert len(found) == len(feature_names()) == 14
    assert found == pytest.approx(slow_moments(degree) + slow_moments(np.abs(central)), rel=1e-4)


def test_layers_with_larger_weights_take_the_centrality():
    torch.manual_seed(0)
    model = build("lenet", 1.0, 0.0, tiny_images(colours=3, size=32))
    batch = (torch.randn(4, 3, 32, 32), torch.zeros(4))
    observe = LiteralGraph().observer(Scene(0, 3, 84))
    names = feature_names()
    before = dict(zip(names, observe(model, batch, 0)["literal_graph"], strict=True))
    with torch.no_grad():
        model.head.weight.mul_(100)
    after = dict(zip(names, observe(model, batch, 1)["literal_graph"], strict=True))
    assert after["centrality.median"] < 0.1 * before["centrality.median"]
    assert after["degree.max"] > 10 * before["degree.max"]
