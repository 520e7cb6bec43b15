"""Leave-one-out error of a linear readout of the features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.schema import Observer, Scene

from .checks import demand_counts

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)
"""Ridge strengths per image; the one with the smallest error is used."""

CONSTANT = 1e-6
"""A feature with a smaller deviation counts as constant and is left out."""


@dataclass(frozen=True)
class Readout:
    """Leave-one-out error of a ridge regression from the features to the labels [derived].

    The labels of the first `images` of the measure batch are predicted, as indicator vectors y (B, classes), from the
    input features of the head, standardised, and a constant: f (B, d + 1), with the batch statistics of BatchNorm.

        p_i = ridge of all images but i, at f_i,    readout_error = mean over images and classes of (p - y)^2

    in closed form, (p - y)_i = (H y - y)_i / (1 - H_ii) with H = f (f'f + s B I)^-1 f', in float64; the strength s is
    the best of `STRENGTHS`. `readout_accuracy` is the share in percent of images whose largest p is that of their
    label. `readout_error_mean` is the mean of the errors over the observations so far, without the first one (the
    network at initialisation); at the first it is that error. The head itself and BatchNorm's running statistics are
    not used. nan where a feature is not finite. `every`: observations between two readings.
    """

    kind: ClassVar[str] = "measure/readout"

    images: int = 512
    every: int = 1

    def __post_init__(self) -> None:
        demand_counts("readout", self.images, self.every, least=2)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("readout_error", "readout_accuracy", "readout_error_mean")

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the errors of whatever model it is shown, and keeps them for the mean."""
        errors: list[float] = []

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, float]:
            read = getattr(model, "features", None)
            if not callable(read):
                raise ValueError(f"network: must have features(images) (got {type(model).__name__})")
            with torch.no_grad():
                features = read(batch[0][: self.images])
            error, accuracy = leave_one_out(features, batch[1][: self.images], scene.classes)
            errors.append(error)
            later = errors[1:] or errors
            return {
                "readout_error": error,
                "readout_accuracy": accuracy,
                "readout_error_mean": sum(later) / len(later),
            }

        return observe


def leave_one_out(features: Tensor, labels: Tensor, classes: int) -> tuple[float, float]:
    """Smallest mean squared error over `STRENGTHS`, and its accuracy (%), of features (B, d) and labels (B,)."""
    f = features.double()
    f = f - f.mean(dim=0)
    deviation = f.std(dim=0)
    if not bool(deviation.isfinite().all()):
        return float("nan"), float("nan")
    f = f[:, deviation > CONSTANT] / deviation[deviation > CONSTANT]
    f = torch.cat([f, torch.ones(len(f), 1, dtype=f.dtype, device=f.device)], dim=1)
    y = functional.one_hot(labels, classes).double()
    values, vectors = torch.linalg.eigh(f.T @ f)
    turned = f @ vectors
    target = turned.T @ y
    found = []
    for strength in STRENGTHS:
        weights = turned / (values.clamp(min=0) + strength * len(f))
        own = (turned * weights).sum(dim=1, keepdim=True)
        p = (weights @ target - own * y) / (1 - own)
        accuracy = (p.argmax(dim=1) == labels).double().mean()
        found.append((float(((p - y) ** 2).mean()), 100 * float(accuracy)))
    return min(found, key=lambda pair: pair[0])
