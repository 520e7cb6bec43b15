from __future__ import annotations

import networkx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import block_diag, csr_array
from scipy.sparse.linalg import ArpackNoConvergence

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures import rolled_graph as module
from harness.measures.rolled_graph import centrality, degrees, rolled_graph
from harness.schema import Connection

SHAPE = Shape(colours=3, size=8, classes=5, channels=4, cells=1)
MIXED = "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"


def network(cell=MIXED):
    torch.manual_seed(0)
    return Network(parse(cell), SHAPE)


def random_graph(size, density, seed):
    random = np.random.default_rng(seed)
    upper = np.triu(random.random((size, size)) * (random.random((size, size)) < density), 1)
    return csr_array(upper + upper.T)


def test_the_graph_agrees_with_one_built_edge_by_edge():
    connections = network().connections()
    slow = networkx.Graph()
    for c in connections:
        if c.weight is None:
            pairs = [((c.source, i), (c.target, i), 1.0) for i in range(SHAPE.channels * width(c.source))]
        else:
            pairs = [
                ((c.source, i), (c.target, o), float(c.weight[o, i].detach().flatten().norm()))
                for o in range(c.weight.shape[0])
                for i in range(c.weight.shape[1])
            ]
        for one, other, weight in pairs:
            before = slow.get_edge_data(one, other, {"weight": 0.0})["weight"]
            slow.add_edge(one, other, weight=before + weight)
    graph = rolled_graph(connections)
    nodes = [(name, i) for name, where in graph.maps.items() for i in range(where.stop - where.start)]
    assert set(nodes) == set(slow)
    assert graph.matrix.toarray() == pytest.approx(networkx.to_numpy_array(slow, nodes), rel=1e-5)
    assert degrees(graph) == pytest.approx([slow.degree(node, "weight") for node in nodes], rel=1e-5)
    scaled = [
        sum(edge["weight"] / sum(name == other for name, _ in nodes) ** 0.5 for (other, _), edge in slow[node].items())
        for node in nodes
    ]
    assert degrees(graph, per_width=True) == pytest.approx(scaled, rel=1e-5)
    eigenvector = networkx.eigenvector_centrality_numpy(slow, "weight")
    assert centrality(graph.matrix) == pytest.approx([eigenvector[node] for node in nodes], rel=1e-4)


def width(name):
    """Widening of the stage of a map of a network with one cell a stage."""
    return 4 if name.startswith(("cell2", "reduction1")) else 2 if name.startswith(("cell1", "reduction0")) else 1


def test_connections_between_the_same_nodes_add():
    one, other = torch.tensor([[1.0, -2.0]]), torch.tensor([[3.0, 4.0]])
    graph = rolled_graph([Connection("a", "x", "y", one), Connection("b", "x", "y", other)])
    assert graph.matrix.toarray().tolist() == [[0, 0, 4], [0, 0, 6], [4, 6, 0]]


def test_a_map_of_identities_has_the_width_of_what_it_passes_on_and_one_of_unknown_width_is_left_out():
    weight = torch.ones(3, 2)
    late = [Connection("a", "p", "q", None), Connection("b", "q", "r", None), Connection("c", "r", "s", weight)]
    graph = rolled_graph([*late, Connection("d", "nothing", "more nothing", None)])
    assert {name: where.stop - where.start for name, where in graph.maps.items()} == {"p": 2, "q": 2, "r": 2, "s": 3}
    assert rolled_graph(late[:1]).matrix.shape == rolled_graph([]).matrix.shape == (0, 0)


def test_normalised_blocks_have_largest_singular_value_one_and_forget_the_size_of_the_weights():
    connections = network().connections()
    graph = rolled_graph(connections, normalise=True)
    grown = [
        Connection(c.slot, c.source, c.target, None if c.weight is None else c.weight * 3.0**i)
        for i, c in enumerate(connections)
    ]
    assert rolled_graph(grown, True).matrix.toarray() == pytest.approx(graph.matrix.toarray(), rel=1e-5)
    block = graph.matrix[graph.maps["stem"], graph.maps["image"]]
    assert np.linalg.norm(block.toarray(), 2) == pytest.approx(1)
    zero = rolled_graph([Connection("a", "x", "y", torch.zeros(2, 3))], normalise=True)
    assert zero.matrix.toarray().tolist() == np.zeros((5, 5)).tolist()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", [7, module.DENSE, 150])
def test_centrality_agrees_with_networkx(seed, size):
    matrix = random_graph(size, 0.3, seed)
    graph = networkx.from_scipy_sparse_array(matrix)
    if not networkx.is_connected(graph):
        matrix, graph = (m := csr_array(matrix.toarray() + 0.01 * ~np.eye(size, dtype=bool))), networkx.Graph(m)
    reference = networkx.eigenvector_centrality(graph, 5000, 1e-12, weight="weight")
    assert centrality(matrix) == pytest.approx([reference[i] for i in range(size)], rel=1e-6)


def test_a_bipartite_graph_which_power_iteration_swings_on_has_a_centrality():
    star = np.zeros((5, 5))
    star[0, 1:] = star[1:, 0] = 1
    assert centrality(csr_array(star)) == pytest.approx([0.5**0.5, *[0.125**0.5] * 4])


@given(seed=st.integers(0, 10_000), scale=st.floats(1e-3, 1e3), big=st.booleans())
@settings(max_examples=25, deadline=None)
def test_centrality_ignores_the_scale_of_the_weights_and_follows_the_order_of_the_nodes(seed, scale, big):
    matrix = random_graph(100 if big else 9, 0.5, seed)
    order = np.random.default_rng(seed).permutation(matrix.shape[0])
    before = centrality(matrix)
    assert centrality(matrix * scale) == pytest.approx(before, abs=1e-6)
    assert centrality(csr_array(matrix[order][:, order])) == pytest.approx(before[order], abs=1e-6)
    assert np.linalg.norm(before) == pytest.approx(1) or not matrix.nnz


@pytest.mark.parametrize("size", [8, 60])
def test_components_that_share_the_leading_eigenvalue_share_the_centrality(size):
    one = random_graph(size, 0.6, 1)
    alone = centrality(one)
    both = centrality(csr_array(block_diag([one, one])))
    assert both == pytest.approx(np.concatenate([alone, alone]) / 2**0.5, abs=1e-5)


@pytest.mark.parametrize("size", [8, 80])
def test_nodes_outside_the_leading_component_and_isolated_ones_have_no_centrality(size):
    strong, weak = random_graph(size, 0.6, 1), random_graph(size, 0.6, 2)
    found = centrality(csr_array(block_diag([strong, 0.1 * weak, csr_array((3, 3))])))
    assert found[:size] == pytest.approx(centrality(strong), abs=1e-6)
    assert found[size:] == pytest.approx(0, abs=1e-6)
    assert centrality(csr_array((4, 4))).tolist() == [0] * 4
    assert centrality(csr_array((0, 0))).tolist() == []


@pytest.mark.parametrize("size", [9, 100])
def test_a_weight_that_is_not_finite_leaves_no_centrality(size):
    broken = random_graph(size, 0.5, 0)
    broken.data[0] = np.nan
    assert np.isnan(centrality(broken)).all()
    connections = [Connection("a", "x", "y", torch.tensor([[1.0, float("nan")]]))]
    assert np.isnan(centrality(rolled_graph(connections, normalise=True).matrix)).all()


def test_an_eigenvector_that_is_not_found_is_nan(monkeypatch):
    matrix = random_graph(100, 0.5, 0)

    def gives_up(*_, **__):
        raise ArpackNoConvergence("no", np.zeros(0), np.zeros((100, 0)))

    monkeypatch.setattr(module, "eigsh", gives_up)
    assert np.isnan(centrality(matrix)).all()
    monkeypatch.setattr(module, "eigsh", lambda *_, **__: (np.ones(1), np.ones((100, 1))))
    assert np.isnan(centrality(matrix)).all()


def test_a_dead_network_has_a_graph():
    graph = rolled_graph(network("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|").connections(), normalise=True)
    found = centrality(graph.matrix)
    assert np.isfinite(found).all() and found.min() >= 0 and found.any()
