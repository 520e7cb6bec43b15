"""Counts of a pre-trained network below its source classifier."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .backbone import WEIGHTED, Backbone


@torch.no_grad()
def counts(backbone: Backbone, side: int) -> dict[str, float]:
    """`params`, `flops` (multiply-adds of an image of this side), weight `layers` the `width` of the features, and the
    `side` of the images that it was trained on before, nan where it is not known."""
    flops: list[int] = []

    def count(layer: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
        weight = layer.get_parameter("weight")
        places = out.shape[2] * out.shape[3] if out.dim() == 4 else out[0].numel() // len(weight)
        flops.append(weight.numel() * places)

    hooks = [each.register_forward_hook(count) for each in backbone.layers() if isinstance(each, WEIGHTED)]
    was = backbone.training
    try:
        width = backbone.eval().features(torch.zeros(1, 3, side, side)).shape[1]
    finally:
        backbone.train(was)
        for hook in hooks:
            hook.remove()
    below = sum(weight.numel() for weight in backbone.parameters())
    sizes = {"params": float(below), "flops": float(sum(flops)), "layers": float(len(flops)), "width": float(width)}
    return sizes | {"side": backbone.trained_side}
