"""Gradient signal preservation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from harness.schema import Observer, Scene

from .checks import demand_counts, finite
from .edges import weights
from .passes import Batch, first, gradients


@dataclass(frozen=True)
class Grasp:
    """GraSP: how much the weights reduce the gradient's norm (Wang et al. 2020, arXiv 2002.07376).

        grasp = -sum W (H g)

    g is the gradient and H the Hessian of the mean cross-entropy L (nats) in the weights W of all convolutions and
    dense layers, over the first `images` of the batch as a whole, BatchNorm with that batch's statistics, temperature 1
    (the paper divides the logits by 200). Wang et al. give a weight the score -W (H g) and prune the weights of the
    highest scores; Abdelfattah et al. (2021, arXiv 2101.08134, section 3.2) sum the same score, sign included, over the
    network; higher is better. For weights whose scale does not change the loss, as before BatchNorm, it is ||g||^2
    [derived, docs/methods.md]. 0 for a network without such layers, nan where it is not finite.
    """

    kind: ClassVar[str] = "measure/grasp"

    images: int = 32
    every: int = 4

    def __post_init__(self) -> None:
        demand_counts("grasp", self.images, self.every)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("grasp",)

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the score of the model it is shown."""

        def observe(model: nn.Module, batch: Batch, step: int) -> Mapping[str, float]:
            return {"grasp": finite(grasp(model, first(batch, self.images)))}

        return observe


def grasp(model: nn.Module, batch: Batch) -> Tensor:
    """-sum W (H g) in float64; H g is the gradient of g . g with the second factor held constant."""
    tensors = list(weights(model).values())
    total = torch.zeros((), dtype=torch.float64)
    g = [slope for slope in gradients(model, batch, tensors, create_graph=True) if slope.requires_grad]
    if g:
        held = [slope.detach() for slope in g]
        curved = torch.autograd.grad(g, tensors, held, materialize_grads=True)
        for weight, turn in zip(tensors, curved, strict=True):
            total = total - (weight.detach() * turn).sum(dtype=torch.float64).cpu()
    return total
