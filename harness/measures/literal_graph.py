"""The network as one weighted graph without any scaling: what the authors of the temporal graph describe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.schema import Observer, Scene, demand

from .rolled_graph import centrality, degrees, rolled_graph
from .temporal_graph import FEATURES, MOMENTS, moments
from .wiring import wires


def feature_names() -> list[str]:
    """The 14 names of the vector's entries, e.g. "centrality.skew"; moments fastest."""
    return [f"{feature}.{moment}" for feature in FEATURES for moment in MOMENTS]


@dataclass(frozen=True)
class LiteralGraph:
    """Measure of the network as one graph (Vahedian et al. 2022, arXiv 2111.05410, and the authors' code).

    The rolled graph (`rolled_graph`) with its weights as they are. Of the weighted degree and of the eigenvector
    centrality (length 1) the seven `MOMENTS` are taken over all nodes together, the colours of the image and the logits
    among them; which moments the paper took is not known [derived, docs/methods.md]. Unlike in `TemporalGraph` nothing
    is scaled by layer or by width, and nodes are not grouped: the layers with the largest weights have most of the
    centrality.

    `literal_graph` has 14 float64 entries, named by `feature_names`, in the unit of the weights (degree) and between 0
    and 1 (centrality). An entry is nan where `moments` has none. `every`: observations between two readings. Raises
    BadInput as `wires` does.
    """

    kind: ClassVar[str] = "measure/literal_graph"

    every: int = 1

    def __post_init__(self) -> None:
        demand(self.every >= 1, "measure.literal_graph.every", "at least 1", self.every)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace column that it writes."""
        return ("literal_graph",)

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A stateless function that reads the vector of the model it is shown."""

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, NDArray[np.float64]]:
            graph = rolled_graph(wires(model, batch[0]))
            features = (degrees(graph), centrality(graph.matrix))
            return {"literal_graph": np.concatenate([moments(values) for values in features])}

        return observe
