"""The space of NAS-Bench-101: cells as strings, pruning, the graph hash.

Ying et al. (ICML 2019, arXiv 1902.09635) and the code of the benchmark (google-research/nasbench, `model_spec.py`,
`graph_util.py`). Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import md5

import numpy as np

from harness.schema import BadInput, demand

KERNELS = {"conv3x3": 3, "conv1x1": 1}
OPERATIONS = (*KERNELS, "maxpool3x3")
"""In the order in which the graph hash numbers them."""

OFFICIAL = {"conv3x3-bn-relu": "conv3x3", "conv1x1-bn-relu": "conv1x1", "maxpool3x3": "maxpool3x3"}
"""The benchmark's own names."""

OUTPUT = "output"
VERTICES, EDGES = 7, 9
CLASSES = {2: 1, 3: 6, 4: 84, 5: 2_441, 6: 62_010, 7: 359_082}
"""Cells up to isomorphism by their number of vertices: 423,624 in all."""

BATCH = 256
"""Matrices that are drawn at a time."""

EXAMPLE = "conv3x3~0|maxpool3x3~1|output~0.2"

Sources = tuple[int, ...]


@dataclass(frozen=True)
class Cell:
    """One cell. Vertex 0 is its input; vertex v ≥ 1 has `operations[v - 1]` and reads the vertices `sources[v - 1]`.

    The last vertex is the output, whose operation is `OUTPUT`.
    """

    operations: tuple[str, ...]
    sources: tuple[Sources, ...]

    def __str__(self) -> str:
        pairs = zip(self.operations, self.sources, strict=True)
        return "|".join(f"{operation}~{'.'.join(map(str, read))}" for operation, read in pairs)

    @property
    def output(self) -> int:
        """The number of the output vertex."""
        return len(self.operations)

    def inner(self) -> range:
        """The vertices between input and output."""
        return range(1, self.output)

    def into(self, vertex: int) -> Sources:
        """The vertices that it reads."""
        return self.sources[vertex - 1]

    def operation(self, vertex: int) -> str:
        """What an inner vertex does."""
        return self.operations[vertex - 1]

    def edges(self) -> list[tuple[int, int]]:
        """(source, target) of every edge."""
        return [(source, v) for v in range(1, self.output + 1) for source in self.into(v)]


@lru_cache(2**16)
def parse(text: str) -> Cell:
    """The cell that `text` writes, one part a vertex, OPERATION~SOURCES: `conv3x3~0|maxpool3x3~1|output~0.2`.

    Vertices that are on no path from input to output are left out. Raises BadInput where `text` is no cell of the
    space: up to 7 vertices and, of those that remain, 9 edges.
    """
    operations, sources = list[str](), list[Sources]()
    parts = text.split("|")
    for vertex, part in enumerate(parts, start=1):
        operation, _, written = part.partition("~")
        known = (OUTPUT,) if vertex == len(parts) else OPERATIONS
        demand(
            operation in known, "architecture", f"a cell as {EXAMPLE}, vertex {vertex} one of {', '.join(known)}", text
        )
        read = tuple(sorted({int(each) for each in written.split(".") if each in map(str, range(vertex))}))
        exact = ".".join(map(str, read)) == written
        demand(exact, "architecture", f"a cell as {EXAMPLE}, vertex {vertex} reading earlier ones in order", text)
        operations.append(operation)
        sources.append(read)
    return _checked(Cell(tuple(operations), tuple(sources)), text)


def of_matrix(matrix: Sequence[Sequence[int]], operations: Sequence[str]) -> Cell:
    """The cell of an adjacency matrix (V, V), upper triangular, and V operations by the benchmark's own names, the
    first and the last of which are ignored. Pruned; raises BadInput as `parse` does."""
    size = len(matrix)
    square = size >= 2 and len(operations) == size and all(len(row) == size for row in matrix)
    upper = square and all(matrix[s][t] in ((0, 1) if s < t else (0,)) for s in range(size) for t in range(size))
    demand(upper, "architecture", "an upper triangular matrix of 0 and 1 with an operation a row", [*map(list, matrix)])
    names = [OFFICIAL.get(operation) for operation in operations[1:-1]]
    demand(None not in names, "architecture", f"operations out of {', '.join(OFFICIAL)}", [*operations[1:-1]])
    sources = tuple(tuple(s for s in range(t) if matrix[s][t]) for t in range(1, size))
    return _checked(Cell((*(str(name) for name in names), OUTPUT), sources), [*map(list, matrix)])


def _checked(cell: Cell, given: object) -> Cell:
    demand(cell.output < VERTICES, "architecture", f"a cell of up to {VERTICES} vertices", given)
    pruned = prune(cell)
    demand(pruned is not None, "architecture", "a cell whose input reaches its output", given)
    assert pruned is not None
    demand(len(pruned.edges()) <= EDGES, "architecture", f"a cell of up to {EDGES} edges", given)
    return pruned


def prune(cell: Cell) -> Cell | None:
    """The cell without vertices that are on no path from input to output; None where there is no such path."""
    reached, needed = {0}, {cell.output}
    for vertex in range(1, cell.output + 1):
        if reached & set(cell.into(vertex)):
            reached.add(vertex)
    for vertex in range(cell.output, 0, -1):
        if vertex in needed:
            needed |= set(cell.into(vertex))
    kept = sorted(reached & needed)
    if 0 not in kept or cell.output not in kept:
        return None
    number = {vertex: place for place, vertex in enumerate(kept)}
    sources = tuple(tuple(number[s] for s in cell.into(vertex) if s in number) for vertex in kept[1:])
    return Cell(tuple(cell.operations[vertex - 1] for vertex in kept[1:]), sources)


@lru_cache(2**16)
def module_hash(cell: Cell) -> str:
    """The benchmark's MD5 of the graph with its operations, equal for isomorphic cells (423,624 in the space)."""
    size = cell.output + 1
    before: list[Sources] = [(), *cell.sources]
    after = [tuple(t for s, t in cell.edges() if s == vertex) for vertex in range(size)]
    labels = [-1, *(OPERATIONS.index(cell.operation(vertex)) for vertex in cell.inner()), -2]
    hashes = [_md5(str((len(after[v]), len(before[v]), labels[v]))) for v in range(size)]
    for _ in range(size):
        hashes = [
            _md5("|".join((_joined(hashes, before[v]), _joined(hashes, after[v]), hashes[v]))) for v in range(size)
        ]
    return _md5(str(sorted(hashes)))


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _joined(hashes: Sequence[str], vertices: Sources) -> str:
    return "".join(sorted(hashes[vertex] for vertex in vertices))


def random_cell(random: np.random.Generator) -> Cell:
    """A cell of the space: the number of vertices as frequent as among the classes (`CLASSES`), then every labelled
    cell of that size alike; classes of one size differ in their number of labelled cells."""
    total = sum(CLASSES.values())
    size = int(random.choice([*CLASSES], p=[count / total for count in CLASSES.values()]))
    operations = (*(OPERATIONS[place] for place in random.integers(len(OPERATIONS), size=size - 2)), OUTPUT)
    while True:
        drawn = np.triu(random.integers(2, size=(BATCH, size, size)), 1)
        joined = np.minimum(drawn[:, :, 1:].max(1).min(1), drawn[:, :-1].max(2).min(1)) > 0  # nothing to prune
        for matrix in drawn[joined & (drawn.sum((1, 2)) <= EDGES)][:1]:
            sources = tuple(tuple(np.flatnonzero(matrix[:, t]).tolist()) for t in range(1, size))
            return Cell(operations, sources)


def known(text: str) -> bool:
    """Whether `text` is a cell of the space."""
    try:
        parse(text)
    except BadInput:
        return False
    return True
