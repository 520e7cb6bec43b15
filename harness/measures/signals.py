"""Propagation through a weight layer, forward and back: with its weights, or with all weights 1."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.grad import conv2d_input, conv2d_weight

Layer = nn.Conv2d | nn.Linear


def send_back(module: Layer, delta: Tensor, shape: torch.Size) -> Tensor:
    """W' d in the shape of the layer's input."""
    weight = module.weight.detach()
    if isinstance(module, nn.Linear):
        return delta @ weight
    return torch.as_tensor(conv2d_input(shape, weight, delta, *_geometry(module), module.groups))


def ones_forward(module: Layer, x: Tensor) -> Tensor:
    """The layer's output on `x` with all weights 1, without bias; one channel represents all of a group."""
    if isinstance(module, nn.Linear):
        return x.sum(-1, keepdim=True)
    ones, groups = _window(module, x), module.groups
    out = functional.conv2d(_grouped(x, groups), ones, None, *_geometry(module), groups)
    return _spread(out, module.out_channels)


def ones_backward(module: Layer, delta: Tensor, shape: torch.Size) -> Tensor:
    """The back-propagated `delta` with all weights 1, in the shape of the layer's input."""
    if isinstance(module, nn.Linear):
        return delta.sum(-1, keepdim=True).expand(shape)
    ones, groups = _window(module, delta), module.groups
    one = torch.Size((shape[0], groups, *shape[2:]))
    back = conv2d_input(one, ones, _grouped(delta, groups), *_geometry(module), groups)
    return _spread(back, module.in_channels)


def weight_gradient(module: Layer, into: Tensor | None, delta: Tensor | None) -> Tensor:
    """Gradient in the shape of the layer's weight from its input and delta; 0 if one of them is None."""
    weight = module.weight.detach()
    if into is None or delta is None:
        return torch.zeros_like(weight)
    if isinstance(module, nn.Linear):
        return delta.flatten(0, -2).mT @ into.flatten(0, -2)
    return torch.as_tensor(conv2d_weight(into, weight.shape, delta, *_geometry(module), module.groups))


def _geometry(module: nn.Conv2d) -> tuple[Any, Any, Any]:
    return module.stride, module.padding, module.dilation


def _window(module: nn.Conv2d, like: Tensor) -> Tensor:
    return like.new_ones(module.groups, 1, *module.kernel_size)


def _grouped(x: Tensor, groups: int) -> Tensor:
    """Sum over the channels of each group: (B, C, H, W) to (B, groups, H, W)."""
    total: Tensor = x.unflatten(1, (groups, -1)).sum(2)
    return total


def _spread(x: Tensor, channels: int) -> Tensor:
    """Each group's map for each of its channels: (B, groups, H, W) to (B, channels, H, W)."""
    return x.unsqueeze(2).expand(-1, -1, channels // x.shape[1], -1, -1).flatten(1, 2)
