"""Places for the nodes and edges of an acyclic graph, in layers from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

STARTS, SWEEPS = 24, 4
"""Orders of the columns that the search for few crossings begins at, and its passes both ways from each."""

STIFF = 8.0
"""How much straighter the inside of an edge is held than its ends."""

Point = tuple[float, float]

Item = str | tuple[int, int]
"""What stands in a column: a node, or a passing edge as (place in the list of edges, column)."""


@dataclass(frozen=True)
class Layout:
    """`nodes` by name, and for each edge, in the order given, its points from source to target.

    Columns are 1 apart in x and nodes stand in the even ones; what shares a column is at least 1 apart in y.
    """

    nodes: Mapping[str, Point]
    routes: Sequence[Sequence[Point]]

    @property
    def columns(self) -> int:
        return int(max(x for x, _ in self.nodes.values())) + 1 if self.nodes else 0

    @property
    def span(self) -> tuple[float, float]:
        """Lowest and highest y of anything."""
        heights = [y for _, y in self.nodes.values()] + [y for route in self.routes for _, y in route]
        return (min(heights), max(heights)) if heights else (0.0, 0.0)


def lay_out(edges: Sequence[tuple[str, str]]) -> Layout:
    """Places of the graph's nodes and edges, (source, target) each; equal edges lie side by side.

    Layers are longest paths from the inputs (Sugiyama, Tagawa & Toda 1981). Every edge has a place of its own in each
    column that it crosses, one more than its layers, so that a label fits in and nothing runs through a node. Raises
    ValueError where the graph has a cycle.
    """
    layer = _layers(edges)
    columns: list[list[Item]] = [[] for _ in range(2 * max(layer.values(), default=-1) + 1)]
    for node, depth in layer.items():
        columns[2 * depth].append(node)
    chains: list[list[Item]] = []
    for i, (source, target) in enumerate(edges):
        between = [(i, column) for column in range(2 * layer[source] + 1, 2 * layer[target])]
        for place in between:
            columns[place[1]].append(place)
        chains.append([source, *between, target])
    links = [link for chain in chains for link in pairwise(chain)]
    ordered = _ordered(columns, links)
    heights = _heights(ordered, links)
    at = {item: (float(x), heights[item]) for x, column in enumerate(ordered) for item in column}
    return Layout({node: at[node] for node in layer}, [[at[item] for item in chain] for chain in chains])


def _layers(edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Number of edges of the longest path that ends in each node."""
    into: dict[str, set[str]] = {}
    for source, target in edges:
        into.setdefault(source, set())
        into.setdefault(target, set()).add(source)
    layer: dict[str, int] = {}
    while len(layer) < len(into):
        ready = [node for node, sources in into.items() if node not in layer and sources <= set(layer)]
        if not ready:
            raise ValueError(f"must be an acyclic graph (got a cycle among {sorted(set(into) - set(layer))})")
        for node in ready:
            layer[node] = max((layer[source] + 1 for source in into[node]), default=0)
    return layer


def _ordered(columns: Sequence[Sequence[Item]], links: Sequence[tuple[Item, Item]]) -> list[list[Item]]:
    """The columns in the best order that sweeps of barycentres find: fewest crossings, then shortest lines."""
    left: dict[Item, list[Item]] = {}
    right: dict[Item, list[Item]] = {}
    for a, b in links:
        right.setdefault(a, []).append(b)
        left.setdefault(b, []).append(a)
    best: tuple[tuple[int, float], list[list[Item]]] | None = None
    random = np.random.default_rng(0)
    for start in range(STARTS):
        order = [list(column) for column in columns]
        for column in order if start else ():
            random.shuffle(column)
        for sweep in range(2 * SWEEPS):
            place = {item: at - (len(column) - 1) / 2 for column in order for at, item in enumerate(column)}
            near, way = (left, order) if sweep % 2 == 0 else (right, order[::-1])
            for column in way:
                aims = {i: float(np.mean([place[j] for j in near[i]])) if i in near else place[i] for i in column}
                column.sort(key=aims.__getitem__)
                place |= {item: at - (len(column) - 1) / 2 for at, item in enumerate(column)}
            cost = _cost(order, links)
            if best is None or cost < best[0]:
                best = cost, [list(column) for column in order]
    return best[1] if best else []


def _cost(order: Sequence[Sequence[Item]], links: Sequence[tuple[Item, Item]]) -> tuple[int, float]:
    """Crossings, and the sum of squared rises, of the links between neighbouring columns."""
    column = {item: x for x, items in enumerate(order) for item in items}
    place = {item: at - (len(items) - 1) / 2 for items in order for at, item in enumerate(items)}
    crossings = sum(
        column[a] == column[c] and (place[a] - place[c]) * (place[b] - place[d]) < 0
        for (a, b), (c, d) in combinations(links, 2)
    )
    return crossings, sum((place[a] - place[b]) ** 2 for a, b in links)


def _heights(order: Sequence[Sequence[Item]], links: Sequence[tuple[Item, Item]]) -> dict[Item, float]:
    """Heights near the mean of what each item is linked to, 1 apart in a column, the whole centred on 0.

    Derived: heights less the ladder 0, 1, 2, … must not decrease in a column, so each pass is an isotonic regression.
    """
    near: dict[Item, list[Item]] = {item: [] for column in order for item in column}
    for a, b in links:
        near[a].append(b)
        near[b].append(a)
    height = {item: at - (len(column) - 1) / 2 for column in order for at, item in enumerate(column)}
    for turn in range(100):
        for column in order if turn % 2 == 0 else order[::-1]:
            aims = np.array([_pull(i, near[i], height) for i in column])
            height |= dict(zip(column, _apart(aims).tolist(), strict=True))
    middle = (max(height.values(), default=0.0) + min(height.values(), default=0.0)) / 2
    return {item: y - middle for item, y in height.items()}


def _pull(item: Item, near: Sequence[Item], height: Mapping[Item, float]) -> float:
    """The mean height of what an item is linked to, the rest of its own edge counting more."""
    weights = [STIFF if isinstance(item, tuple) and isinstance(other, tuple) else 1.0 for other in near]
    return float(np.average([height[other] for other in near], weights=weights))


def _apart(aims: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values nearest to the aims (least squares), in their order and at least 1 apart."""
    ladder = np.arange(len(aims), dtype=float)
    return np.asarray(isotonic_regression(aims - ladder).x + ladder, dtype=float)
