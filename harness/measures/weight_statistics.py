"""Statistics of the weights, as a vector of the same length for every network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.schema import Observer, Scene, demand

from .layers import NORMS, WEIGHTED, layers_at_work

Vector = NDArray[np.float64]

PERCENTILES = (0, 25, 50, 75, 100)
STATISTICS = (*(f"p{percent}" for percent in PERCENTILES), "std", "mean")
SUMMARIES = ("mean", "std", "min", "max")
KINDS = ("weight", "bias", "norm_weight", "norm_bias")


def feature_names() -> list[str]:
    """The 126 names of the vector's entries, e.g. "weight.p25.max": the largest lower quartile of any weight layer.

    For each of `KINDS`, each of `STATISTICS`, each of `SUMMARIES` over the layers; then "first.p0" and on, the
    statistics of the first weight layer, and "last.p0" and on, those of the last.
    """
    summed = [f"{kind}.{statistic}.{summary}" for kind in KINDS for statistic in STATISTICS for summary in SUMMARIES]
    return summed + [f"{end}.{statistic}" for end in ("first", "last") for statistic in STATISTICS]


@dataclass(frozen=True)
class WeightStatistics:
    """Measure of weight statistics after Unterthiner et al. (2020, arXiv 2002.11448), for networks of any layers.

    Theirs are the percentiles 0, 25, 50, 75, 100, the standard deviation and the mean of every tensor, concatenated,
    which requires the same layers in every network. Here [derived, docs/methods.md] each statistic is summarised over
    the layers by its mean, standard deviation (of the population), minimum and maximum, separately for the weights and
    the biases of convolutions and dense layers and of BatchNorm; the statistics of the first and the last weight layer
    follow. Layers that the forward pass never calls do not count; first and last are in the order of their first call.

    The vector has 126 float64 entries, named by `feature_names`. An entry is nan if the network has no such tensor,
    or if a tensor is not finite.
    """

    kind: ClassVar[str] = "measure/weight_statistics"

    every: int = 2

    def __post_init__(self) -> None:
        demand(self.every >= 1, "measure.weight_statistics.every", "at least 1", self.every)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("weight_statistics",)

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the layers' order at its first call, and the vector at every call."""
        names: list[str] = []

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, Vector]:
            if not names:
                names.extend(layers_at_work(model, batch[0], WEIGHTED + NORMS, scene.shared))
            return {"weight_statistics": vector([model.get_submodule(name) for name in names])}

        return observe


def vector(layers: list[nn.Module], read: Callable[[Tensor], Tensor] = Tensor.detach) -> Vector:
    """The vector (126,) of these layers, in the order of `feature_names`.

    `read` maps each parameter to the tensor that is summarised: itself, or its gradient, say.
    """
    weighted = [layer for layer in layers if isinstance(layer, WEIGHTED)]
    norms = [layer for layer in layers if isinstance(layer, NORMS)]
    kinds = ((weighted, "weight"), (weighted, "bias"), (norms, "weight"), (norms, "bias"))
    groups = [_rows(members, name, read) for members, name in kinds]
    weights = groups[0]
    ends = [weights[0], weights[-1]] if weights else [np.full(2 * len(STATISTICS), np.nan)]
    return np.concatenate([*map(_summary, groups), *ends])


def _rows(layers: list[nn.Module], name: str, read: Callable[[Tensor], Tensor]) -> list[Vector]:
    """Statistics of the tensor of this name, as it is read, of every layer that has one."""
    tensors = [getattr(layer, name) for layer in layers]
    return [statistics(read(tensor)) for tensor in tensors if tensor is not None]


def statistics(tensor: Tensor) -> Vector:
    """The statistics (7,) of all entries of one tensor, in the order of `STATISTICS`; nan where one is not finite."""
    values = tensor.detach().cpu().numpy().astype(np.float64).ravel()
    if not np.isfinite(values).all():
        return np.full(len(STATISTICS), np.nan)
    return np.array([*_percentiles(values), values.std(), values.mean()])


def _percentiles(values: Vector) -> Vector:
    """`np.percentile(values, PERCENTILES)`, to the last bit, at a third of its time on small tensors."""
    ordered = np.sort(values)
    place = np.array(PERCENTILES) / 100 * (len(ordered) - 1)
    below = place.astype(np.intp)
    above, part = np.minimum(below + 1, len(ordered) - 1), place - below
    gap = ordered[above] - ordered[below]
    return np.where(part < 0.5, ordered[below] + gap * part, ordered[above] - gap * (1 - part))


def _summary(rows: list[Vector]) -> Vector:
    """Mean, standard deviation, minimum and maximum over the layers of each statistic, (28,), summaries fastest."""
    if not rows:
        return np.full(len(STATISTICS) * len(SUMMARIES), np.nan)
    table = np.array(rows)
    return np.stack([table.mean(0), table.std(0), table.min(0), table.max(0)], axis=1).ravel()
