"""Descriptions of a cell, an acyclic graph with an operation on each edge. Nothing here builds a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import chain, combinations, product

import numpy as np

from harness.schema import Description

Edge = tuple[int, int, str]
"""(source, target, operation): an edge goes from a lower node to a higher one."""


def one_hot(choices: Sequence[tuple[str, Sequence[str], str]]) -> Description:
    """Each choice (name, possible values, value) as one 0 or 1 per possible value: the adjacency one-hot encoding of
    White et al. 2020 (arXiv 2007.04965, section 3) where the choices are the operations of all edges.

    >>> one_hot([("a", ("x", "y"), "y")])
    Description(names=('a=x', 'a=y'), values=array([0., 1.]))
    """
    names = tuple(f"{name}={value}" for name, values, _ in choices for value in values)
    return Description(names, np.array([float(v == chosen) for _, values, chosen in choices for v in values]))


def path_encoding(edges: Sequence[Edge], nodes: int, operations: Sequence[str]) -> Description:
    """One 0 or 1 per sequence of `operations` from node 0 to node `nodes` - 1: whether the cell has such a path.

    The path encoding of BANANAS (White et al. 2021, arXiv 1910.11858, section 3), without the paths that an absent
    edge interrupts: `edges` are those that are there. There is an entry for every sequence that is no longer than the
    longest path of such a graph.
    """
    lengths = range(1, nodes)
    names = tuple("-".join(path) for length in lengths for path in product(operations, repeat=length))
    found = {"-".join(path) for path in _paths(edges, nodes)}
    return Description(names, np.array([float(name in found) for name in names]))


def graph_features(edges: Sequence[Edge], nodes: int, operations: Sequence[str]) -> Description:
    """Features of the graph in the manner of GRAF (Kadlecová et al. 2024, arXiv 2404.16551, section 3); which of them
    are taken is [derived].

    `edges` are those that lie on a path from node 0 to node `nodes` - 1, the input and the output. Counts of each
    operation; for every set of operations, over the edges that have one of them: edges from the input and into the
    output, the largest number of edges into and out of an inner node, and, over the paths from input to output of such
    edges alone, their number and the shortest and longest length in edges (`nodes` and 0 where there is none).
    """
    names = [f"count {operation}" for operation in operations]
    values = [float(sum(op == operation for _, _, op in edges)) for operation in operations]
    for chosen in subsets(tuple(operations)):
        kept = [edge for edge in edges if edge[2] in chosen]
        for name, value in _of_subgraph(kept, nodes):
            names.append(f"{name} {'/'.join(chosen)}")
            values.append(value)
    return Description(tuple(names), np.array(values))


@lru_cache
def subsets(operations: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Every set of operations but the empty one, small ones first."""
    sizes = range(1, len(operations) + 1)
    return tuple(chain.from_iterable(combinations(operations, size) for size in sizes))


def _of_subgraph(edges: Sequence[Edge], nodes: int) -> list[tuple[str, float]]:
    """Names and values of what is computed of the edges with operations of one set."""
    lengths = [len(path) for path in _paths(edges, nodes)]
    return [
        ("out of the input", float(sum(source == 0 for source, _, _ in edges))),
        ("into the output", float(sum(target == nodes - 1 for _, target, _ in edges))),
        ("most into a node", _most(edges, nodes, lambda edge: edge[1])),
        ("most out of a node", _most(edges, nodes, lambda edge: edge[0])),
        ("paths", float(len(lengths))),
        ("shortest path", float(min(lengths, default=nodes))),
        ("longest path", float(max(lengths, default=0))),
    ]


def _most(edges: Sequence[Edge], nodes: int, end: Callable[[Edge], int]) -> float:
    """The largest number of edges with one `end` at the same inner node."""
    return float(max((sum(end(edge) == node for edge in edges) for node in range(1, nodes - 1)), default=0))


def _paths(edges: Iterable[Edge], nodes: int) -> list[tuple[str, ...]]:
    """The operations along each path from node 0 to node `nodes` - 1."""
    paths: list[list[tuple[str, ...]]] = [[()], *([] for _ in range(nodes - 1))]
    for source, target, operation in sorted(edges):
        paths[target] += [(*path, operation) for path in paths[source]]
    return paths[-1]
