"""Sum over layers of the L2 norm of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from harness.schema import GraphProvider, Observer, Scene, demand

from .layers import WEIGHTED, layers_at_work


@dataclass(frozen=True)
class L2Norm:
    """L2 norm: sum over the convolutions and dense layers of ||W||_2 (Abdelfattah et al. 2021, arXiv 2101.08134, code).

    ||W||_2 is the root of the sum of the squared weights of a layer. A layer is one edge of the network's own graph if
    the network is a `GraphProvider`: convolutions that are computed together count separately. Biases and BatchNorm do
    not count. Decision [derived]: a dead edge, which does not reach the output, does not count. The authors' code and
    NASLib count it; the facts `params`, `flops` and `layers` do so too. 0 without any layer. Higher is better. `every`:
    observations between two readings.
    """

    kind: ClassVar[str] = "measure/l2_norm"

    every: int = 4

    def __post_init__(self) -> None:
        demand(self.every >= 1, "measure.l2_norm.every", "at least 1", self.every)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("l2_norm",)

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the norm of the model it is shown."""

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, float]:
            return {
                "l2_norm": float(sum(float(weight.detach().double().norm()) for weight in _weights(model, batch[0])))
            }

        return observe


def _weights(model: nn.Module, images: Tensor) -> list[Tensor]:
    """The weights of the layers that the forward pass calls; one per live edge of a `GraphProvider`."""
    if isinstance(model, GraphProvider):
        return [edge.weight for edge in model.connections() if edge.weight is not None]
    return [model.get_parameter(f"{name}.weight") for name in layers_at_work(model, images, WEIGHTED)]
