"""Initial weights of one network, as Keras draws them."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.benches.hyperparameters import Values

from .form import Form

SHRUNK = 0.8796256610342398
"""Standard deviation of a standard normal that is cut at two; Keras' scaled initialisations make up for it."""


def kernels(values: Values, form: Form, random: np.random.Generator) -> list[Tensor]:
    """The kernels (written, read) of a network of this form with these hyper-parameters, the head's last."""
    taps = [*(layer.taps for layer in form.layers), 1]
    drawn = [_kernel(values, shape, area, random) for shape, area in zip(form.shapes, taps, strict=True)]
    return [torch.from_numpy(kernel.astype(np.float32)) for kernel in drawn]


def _kernel(values: Values, shape: tuple[int, int], taps: int, random: np.random.Generator) -> NDArray[np.float64]:
    kind, (written, read) = values["initialization"], shape
    if kind == "orthogonal":
        return _orthogonal(shape, random)
    if kind == "normal":
        return random.normal(0, float(values["deviation"]), shape)
    if kind == "truncated_normal":
        return float(values["deviation"]) * _truncated(shape, random)
    deviation = math.sqrt(2 / read) if kind == "he" else math.sqrt(2 / (read + taps * written))
    return deviation / SHRUNK * _truncated(shape, random)


def _truncated(shape: tuple[int, int], random: np.random.Generator) -> NDArray[np.float64]:
    """Standard normal numbers within two deviations, drawn again where they are not."""
    found = random.standard_normal(shape)
    while (outside := np.abs(found) > 2).any():
        found[outside] = random.standard_normal(int(outside.sum()))
    return found


def _orthogonal(shape: tuple[int, int], random: np.random.Generator) -> NDArray[np.float64]:
    """A matrix with orthonormal rows, or columns where it has fewer of these (Saxe et al. 2014)."""
    tall = random.standard_normal((max(shape), min(shape)))
    basis, triangle = np.linalg.qr(tall)
    basis = basis * np.sign(np.diag(triangle))
    found: NDArray[np.float64] = basis if shape[0] >= shape[1] else basis.T
    return found
