"""Statistics of the weights per layer, with one position in the vector per slot of the search space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.schema import Connection, GraphProvider, Observer, Scene, demand

from .layers import NORMS, WEIGHTED, layers_at_work
from .weight_statistics import STATISTICS, statistics

Vector = NDArray[np.float64]

PARTS = ("weight", "scale", "shift")
"""Tensors of a slot: of its convolution or dense layer, and of the BatchNorm after it."""

CELL_EDGES = ("1<0", "2<0", "2<1", "3<0", "3<1", "3<2")
REDUCTION_EDGES = ("first", "second", "shortcut")
REDUCTIONS = 2


@dataclass(frozen=True)
class LayerStatistics:
    """Measure of seven statistics of every layer's tensors (Unterthiner et al. 2020, arXiv 2002.11448, section 3).

    Percentiles 0, 25, 50, 75, 100, standard deviation (of the population) and mean of each tensor, concatenated. The
    paper's networks share their layers; those of a search space do not. Here [derived, docs/methods.md] a network of
    the cell space has three rows for every slot that an architecture of its size may have (`slots`): for the weight,
    and for the scale and the shift of the BatchNorm after it. A slot without a layer (a skip, pooling, an edge that is
    not computed), or without one of these tensors, has zeros, the statistics of weights that are all 0. Networks with
    the same number of cells have vectors of the same length; the bias of the head is left out.

    For any other network the vector has the weight and the bias, where present, of each convolution, dense layer and
    BatchNorm that its forward pass calls, in the order of the first call: 56 entries for the paper's four layers. A
    tensor that is not finite has seven nan. `every`: observations between two readings.
    """

    kind: ClassVar[str] = "measure/layer_statistics"

    every: int = 4

    def __post_init__(self) -> None:
        demand(self.every >= 1, "measure.layer_statistics.every", "at least 1", self.every)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("layer_statistics",)

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the vector at every call."""
        names: list[str] = []

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, Vector]:
            places = slots(model)
            if isinstance(model, GraphProvider) and places:
                return {"layer_statistics": of_slots(model.connections(), places)}
            if not names:
                names.extend(layers_at_work(model, batch[0], WEIGHTED + NORMS, scene.shared))
            return {"layer_statistics": of_layers([model.get_submodule(name) for name in names])}

        return observe


def slots(model: nn.Module) -> list[str]:
    """Names of all 18 N + 8 slots of a network of the cell space with N cells per stage; [] for any other.

    N follows from `model.body`, which holds three stages of N cells and the reductions between them, so that a network
    without a connection inside its cells has the same slots.
    """
    body = getattr(model, "body", None)
    if not isinstance(body, nn.Sequential):
        return []
    cells = len(body) - REDUCTIONS
    inside = [f"cell{cell}.{edge}" for cell in range(cells) for edge in CELL_EDGES]
    between = [f"reduction{place}.{edge}" for place in range(REDUCTIONS) for edge in REDUCTION_EDGES]
    return ["stem", *inside, *between, "head"]


def feature_names(places: list[str]) -> list[str]:
    """Names of the entries of the vector for these slots, e.g. "cell0.1<0.weight.p25"."""
    return [f"{place}.{part}.{statistic}" for place in places for part in PARTS for statistic in STATISTICS]


def of_slots(connections: list[Connection], places: list[str]) -> Vector:
    """The vector (21 * slots,) in the order of `feature_names`. Raises ValueError for a layer in an unknown slot."""
    table = np.zeros((len(places), len(PARTS), len(STATISTICS)))
    for connection in connections:
        row = table[places.index(connection.slot)]
        if connection.weight is not None:
            tensors = (connection.weight, *(connection.norm or ()))
            row[: len(tensors)] = [statistics(tensor) for tensor in tensors]
    return table.ravel()


def of_layers(layers: list[nn.Module]) -> Vector:
    """The vector (7 * tensors,) of the weights and biases of these layers, layer by layer."""
    tensors = [tensor for layer in layers for tensor in (layer.weight, layer.bias) if tensor is not None]
    return np.concatenate([statistics(tensor) for tensor in tensors]) if tensors else np.zeros(0)  # type: ignore[arg-type]
