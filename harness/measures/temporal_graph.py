"""Signature of the network as a weighted graph, at every checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.schema import Observer, Scene, demand

from .rolled_graph import RolledGraph, centrality, degrees, rolled_graph, widths
from .wiring import IMAGE, LOGITS, wires

Values = NDArray[np.float64]

FEATURES = ("degree", "centrality")
GROUPS = ("stage1", "stage2", "stage3", "logits", "all")
MOMENTS = ("mean", "median", "std", "skew", "kurtosis", "min", "max")
CONSTANT = 1e-9
"""Skew and kurtosis are nan if the deviation is below this fraction of the largest value."""


def feature_names() -> list[str]:
    """The 70 names of the vector's entries, e.g. "centrality.stage2.skew"; moments fastest, then groups."""
    return [f"{feature}.{group}.{moment}" for feature in FEATURES for group in GROUPS for moment in MOMENTS]


@dataclass(frozen=True)
class TemporalGraph:
    """Measure of the network as a graph: moments of its nodes' features (Vahedian et al. 2022, arXiv 2111.05410).

    The temporal graph of a training is this graph at every checkpoint. It is the *rolled* one (`rolled_graph`):
    channels joined by the L2 norm of the kernel between them. Node features are the weighted degree, from the raw
    weights, and the eigenvector centrality; of each the mean, median, standard deviation (of the population), skew,
    excess kurtosis, minimum and maximum are taken over the channels of each third of the network, over the logits, and
    over all of these [derived, docs/methods.md]. The colours of the image are nodes, but in no group. A third is a
    stage of equal width if the network widens exactly twice, as in NAS-Bench-201, else a third of the ordered feature
    maps.

    `normalise`: the centrality is that of the graph whose blocks, one per connection, are scaled to a largest singular
    value of 1; otherwise layers with large weights dominate it. `per_width`: edges are divided by the square root of
    the number of channels at their other end before they are summed to a degree (`degrees`), and a centrality is
    multiplied by that of the number of channels of its own feature map, so that neither depends on the width C under
    the usual initialisation; else a degree grows as sqrt(C) and a centrality falls as 1 / sqrt(C). Both [derived,
    docs/methods.md].

    `temporal_graph` has 70 float64 entries, named by `feature_names`. An entry is nan if the network has no such node
    (logits of a head that is not one dense layer), if the deviation is 0 (skew, kurtosis), and if the eigenvector does
    not converge. The numbers `graph_degree` and `graph_centrality` are its "degree.all.mean" and
    "centrality.all.std". `every`: observations between two readings. Raises BadInput as `wires` does.
    """

    kind: ClassVar[str] = "measure/temporal_graph"

    normalise: bool = True
    per_width: bool = True
    every: int = 2

    def __post_init__(self) -> None:
        demand(self.every >= 1, "measure.temporal_graph.every", "at least 1", self.every)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("temporal_graph", "graph_degree", "graph_centrality")

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A stateless function that reads the vector of the model it is shown."""

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, float | Values]:
            connections = wires(model, batch[0])
            graph = rolled_graph(connections)
            balanced = rolled_graph(connections, normalise=True) if self.normalise else graph
            central = centrality(balanced.matrix)
            if self.per_width:
                central = central * np.sqrt(widths(graph))
            vector = signature(graph, [degrees(graph, self.per_width), central])
            named = dict(zip(feature_names(), vector.tolist(), strict=True))
            return {
                "temporal_graph": vector,
                "graph_degree": named["degree.all.mean"],
                "graph_centrality": named["centrality.all.std"],
            }

        return observe


def signature(graph: RolledGraph, features: list[Values]) -> Values:
    """The moments of node features, each (n,), over the groups of the graph's nodes: (features * 5 * 7,)."""
    nodes = groups(graph.maps)
    return np.concatenate([moments(values[nodes[group]]) for values in features for group in GROUPS])


def groups(maps: Mapping[str, slice]) -> dict[str, NDArray[np.int64]]:
    """The nodes of each of `GROUPS`, without those of the image."""
    hidden = [name for name in maps if name not in (IMAGE, LOGITS)]
    stages: list[list[str]] = []
    widest = 0
    for name in hidden:
        width = maps[name].stop - maps[name].start
        if width > widest:
            stages.append([])
            widest = width
        stages[-1].append(name)
    if len(stages) != 3:
        place = np.array_split(np.arange(len(hidden)), 3)
        stages = [[hidden[i] for i in part] for part in place]
    named = [*stages, [LOGITS] if LOGITS in maps else []]
    parts = [np.concatenate([np.zeros(0, int), *(np.arange(maps[n].start, maps[n].stop) for n in s)]) for s in named]
    return dict(zip(GROUPS, [*parts, np.concatenate(parts)], strict=True))


def moments(values: Values) -> Values:
    """Mean, median, standard deviation, skew, excess kurtosis, minimum and maximum (7,), in the order of `MOMENTS`.

    Moments are those of the population. All are nan without values or if one is not finite; skew and kurtosis also
    if the values are equal.
    """
    if not values.size or not np.isfinite(values).all():
        return np.full(len(MOMENTS), np.nan)
    mean, std = values.mean(), values.std()
    skew = kurtosis = np.nan
    if std > CONSTANT * np.abs(values).max():
        z = (values - mean) / std
        skew, kurtosis = (z**3).mean(), (z**4).mean() - 3
    return np.array([mean, np.median(values), std, skew, kurtosis, values.min(), values.max()])
