"""How well a linear readout of the features would do on images it has not seen."""

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
"""Ridge strengths an image that are tried; the one with the least error counts."""

CONSTANT = 1e-6
"""A feature whose deviation is less is constant, and left out."""


@dataclass(frozen=True)
class Readout:
    """Leave-one-out error of a ridge regression from the features to the labels [derived].

    The labels of the first `images` of the measure batch are predicted, as indicator vectors y (B, classes), from the
    features that the head reads, standardised, and a constant: f (B, d + 1), with the batch statistics of BatchNorm.

        p_i = ridge of all images but i, at f_i,    readout_error = mean over images and classes of (p - y)^2

    in closed form, (p - y)_i = (H y - y)_i / (1 - H_ii) with H = f (f'f + s B I)^-1 f', in float64; the strength s is
    the best of `STRENGTHS`. `readout_accuracy` is the share in percent of images whose largest p is that of their
    label. `readout_error_mean` is the mean of the errors at the observations so far but the first, that of the network
    at its initialisation, where it is that alone. The head itself does not enter: neither how far it has come, nor the
    running statistics. nan where a feature is not finite. `every`: observations from one reading to the next.
    """

    kind: ClassVar[str] = "measure/readout"

    images: int = 512
    every: int = 1

    def __post_init__(self) -> None:
        demand_counts("readout", self.images, self.every, least=2)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are written."""
        return ("readout_error", "readout_accuracy", "readout_error_mean")

    @property
    def non_mutating(self) -> bool:
        """Whether the model is left as it was."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the errors of whatever model it is shown, and remembers them."""
        errors: list[float] = []

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, float]:
            read = getattr(model, "features", None)
            if not callable(read):
                raise ValueError(f"a network that has features(images) is needed, got {type(model).__name__}")
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
    """Least mean squared error, and the accuracy in percent beside it, of `features` (B, d) and `labels` (B,)."""
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
