"""The rolled graph of a network: channels and neurons joined by the norm of the weights between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from harness.schema import Connection

from .wiring import strengths

Values = NDArray[np.float64]

DENSE = 64
"""Graphs of at most so many nodes are solved densely; larger ones by Lanczos, which needs a larger subspace."""
LANCZOS = 32
"""Size of the Lanczos subspace: a smaller one takes more restarts if the leading eigenvalues are close."""
TOLERANCE = 1e-8
"""Largest accepted residual |A x - l x| / l of an eigenvector x, |x| = 1; closer leading eigenvalues count as equal."""


@dataclass(frozen=True)
class RolledGraph:
    """An undirected weighted graph whose nodes are the channels of feature maps, colours and logits among them.

    `matrix` is its symmetric adjacency (n, n); `maps` are the nodes of each feature map, in the order in which the
    connections name them.
    """

    matrix: csr_array
    maps: dict[str, slice]


def rolled_graph(connections: Sequence[Connection], normalise: bool = False) -> RolledGraph:
    """The rolled graph of these connections (Vahedian et al. 2022, arXiv 2111.05410).

    The edge between channels c and o is |W[o, c]|_2, the L2 norm of the kernel's slice; of a dense layer |w|; after a
    flattened map the norm over the positions of channel c. A connection without a weight (skip, pooling) joins channel
    i to channel i with weight 1. Several connections between the same maps add. A feature map of
    unknown width is left out. `normalise` divides every connection's block by its largest singular value, 1 for
    an identity, so that no layer dominates the leading eigenvector by the scale of its weights [derived,
    docs/methods.md].
    """
    blocks = [None if c.weight is None else strengths(c).cpu().numpy().astype(np.float64) for c in connections]
    maps = _maps(connections, blocks)
    rows, columns, values = [], [], []
    for connection, block in zip(connections, blocks, strict=True):
        if connection.source not in maps or connection.target not in maps:
            continue
        sources = np.arange(maps[connection.source].start, maps[connection.source].stop)
        targets = np.arange(maps[connection.target].start, maps[connection.target].stop)
        if block is None:
            rows.append(targets)
            columns.append(sources)
            values.append(np.ones(len(targets)))
            continue
        rows.append(np.repeat(targets, len(sources)))
        columns.append(np.tile(sources, len(targets)))
        values.append((block / _norm(block) if normalise else block).ravel())
    size = max((nodes.stop for nodes in maps.values()), default=0)
    empty = np.zeros(0)
    one, other, weight = (np.concatenate([empty, *parts]) for parts in (rows, columns, values))
    places = (np.concatenate([one, other]).astype(np.int64), np.concatenate([other, one]).astype(np.int64))
    return RolledGraph(coo_array((np.concatenate([weight, weight]), places), shape=(size, size)).tocsr(), maps)


def degrees(graph: RolledGraph, per_width: bool = False) -> Values:
    """Weighted degree (n,) of every node: the sum of its edges.

    `per_width` divides every edge, as seen from a node, by the square root of the number of channels of the feature map
    at its other end. Weights of the usual initialisation shrink as 1 / sqrt(C) with the width C and their number grows
    as C, so that the sum then does not depend on C, but still on the number of connections of a node; the share of a
    skip or a pooling decreases as 1 / sqrt(C) [derived, docs/methods.md].
    """
    share = 1 / np.sqrt(widths(graph)) if per_width else np.ones(graph.matrix.shape[0])
    degree: Values = graph.matrix @ share
    return degree


def widths(graph: RolledGraph) -> NDArray[np.int64]:
    """Number of channels of the feature map of every node, (n,)."""
    sizes = np.array([nodes.stop - nodes.start for nodes in graph.maps.values()], dtype=np.int64)
    return np.repeat(sizes, sizes)


def centrality(matrix: csr_array) -> Values:
    """Eigenvector centrality (n,): the non-negative leading eigenvector of a symmetric adjacency, of length 1.

    It is the projection of the vector of ones on the eigenspace of the largest eigenvalue, hence unique even if two
    components of the graph share that eigenvalue. Nodes outside the leading component have 0; a graph
    without edges has 0 everywhere. nan everywhere if an entry is not finite, or if the eigenvector does not converge to
    `TOLERANCE`.
    """
    size = matrix.shape[0]
    if not np.isfinite(matrix.data).all():
        return np.full(size, np.nan)
    if not matrix.data.any():
        return np.zeros(size)
    if size <= DENSE:
        values, vectors = np.linalg.eigh(matrix.toarray())
        leading = vectors[:, values >= values[-1] * (1 - TOLERANCE)]
        vector = leading @ leading.sum(axis=0)
        return _unit(vector)
    try:
        values, vectors = eigsh(matrix, k=1, which="LA", v0=np.ones(size), ncv=LANCZOS, tol=TOLERANCE / 10)
    except ArpackNoConvergence:
        return np.full(size, np.nan)
    vector = _unit(vectors[:, 0])
    residual = np.linalg.norm(matrix @ vector - values[0] * vector)
    return vector if residual <= TOLERANCE * values[0] else np.full(size, np.nan)


def _unit(vector: Values) -> Values:
    """The vector with length 1 and a positive sum; entries that are negative by rounding become 0."""
    upright = np.maximum(vector if vector.sum() > 0 else -vector, 0)
    unit: Values = upright / np.linalg.norm(upright)
    return unit


def _norm(block: Values) -> float:
    """Largest singular value of a block, 1 for a block of zeros."""
    if not np.isfinite(block).all():
        return float("nan")
    gram = block @ block.T if len(block) < block.shape[1] else block.T @ block
    return float(np.sqrt(max(np.linalg.eigvalsh(gram)[-1], 0.0))) or 1.0


def _maps(connections: Sequence[Connection], blocks: Sequence[Values | None]) -> dict[str, slice]:
    """The nodes of each feature map whose width is known: from a weight, or through identities from another map."""
    widths: dict[str, int] = {}
    for connection, block in zip(connections, blocks, strict=True):
        if block is not None:
            widths[connection.target], widths[connection.source] = block.shape
    equal = [{c.source, c.target} for c, block in zip(connections, blocks, strict=True) if block is None]
    while spread := [pair for pair in equal if len(pair & widths.keys()) == 1]:
        for pair in spread:
            width = next(widths[name] for name in pair if name in widths)
            widths.update(dict.fromkeys(pair, width))
    maps, start = {}, 0
    for name in dict.fromkeys(name for c in connections for name in (c.source, c.target)):
        if name in widths:
            maps[name] = slice(start, start := start + widths[name])
    return maps
