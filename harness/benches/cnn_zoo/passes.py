"""Many networks of the zoo as one: their parameters are stacked along a first axis g and computed side by side.

Maps are (g, channels, side, side, images), images last: the nine taps of a strided convolution are then copied in runs
of a whole batch, and what is left is one product of matrices per network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from .form import CHANNELS, Form, Layer

Parameters = list[Tensor]
"""Kernels (g, 16, k k c) of the convolutions, taps before channels, and (g, classes, 16) of the head; then biases."""


def taps(layer: Layer) -> list[tuple[slice, slice]]:
    """The places that each tap of a convolution reads."""
    ends = [
        slice(start, start + layer.stride * (layer.after - 1) + 1, layer.stride) for start in range(layer.kernel)
    ]  # fmt: skip
    return [(rows, columns) for rows in ends for columns in ends]


def patches(maps: Tensor, layer: Layer) -> Tensor:
    """What the taps read of maps (g, c, s, s, b), as (g, k k c, t t b) with the side t behind the convolution."""
    g, c, _, _, b = maps.shape
    if layer.kernel == layer.side:
        return maps.permute(0, 2, 3, 1, 4).reshape(g, -1, b)
    places = taps(layer)
    found = maps.new_empty(g, len(places), c, layer.after, layer.after, b)
    for tap, (rows, columns) in enumerate(places):
        found[:, tap] = maps[:, :, rows, columns]
    return found.view(g, layer.inputs, -1)


class First(Function):
    """The first convolution: every network reads the same images, so that their patches (k k, t t b) are made once."""

    @staticmethod
    def forward(ctx: Any, read: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(read)
        rows = kernel.reshape(-1, len(read))
        return torch.addmm(bias.reshape(-1, 1), rows, read).view(len(kernel), CHANNELS, -1)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[None, Tensor, Tensor]:
        (read,) = ctx.saved_tensors
        (slope,) = slopes
        rows = slope.reshape(-1, read.shape[1])
        return None, (rows @ read.T).view(-1, CHANNELS, len(read)), slope.sum(2)


class Convolution(Function):
    """The other convolutions, of maps (g, 16, s, s, b) to (g, 16, t t b)."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, kernel: Tensor, bias: Tensor, layer: Layer) -> Tensor:
        read = patches(maps, layer)
        ctx.save_for_backward(read, kernel)
        ctx.shape, ctx.layer = maps.shape, layer
        return torch.baddbmm(bias[:, :, None], kernel, read)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        read, kernel = ctx.saved_tensors
        (slope,) = slopes
        g, c, _, _, b = ctx.shape
        after, places = ctx.layer.after, taps(ctx.layer)
        parts = torch.bmm(kernel.transpose(1, 2), slope).view(g, len(places), c, after, after, b)
        before = slope.new_zeros(ctx.shape)
        for tap, (rows, columns) in enumerate(places):
            before[:, :, rows, columns] += parts[:, tap]
        return before, torch.bmm(slope, read.transpose(1, 2)), slope.sum(2), None


def forward(images: Tensor, parameters: Parameters, form: Form, activation: str, kept: Sequence[Tensor] = ()) -> Tensor:
    """Logits (g, b, classes) of images (s, s, b), by every network.

    `kept` has for each convolution what its values behind the activation are multiplied by, (g, 16, t t b): dropout.
    """
    layers, half = form.layers, len(parameters) // 2
    kernels, biases = parameters[:half], parameters[half:]
    values: Any = First.apply(patches(images[None, None], layers[0])[0], kernels[0], biases[0])
    for place, layer in enumerate(layers):
        values = values.relu() if activation == "relu" else values.tanh()
        if kept:
            values = values * kept[place]
        maps = values.view(-1, CHANNELS, layer.after, layer.after, images.shape[-1])
        if layer is not layers[-1]:
            values = Convolution.apply(maps, kernels[place + 1], biases[place + 1], layers[place + 1])
    means = maps.mean((2, 3))
    return torch.baddbmm(biases[-1][:, :, None], kernels[-1], means).transpose(1, 2)


def losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy (g,) of logits (g, b, classes) for labels (b,), in nats."""
    g, b, classes = logits.shape
    each = torch.nn.functional.cross_entropy(logits.reshape(g * b, classes), labels.repeat(g), reduction="none")
    return each.view(g, b).mean(1)


def flat(parameters: Parameters) -> Tensor:
    """Every parameter of every network, (g, 4970) with ten classes, in the order of the published files.

    Layer by layer the bias, then the kernel with its axes row, column, channel in, channel out.
    """
    g, half, parts = len(parameters[0]), len(parameters) // 2, []
    for kernel, bias in zip(parameters[:half], parameters[half:], strict=True):
        parts += [bias.reshape(g, -1), kernel.transpose(1, 2).reshape(g, -1)]
    return torch.cat(parts, dim=1)
