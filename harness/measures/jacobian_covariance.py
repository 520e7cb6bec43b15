"""Correlation of a network's input gradients between images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.schema import Observer, Scene

from .checks import demand_counts
from .passes import compiled, forward

K = 1e-5
"""Added to each eigenvalue: the k of the authors' code."""


@dataclass(frozen=True)
class JacobianCovariance:
    """Jacov: -sum_i [log(v_i + k) + 1 / (v_i + k)] (Mellor et al., arXiv 2006.04647, first version).

    Row i of the Jacobian is the gradient of the sum of all logits of the batch in the pixels of image i; v are the
    eigenvalues of the rows' correlation matrix, in float64, and k = 1e-5. BatchNorm uses the statistics of the batch,
    as in the code of Abdelfattah et al. (2021, arXiv 2101.08134), so that an image influences the logits of the others.
    Higher is better: the rows are less correlated, and the network separates the images; the maximum is -B, up to k.
    nan where the logits do not depend on some image, or a gradient is not finite. Needs two images.

    `images`: the number of images read from the batch. `every`: observations between two readings.
    """

    kind: ClassVar[str] = "measure/jacobian_covariance"

    images: int = 64
    every: int = 4

    def __post_init__(self) -> None:
        demand_counts("jacobian_covariance", self.images, self.every, least=2)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("jacov",)

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the score of the model it is shown."""

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, float]:
            made = compiled(scene.shared, batch, self.images)
            if made is not None:
                return {"jacov": score(made.image_slopes().double().numpy())}
            done = forward(scene.shared, model, batch, self.images)
            return {"jacov": score(rows(done.images, done.logits, scene.shared.keeps))}

        return observe


def jacobian(model: nn.Module, images: Tensor) -> NDArray[np.float64]:
    """Gradient (B, pixels) of the sum of all logits in each of the `images` (B, ...); 0 without a path."""
    images = images.detach().requires_grad_()
    return rows(images, model(images), keep=False)


def rows(images: Tensor, logits: Tensor, keep: bool) -> NDArray[np.float64]:
    """The same from a finished forward pass; `keep` retains its graph for other measures."""
    total = logits.sum()
    gradient = None
    if total.requires_grad:
        gradient = torch.autograd.grad(total, images, retain_graph=keep, allow_unused=True)[0]
    found = torch.zeros_like(images) if gradient is None else gradient
    return found.detach().reshape(len(images), -1).double().cpu().numpy()


def score(rows: NDArray[np.float64]) -> float:
    """-sum_i [log(v_i + k) + 1 / (v_i + k)] of the eigenvalues v of the correlation of `rows` (B, pixels).

    nan if a row is constant or not finite, or with fewer than two rows.
    """
    centred = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    if len(rows) < 2 or not np.isfinite(lengths).all() or not (lengths > 0).all():
        return float("nan")
    unit = centred / lengths
    v = np.linalg.eigvalsh(unit @ unit.T).clip(min=0.0) + K  # negative only by rounding
    return float(-np.sum(np.log(v) + 1 / v))
