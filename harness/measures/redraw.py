"""Fresh random weights."""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor, nn

from .layers import NORMS, WEIGHTED, layers_at_work

WEIGHTS = ("current", "gaussian", "kaiming")
"""Weights that a proxy reads: the current ones, or fresh ones, N(0, 1) or N(0, 2 / fan-in) (He et al. 2015)."""


@torch.no_grad()
def redraw(model: nn.Module, images: Tensor, weights: str, generator: torch.Generator) -> None:
    """Redraw the weights of every layer that a forward pass of `images` calls; biases become 0, BatchNorm 1 and 0.

    `weights` is one of `WEIGHTS`; "current" changes nothing. `generator` is on the CPU; layers draw from it
    in the order of their first call.
    """
    if weights == "current":
        return
    for name in layers_at_work(model, images, WEIGHTED + NORMS):
        weight, bias = model.get_submodule(name).weight, model.get_submodule(name).bias
        if isinstance(bias, Tensor):
            bias.zero_()
        if isinstance(weight, Tensor) and weight.dim() > 1:
            deviation = sqrt(2 / weight[0].numel()) if weights == "kaiming" else 1.0
            weight.copy_(torch.randn(weight.shape, generator=generator) * deviation)
        elif isinstance(weight, Tensor):
            weight.fill_(1)
