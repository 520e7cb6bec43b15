"""Inverse coefficient of variation of the gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from harness.schema import Observer, Scene, Shared

from .checks import demand_counts, finite
from .edges import Edge, edges
from .passes import Batch, first, weight_slopes


@dataclass(frozen=True)
class ZiCo:
    """ZiCo: mean over deviation of the weights' gradients across batches (Li et al. 2023, arXiv 2301.11300).

        zico = sum over layers of ln sum over weights of mean |g| / std g

    Mean and deviation (of the population, of the signed gradient, as in the authors' code) are over two mini-batches:
    the halves of the first `images` of the batch, each with its own BatchNorm statistics and its own mean
    cross-entropy. The ratio of a weight is then (|g1| + |g2|) / |g1 - g2|, 1 or more. As in that code a weight whose
    deviation is 0 is left out, and so is a layer without any other weights. Layers are the convolutions and dense
    layers that the forward pass calls, one per edge of the search space (`edges`), without biases and BatchNorm. nan
    where no layer is left, where a gradient is not finite, and for fewer than two images. Higher is better.
    """

    kind: ClassVar[str] = "measure/zico"

    images: int = 64
    every: int = 4

    def __post_init__(self) -> None:
        demand_counts("zico", self.images, self.every, least=2)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("zico",)

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that finds the layers at its first call, and computes both gradients at every call."""
        places: list[Edge] = []

        def observe(model: nn.Module, batch: Batch, step: int) -> Mapping[str, float]:
            if not places:
                places.extend(edges(model, batch[0], scene.shared))
            return {"zico": zico(model, first(batch, self.images), places, scene.shared)}

        return observe


def zico(model: nn.Module, batch: Batch, places: list[Edge], shared: Shared | None = None) -> float:
    """The score of these layers, from the two halves of a batch; an odd image is left out."""
    images, labels = batch
    half = len(images) // 2
    names = list(dict.fromkeys(edge.parameter for edge in places))
    if not half or not names:
        return float("nan")
    parts = [(images[:half], labels[:half]), (images[half : 2 * half], labels[half : 2 * half])]
    one, two = (weight_slopes(shared or Shared(), model, part, names) for part in parts)
    terms = []
    for edge in places:
        a, b = (edge.cut(gradient[edge.parameter]).double() for gradient in (one, two))
        varies = a != b
        if varies.any():
            terms.append((((a.abs() + b.abs()) / (a - b).abs())[varies]).sum().log())
    return finite(torch.stack(terms).sum()) if terms else float("nan")
