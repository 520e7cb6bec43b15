"""Fisher information of the channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from harness.schema import Observer, Scene, Shared

from .checks import demand_counts, finite
from .passes import Batch, first, loss_slopes


@dataclass(frozen=True)
class Fisher:
    """Fisher: squared activation times gradient, summed over weights (Turner et al. 2020, arXiv 1906.04113).

        fisher = sum over channels c of w_c / (2 B) sum over images n of (sum over positions of a_nc dL/da_nc)^2

    a is the output of every convolution and dense layer, before its BatchNorm, the logits among them; w_c is the number
    of weights behind channel c, C_in k^2 of a convolution and the number of inputs of a dense layer; L is the mean
    cross-entropy (nats) of the first `images` of the batch (B of them), BatchNorm with that batch's statistics. That is
    the code of Abdelfattah et al. (2021, arXiv 2101.08134, sec. 3.2), which gives a channel's value to each of its
    weights before it sums. The sum does not depend on which convolutions are computed together; a layer that is called
    twice counts twice. 0 for a network without such layers, nan where it is not finite. Higher is better.
    """

    kind: ClassVar[str] = "measure/fisher"

    images: int = 64
    every: int = 4

    def __post_init__(self) -> None:
        demand_counts("fisher", self.images, self.every)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("fisher",)

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the Fisher information of the model it is shown."""

        def observe(model: nn.Module, batch: Batch, step: int) -> Mapping[str, float]:
            return {"fisher": finite(fisher(model, first(batch, self.images), scene.shared))}

        return observe


def fisher(model: nn.Module, batch: Batch, shared: Shared | None = None) -> Tensor:
    """The sum over all weights, on the whole batch, in float64."""
    total = torch.zeros((), dtype=torch.float64, device=batch[0].device)
    for weights, saliences in loss_slopes(shared or Shared(), model, batch, len(batch[0])).saliences:
        total = total + weights * saliences.double().square().mean(0).sum() / 2
    return total
