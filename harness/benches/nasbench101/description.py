"""Descriptions of a NAS-Bench-101 cell by numbers."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np

from harness.benches.cell_description import Edge, graph_features
from harness.benches.nasbench101.space import OPERATIONS, OUTPUT, VERTICES, Cell
from harness.schema import Description

KINDS = ("features", "operations", "paths")

LAST = VERTICES - 1
"""The output's place in every description, whatever the number of vertices."""


@lru_cache(2**16)
def description(cell: Cell, kind: str) -> Description:
    """Of a `kind`: "operations", every possible edge as 0 or 1 and the operation of each inner vertex one-hot, nothing
    for a vertex that the cell lacks (White et al. 2020, arXiv 2007.04965, section 3); "paths", one 0 or 1 per possible
    sequence of operations from input to output, the empty one among them (White et al. 2021, arXiv 1910.11858);
    "features", those of `graph_features`, an edge having the operation of the vertex that it leads to."""
    return {"operations": _operations, "paths": _paths, "features": _features}[kind](cell)


def _place(cell: Cell, vertex: int) -> int:
    return LAST if vertex == cell.output else vertex


def _operations(cell: Cell) -> Description:
    there = {(source, _place(cell, target)) for source, target in cell.edges()}
    pairs = [(source, target) for target in range(1, VERTICES) for source in range(target)]
    names = [f"{source}-{target}" for source, target in pairs]
    values = [float(pair in there) for pair in pairs]
    for vertex in range(1, LAST):
        own = cell.operation(vertex) if vertex in cell.inner() else ""
        names += [f"{vertex}={operation}" for operation in OPERATIONS]
        values += [float(own == operation) for operation in OPERATIONS]
    return Description(tuple(names), np.array(values))


def _paths(cell: Cell) -> Description:
    lengths = range(VERTICES - 1)
    possible = [path for length in lengths for path in product(OPERATIONS, repeat=length)]
    ways: list[set[tuple[str, ...]]] = [{()}]
    for vertex in range(1, cell.output + 1):
        own = () if vertex == cell.output else (cell.operation(vertex),)
        ways.append({(*path, *own) for source in cell.into(vertex) for path in ways[source]})
    names = tuple("-".join(path) or "none" for path in possible)
    return Description(names, np.array([float(path in ways[-1]) for path in possible]))


def _features(cell: Cell) -> Description:
    edges: list[Edge] = []
    for source, target in cell.edges():
        operation = OUTPUT if target == cell.output else cell.operation(target)
        edges.append((source, _place(cell, target), operation))
    return graph_features(edges, VERTICES, (*OPERATIONS, OUTPUT))
