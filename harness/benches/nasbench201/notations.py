"""Other notations of a NAS-Bench-201 cell than its string."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Sequence
from typing import Any, cast

from harness.benches.nasbench201.space import EDGES, OPERATIONS, Cell, Operations, parse
from harness.benches.nats.spaces import TSS
from harness.schema import BadInput

NASLIB = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
"""Operations in NASLib's order; its own names of them, and its edges (target, source) in its order, are next."""
NASLIB_NAMES = ("Identity", "Zero", "ReLUConvBN3x3", "ReLUConvBN1x1", "AvgPool1x1")
NASLIB_EDGES = ((1, 0), (2, 0), (3, 0), (2, 1), (3, 1), (3, 2))

NODES = 4
LONGEST = 500
"""Characters of the longest text that is read as a Python value."""

WANTED = (
    "a cell of NAS-Bench-201 in one of these notations: |nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|"
    "skip_connect~2| (string) · (2, 1, 1, 0, 1, 0) or naslib:[2, 1, 1, 0, 1, 0] (NASLib's indices of operations) ·"
    " nats:[3, 0, 1, 0, 0, 1] (indices in the order of the string and of NATS-Bench's operations) · six names of"
    " operations · [[('nor_conv_3x3', 0)], [('none', 0), ('skip_connect', 1)], [...]] (structure of AutoDL) · the 4 x 4"
    " matrix of NATS-Bench's str2matrix"
)


def name_of(given: object) -> str:
    """The string of the cell that `given` writes: text, or the Python value itself.

    Six bare indices in square brackets are refused: NASLib and NATS-Bench number operations and edges differently. A
    tuple is NASLib's, as its published tables of scores have it. Raises BadInput, with an example of each notation.
    """
    if isinstance(given, str) and TSS.pattern.fullmatch(given.strip()):
        return given.strip()
    prefix, value = _value(given)
    operations = _operations(prefix, value)
    if operations is None:
        ambiguous = not prefix and isinstance(value, list) and _whole(value, len(OPERATIONS), len(EDGES))
        hint = "; whose indices these are is not said: write naslib:[...] or nats:[...]" if ambiguous else ""
        raise BadInput(f"architecture: must be {WANTED} (got {str(given)[:LONGEST]!r}{hint})")
    return str(Cell(operations))


def _value(given: object) -> tuple[str, Any]:
    """The prefix of a text, "" without one, and the value that it writes; None for what is no Python value."""
    if not isinstance(given, str):
        return "", given.tolist() if hasattr(given, "tolist") else given
    first, _, rest = given.strip().partition(":")
    prefix, text = (first, rest) if first in ("naslib", "nats") else ("", given.strip())
    printed = TSS.pattern.search(text) if text.startswith("Structure(") else None  # as AutoDL prints it
    if printed:
        return "", list(parse(printed[0]).operations)
    try:
        return prefix, literal_eval(text) if len(text) <= LONGEST else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return prefix, None


def _operations(prefix: str, value: Any) -> Operations | None:
    """The operations of `EDGES`, None for a value in no known notation."""
    if not isinstance(value, list | tuple):
        return None
    six = len(value) == len(EDGES)
    if prefix != "nats" and six and all(each in NASLIB_NAMES for each in value):
        return _reordered([NASLIB[NASLIB_NAMES.index(each)] for each in value])
    if not prefix and six and all(each in OPERATIONS for each in value):
        return cast(Operations, tuple(value))
    if _whole(value, len(OPERATIONS), len(EDGES)) and (prefix or isinstance(value, tuple)):
        if prefix == "nats":
            return cast(Operations, tuple(OPERATIONS[each] for each in value))
        return _reordered([NASLIB[each] for each in value])
    if prefix:
        return None
    return _of_nodes(value) if len(value) == NODES - 1 else _of_matrix(value)


def _reordered(operations: Sequence[str]) -> Operations:
    """Operations in the order of NASLib's edges, in that of the string."""
    by_edge = dict(zip(NASLIB_EDGES, operations, strict=True))
    return cast(Operations, tuple(by_edge[edge] for edge in EDGES))


def _of_nodes(nodes: Sequence[Any]) -> Operations | None:
    """Operations of AutoDL's structure: for each node (operation, source) of every edge into it, in any order."""
    by_edge = {}
    for target, node in enumerate(nodes, start=1):
        edges = node if isinstance(node, list | tuple) else ()
        for edge in edges:
            if not (isinstance(edge, list | tuple) and len(edge) == 2 and edge[0] in OPERATIONS):
                return None
            by_edge[target, edge[1]] = edge[0]
        if len(edges) != target:
            return None
    return cast(Operations, tuple(by_edge[edge] for edge in EDGES)) if set(by_edge) == set(EDGES) else None


def _of_matrix(rows: Sequence[Any]) -> Operations | None:
    """Operations of the matrix of NATS-Bench: row target, column source, entries the index of the operation."""
    if len(rows) != NODES or not all(_whole(row, len(OPERATIONS), NODES) for row in rows):
        return None
    elsewhere = [rows[t][s] for t in range(NODES) for s in range(NODES) if (t, s) not in EDGES]
    return None if any(elsewhere) else cast(Operations, tuple(OPERATIONS[int(rows[t][s])] for t, s in EDGES))


def _whole(value: Any, below: int, length: int) -> bool:
    """Whether a value is a list or tuple of `length` whole numbers from 0 to `below` - 1."""
    if not isinstance(value, list | tuple) or len(value) != length:
        return False
    return all(isinstance(each, int | float) and each in range(below) for each in value)
