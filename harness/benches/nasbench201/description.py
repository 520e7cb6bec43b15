"""Descriptions of a NAS-Bench-201 cell by numbers."""

from __future__ import annotations

from functools import lru_cache

from harness.benches.cell_description import Edge, graph_features, one_hot, path_encoding
from harness.benches.nasbench201.space import CELLS, EDGES, OPERATIONS, Cell, live_operations
from harness.schema import Description

KINDS = ("features", "operations", "paths")

NODES = 4
WORKING = tuple(operation for operation in OPERATIONS if operation != "none")


@lru_cache(3 * CELLS)
def description(cell: Cell, kind: str) -> Description:
    """Of a `kind`: "operations", all six as they are written; "paths", "features", of live edges alone."""
    if kind == "operations":
        named = zip(EDGES, cell.operations, strict=True)
        return one_hot([(f"{source}-{target}", OPERATIONS, operation) for (target, source), operation in named])
    describe = {"paths": path_encoding, "features": graph_features}[kind]
    return describe(_live(cell), NODES, WORKING)


def _live(cell: Cell) -> list[Edge]:
    named = zip(EDGES, live_operations(cell), strict=True)
    return [(source, target, operation) for (target, source), operation in named if operation != "none"]
