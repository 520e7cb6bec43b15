"""Three scores of the loss gradient from one backward pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.schema import Observer, Scene

from .checks import demand_counts, finite
from .edges import Edge, edges
from .layers import NORMS, WEIGHTED, layers_at_work
from .passes import Batch, loss_slopes
from .weight_statistics import vector


@dataclass(frozen=True)
class LossGradient:
    """Three scores of the loss gradient in the weights (Abdelfattah et al. 2021, arXiv 2101.08134, section 3.2).

        grad_norm = sum over layers of ||dL/dW||_2,
        snip = sum |W dL/dW| (Lee et al. 2019, arXiv 1810.02340),
        gradient_statistics = the 126 statistics of the weights, of dL/dW instead of W [derived, docs/methods.md]

    L is the mean cross-entropy (nats) of the first `images` of the batch, BatchNorm with that batch's statistics. The
    first two run over the weights of the convolutions and dense layers that the forward pass calls, one layer per edge
    of the search space (`edges`), without biases and BatchNorm; both are 0 for a network without such layers. The
    statistics run over all four kinds of tensors, module by module, as in `weight_statistics`. A weight on which the
    loss does not depend has the gradient 0. nan where a gradient is not finite. Higher is better for the first two.
    """

    kind: ClassVar[str] = "measure/loss_gradient"

    images: int = 64
    every: int = 4

    def __post_init__(self) -> None:
        demand_counts("loss_gradient", self.images, self.every)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("grad_norm", "snip", "gradient_statistics")

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that finds the layers at its first call, and takes the gradient at every call."""
        names: list[str] = []
        places: list[Edge] = []

        def observe(model: nn.Module, batch: Batch, step: int) -> Mapping[str, float | NDArray[np.float64]]:
            if not names:
                names.extend(layers_at_work(model, batch[0], WEIGHTED + NORMS, scene.shared))
                places.extend(edges(model, batch[0], scene.shared))
            layers = [model.get_submodule(name) for name in names]
            found = loss_slopes(scene.shared, model, batch, self.images).weights
            gradient: dict[Tensor, Tensor] = {model.get_parameter(name): slope for name, slope in found.items()}
            norm = snip = torch.zeros((), dtype=torch.float64)
            for edge in places:
                weight = model.get_parameter(edge.parameter)
                slope = edge.cut(gradient[weight]).double()
                norm = norm + slope.norm().cpu()
                snip = snip + (edge.cut(weight.detach()) * slope).abs().sum().cpu()
            return {
                "grad_norm": finite(norm),
                "snip": finite(snip),
                "gradient_statistics": vector(layers, gradient.__getitem__),
            }

        return observe
