"""Difference of a network's ReLU activation patterns between images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.schema import Observer, Scene

from .checks import demand_counts
from .passes import compiled, forward
from .rectifiers import Rectifiers, edge_counts


@dataclass(frozen=True)
class Naswot:
    """NASWOT: log |det K|, K_ij the ReLU units that agree on images i and j (Mellor et al. 2021, arXiv 2006.04647).

    A unit is one entry of one ReLU layer's output; it agrees if it is on for both images or off for both. K is
    summed over all ReLU calls of a forward pass with the batch statistics of BatchNorm; the determinant is in float64.
    Higher is better: the images fall into more distant linear regions. nan where K is singular: two images with the
    same code, or a network whose codes do not depend on its input.

    The benchmark's network has a ReLU of its own before each convolution of a cell. Where one ReLU serves several
    (known for a `GraphProvider`), it counts once for each convolution that reads it, and once if none does [derived,
    docs/methods.md]. As in the authors' code, a ReLU whose output is not used does not count; unlike there, nor does
    the constant code of an empty node of a cell, which adds the same number to all entries of K.

    A pre-trained network shows ReLU6 as relu(x) - relu(x - 6), two units, and Leaky ReLU as one [derived,
    docs/methods.md]. Activations that are not piecewise linear have no code.

    `images`: the number of images read from the batch. `every`: observations between two readings.
    """

    kind: ClassVar[str] = "measure/naswot"

    images: int = 64
    every: int = 4

    def __post_init__(self) -> None:
        demand_counts("naswot", self.images, self.every, least=2)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("naswot",)

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the score of the model it is shown."""

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, float]:
            made = compiled(scene.shared, batch, self.images)
            codes = forward(scene.shared, model, batch, self.images).codes() if made is None else made.codes()
            return {"naswot": log_determinant(agreements(codes, batch[0][: self.images]))}

        return observe


def kernel(model: nn.Module, images: Tensor) -> NDArray[np.float64]:
    """K (B, B) of the `images` (B, ...): how many ReLU units agree on each pair."""
    with torch.no_grad(), Rectifiers(len(images), edge_counts(model)) as rectifiers:
        getattr(model, "features", model)(images)  # a probe that replaces the head has ReLUs of its own
    return agreements([(max(1, layer.edges), layer.on) for layer in rectifiers.layers], images)


def agreements(codes: Sequence[tuple[int, Tensor]], images: Tensor) -> NDArray[np.float64]:
    """K (B, B) of ReLU calls: how often each counts, and which units are on, (B, ...)."""
    total = torch.zeros(len(images), len(images), dtype=torch.float64, device=images.device)
    for count, on in codes:
        total += count * agreement(on)
    return total.cpu().numpy()


def log_determinant(matrix: NDArray[np.float64]) -> float:
    """log |det| of a symmetric matrix, nan if it is singular."""
    if np.linalg.matrix_rank(matrix, hermitian=True) < len(matrix):
        return float("nan")
    return float(np.linalg.slogdet(matrix).logabsdet)


def agreement(on: Tensor) -> Tensor:
    """How many of n units (B, ...) are on for both images or off for both: (B, B), float64.

    With codes s = 1 (on) and -1 (off), s_i . s_j is agreements minus disagreements: (n + s_i . s_j) / 2 agree.
    """
    codes = on.reshape(len(on), -1).float() * 2 - 1
    return (codes.shape[1] + (codes @ codes.T).double()) / 2
