"""The NAS-Bench-201 search space: cells as strings, their canonical forms, their cost by formula.

A cell has four nodes; node 0 is its input, node 3 its output, and each of the six edges (target, source) carries one
of five operations (Dong & Yang, ICLR 2020). Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise, product
from typing import cast

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))  # (target, source), in the order of the string
CONVOLUTION_TAPS = {"nor_conv_1x1": 1, "nor_conv_3x3": 9}
CELLS: int = len(OPERATIONS) ** len(EDGES)
ZERO = "0"
Operations = tuple[str, str, str, str, str, str]


@dataclass(frozen=True)
class Cell:
    """One cell: an operation for each edge of `EDGES`, in that order."""

    operations: Operations

    def __str__(self) -> str:
        nodes: dict[int, list[str]] = {1: [], 2: [], 3: []}
        for (target, source), operation in zip(EDGES, self.operations, strict=True):
            nodes[target].append(f"{operation}~{source}")
        return "+".join("|" + "|".join(edges) + "|" for edges in nodes.values())

    def into(self, node: int) -> list[tuple[int, str]]:
        """(source, operation) of every edge that ends in `node`, `none` edges included."""
        return [(source, op) for (target, source), op in zip(EDGES, self.operations, strict=True) if target == node]


@lru_cache(CELLS)
def parse(text: str) -> Cell:
    """The cell that `text` writes, e.g. `|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|`.

    Raises ValueError, naming the fault, where `text` is not exactly such a string.
    """
    operations: list[str] = []
    nodes = text.split("+")
    if len(nodes) != 3:
        raise ValueError(f"architecture: must be three nodes joined by '+' (got {text!r})")
    for target, node in enumerate(nodes, start=1):
        edges = node.strip("|").split("|")
        for source, edge in enumerate(edges):
            operation, _, written_source = edge.partition("~")
            if operation not in OPERATIONS:
                raise ValueError(f"architecture: operation must be one of {', '.join(OPERATIONS)} (got {operation!r})")
            if written_source != str(source):
                raise ValueError(f"architecture: node {target} must have edges from 0 to {target - 1} (got {node!r})")
            operations.append(operation)
        if len(edges) != target:
            raise ValueError(f"architecture: node {target} must have {target} edges (got {node!r})")
    cell = Cell(cast(Operations, tuple(operations)))  # six, by the checks above
    if str(cell) != text:
        raise ValueError(f"architecture: must be the exact form {str(cell)!r} (got {text!r})")
    return cell


@lru_cache
def every_cell() -> tuple[Cell, ...]:
    """All 15,625 cells, in the order of `OPERATIONS` (not the benchmark's official order)."""
    return tuple(Cell(cast(Operations, operations)) for operations in product(OPERATIONS, repeat=len(EDGES)))


@lru_cache(CELLS)
def isomorphism(cell: Cell) -> str:
    """The benchmark's own unique string: equal for cells it calls isomorphic (6,466 classes among 15,625).

    Skips are contracted, zeros marked "#", the inputs of a node sorted (Dong & Yang 2020, section 3.2;
    `to_unique_str(consider_zero=True)` in their code).
    """
    nodes = ["i"]
    for node in (1, 2, 3):
        terms: list[str] = []
        for source, operation in cell.into(node):
            if operation == "none" or nodes[source] == "#":
                terms.append("#")
            elif operation == "skip_connect":
                terms.append(nodes[source])
            else:
                terms.append(f"({nodes[source]})@{operation}")
        nodes.append("+".join(sorted(terms)))
    return nodes[-1]


def function(cell: Cell) -> str:
    """A string equal for cells that compute the same function of the same weights; 4,930 classes, coarser than
    `isomorphism` (derived, docs/methods.md).

    `none` edges and whatever cannot reach the output vanish, an operation applied to nothing is nothing (a convolution
    of nothing still adds its BatchNorm's bias, a constant a channel: this is ignored), and a sum that a skip passes on
    is flattened into the sum it joins. A dead cell gives "0".
    """
    nodes: list[tuple[str, ...]] = [("i",)]  # a node is the sorted sum of its terms
    for node in (1, 2, 3):
        terms: list[str] = []
        for source, operation in cell.into(node):
            if operation == "none" or not nodes[source]:
                continue
            if operation == "skip_connect":
                terms.extend(nodes[source])
            else:
                terms.append(f"({'+'.join(nodes[source])})@{operation}")
        nodes.append(tuple(sorted(terms)))
    return "+".join(nodes[-1]) or ZERO


def is_dead(cell: Cell) -> bool:
    """Whether no path of operations joins the cell's input to its output; such a network stays at chance."""
    return function(cell) == ZERO


def live_operations(cell: Cell) -> Operations:
    """The cell's operations, `none` on every edge that lies on no path from the cell's input to its output."""
    reached, needed = {0}, needed_nodes(cell)
    for node in (1, 2, 3):
        if any(op != "none" and source in reached for source, op in cell.into(node)):
            reached.add(node)
    live = (
        op if source in reached and target in needed else "none"
        for (target, source), op in zip(EDGES, cell.operations, strict=True)
    )
    return cast(Operations, tuple(live))


def filled_nodes(cell: Cell) -> frozenset[int]:
    """Nodes that hold anything but zeros: reached from the cell's input, or by a convolution, whose BatchNorm adds a
    constant even to a convolution of zeros."""
    filled = {0}
    for node in (1, 2, 3):
        if any(op in CONVOLUTION_TAPS or (op != "none" and source in filled) for source, op in cell.into(node)):
            filled.add(node)
    return frozenset(filled)


def needed_nodes(cell: Cell) -> frozenset[int]:
    """Nodes whose value reaches the cell's output."""
    needed = {3}
    for node in (3, 2, 1):
        if node in needed:
            needed.update(source for source, op in cell.into(node) if op != "none")
    return frozenset(needed)


@dataclass(frozen=True)
class Shape:
    """The network around the cells: C `channels`, N `cells` a stage, square `size` in pixels, colours, classes."""

    channels: int
    cells: int
    size: int
    colours: int
    classes: int

    def stages(self) -> list[tuple[int, int]]:
        """(channels, side in pixels) of the three stages; a reduction halves the side, rounding up."""
        sides = [self.size]
        for _ in range(2):
            sides.append((sides[-1] + 1) // 2)
        return [(self.channels << k, side) for k, side in enumerate(sides)]


def params(cell: Cell, shape: Shape) -> int:
    """Number of parameters of the whole network, dead edges included, as the benchmark counts them."""
    widths = [width for width, _ in shape.stages()]
    total = 9 * shape.colours * widths[0] + 2 * widths[0]
    for width in widths:
        total += shape.cells * (_taps(cell) * width * width + 2 * width * _convolutions(cell))
    for before, after in pairwise(widths):
        total += 9 * before * after + 2 * after + 9 * after * after + 2 * after + before * after
    return total + 2 * widths[-1] + widths[-1] * shape.classes + shape.classes


def flops(cell: Cell, shape: Shape) -> int:
    """Multiply-adds of one forward pass of one image, as the benchmark counts them.

    Convolutions and the classifier with its bias count; pooling, BatchNorm, ReLU and sums do not.
    """
    stages = shape.stages()
    total = 9 * shape.colours * stages[0][0] * stages[0][1] ** 2
    for width, side in stages:
        total += shape.cells * side**2 * _taps(cell) * width * width
    for (before, _), (after, side) in pairwise(stages):
        total += side**2 * (9 * before * after + 9 * after * after + before * after)
    return total + stages[-1][0] * shape.classes + shape.classes


def live_flops(cell: Cell, shape: Shape) -> int:
    """`flops` without the convolutions on edges that lie on no path from the cell's input to its output."""
    return flops(replace(cell, operations=live_operations(cell)), shape)


def layers(cell: Cell, shape: Shape) -> int:
    """Number of convolution and dense layers of the whole network, dead edges included."""
    return 1 + 3 * shape.cells * _convolutions(cell) + 6 + 1


def _convolutions(cell: Cell) -> int:
    return sum(op in CONVOLUTION_TAPS for op in cell.operations)


def _taps(cell: Cell) -> int:
    """Kernel positions of all convolutions of a cell: 9 for each 3 x 3, 1 for each 1 x 1."""
    return sum(CONVOLUTION_TAPS.get(op, 0) for op in cell.operations)


def classes(texts: Sequence[str]) -> dict[str, list[str]]:
    """`texts` by their isomorphism class, classes and members in the order of `texts`."""
    found: dict[str, list[str]] = {}
    for text in texts:
        found.setdefault(isomorphism(parse(text)), []).append(text)
    return found
