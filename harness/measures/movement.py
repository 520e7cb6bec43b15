"""Weight displacement since the start of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from harness.schema import Observer, Scene

from .layers import WEIGHTED, layers_at_work


@dataclass(frozen=True)
class Movement:
    """Measure of three sums over the weights W of all convolutions and dense layers that the network calls.

        movement = sum |W_t - W_0|,    weight_norm = sum |W_t|,    magnitude_increase = sum (|W_t| - |W_0|)

    They are the "movement", "large final" and "magnitude increase" criteria of Zhou et al. ("Deconstructing lottery
    tickets", NeurIPS 2019), summed over the network as "Few-cost proxies" (ISCAS 2024) does. Biases and BatchNorm do
    not count, nor does a layer that the forward pass never calls. W_0 are the weights at the first call of the observer
    (step 0). All are 0 for a network without such layers. Higher is better for each.
    """

    kind: ClassVar[str] = "measure/movement"

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("movement", "weight_norm", "magnitude_increase")

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that remembers W_0 of the model it is first shown."""
        names: list[str] = []
        first: list[Tensor] = []

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, float]:
            if not first:
                names.extend(layers_at_work(model, batch[0], WEIGHTED, scene.shared))
                first.append(_weights(model, names))
            start, now = first[0], _weights(model, names)
            return {
                "movement": _l1(now - start),
                "weight_norm": _l1(now),
                "magnitude_increase": float((now.abs() - start.abs()).sum(dtype=torch.float64)),
            }

        return observe


def _weights(model: nn.Module, names: list[str]) -> Tensor:
    """A copy of all weights of the named layers in one vector."""
    parts = [model.get_parameter(f"{name}.weight").detach().reshape(-1) for name in names]
    return torch.cat(parts) if parts else torch.zeros(0)


def _l1(weights: Tensor) -> float:
    return float(weights.abs().sum(dtype=torch.float64))
