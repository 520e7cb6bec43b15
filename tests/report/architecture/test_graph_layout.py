"""Places of an acyclic graph's nodes and edges."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

from harness.report.architecture.graph_layout import Layout, lay_out

CELL = [("in", "1"), ("in", "2"), ("1", "2"), ("in", "out"), ("1", "out"), ("2", "out")]
DARTS = [*[(k, n) for n in "01" for k in ("k-2", "k-1")], ("k-1", "2"), ("0", "2"), ("k-2", "3"), ("0", "3"),
         *[(n, "out") for n in "0123"]]  # fmt: skip
GRAPHS = {
    "cell": CELL,
    "darts": DARTS,
    "chain": [("a", "b"), ("b", "c")],
    "parallel": [("a", "b"), ("a", "b"), ("a", "b")],
    "two pieces": [("a", "b"), ("c", "d"), ("d", "e")],
    "late input": [("a", "b"), ("b", "c"), ("z", "c")],
}


def items(layout: Layout) -> list[tuple[float, float]]:
    """Places of the nodes and of the edges between their ends."""
    return [*layout.nodes.values(), *(point for route in layout.routes for point in route[1:-1])]


def crossings(layout: Layout) -> int:
    pieces = [piece for route in layout.routes for piece in pairwise(route)]
    return sum(a[0] == c[0] and (a[1] - c[1]) * (b[1] - d[1]) < 0 for (a, b), (c, d) in combinations(pieces, 2))


@pytest.mark.parametrize("edges", GRAPHS.values(), ids=GRAPHS)
def test_every_edge_runs_to_the_right_column_by_column_from_its_source_to_its_target(edges):
    layout = lay_out(edges)
    for (source, target), route in zip(edges, layout.routes, strict=True):
        assert route[0] == layout.nodes[source]
        assert route[-1] == layout.nodes[target]
        assert len(route) >= 3
        assert all(b[0] - a[0] == 1 for a, b in pairwise(route))


@pytest.mark.parametrize("edges", GRAPHS.values(), ids=GRAPHS)
def test_nothing_that_shares_a_column_comes_nearer_than_a_row(edges):
    places = items(lay_out(edges))
    assert all(abs(a[1] - b[1]) > 1 - 1e-9 for a, b in combinations(places, 2) if a[0] == b[0])


def test_nodes_stand_behind_their_longest_path():
    layout = lay_out(CELL)
    assert {node: x for node, (x, _) in layout.nodes.items()} == {"in": 0, "1": 2, "2": 4, "out": 6}
    assert layout.columns == 7


PLANAR = [("0", "1"), ("0", "2"), ("0", "3"), ("0", "4"), ("0", "5"), ("1", "3"), ("1", "4"), ("2", "4"), ("2", "5"),
          ("3", "5")]  # fmt: skip
"""Its shortest lines cross."""


@pytest.mark.parametrize("edges", [CELL, PLANAR])
def test_a_planar_graph_is_drawn_without_crossings(edges):
    assert crossings(lay_out(edges)) == 0


def test_a_chain_is_a_straight_line_and_the_whole_is_centred_on_0():
    assert {y for _, y in items(lay_out(GRAPHS["chain"]))} == {0.0}
    low, high = lay_out(CELL).span
    assert low == pytest.approx(-high)
    assert high > 0


def test_the_same_graph_has_the_same_places():
    assert lay_out(DARTS) == lay_out(DARTS)


def test_a_cycle_is_refused_by_the_nodes_in_it():
    with pytest.raises(ValueError, match=r"acyclic.*\['b', 'c'\]"):
        lay_out([("a", "b"), ("b", "c"), ("c", "b")])
