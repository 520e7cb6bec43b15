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

from .space import CHANNELS, CONVOLUTIONS, TAPS

Parameters = list[Tensor]
"""Kernels (g, 16, 9 c) of three convolutions, taps before channels, and (g, classes, 16) of the head; then biases."""

KERNELS = CONVOLUTIONS + 1


def taps(side: int) -> tuple[int, list[tuple[slice, slice]]]:
    """Side of the map behind a 3 x 3 convolution of stride 2, and the places that each of its taps reads."""
    after = (side - 3) // 2 + 1
    ends = [slice(start, start + 2 * after - 1, 2) for start in range(3)]
    return after, [(rows, columns) for rows in ends for columns in ends]


def patches(maps: Tensor) -> Tensor:
    """What the taps read of maps (g, c, s, s, b), as (g, 9 c, t t b) with the side t behind the convolution."""
    g, c, side, _, b = maps.shape
    after, places = taps(side)
    found = maps.new_empty(g, TAPS, c, after, after, b)
    for tap, (rows, columns) in enumerate(places):
        found[:, tap] = maps[:, :, rows, columns]
    return found.view(g, TAPS * c, -1)


class First(Function):
    """The first convolution: every network reads the same images, so that their patches (9, t t b) are made once."""

    @staticmethod
    def forward(ctx: Any, read: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(read)
        return torch.addmm(bias.reshape(-1, 1), kernel.reshape(-1, TAPS), read).view(len(kernel), CHANNELS, -1)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[None, Tensor, Tensor]:
        (read,) = ctx.saved_tensors
        (slope,) = slopes
        rows = slope.reshape(-1, read.shape[1])
        return None, (rows @ read.T).view(-1, CHANNELS, TAPS), slope.sum(2)


class Convolution(Function):
    """The other convolutions, of maps (g, 16, s, s, b) to (g, 16, t t b)."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        read = patches(maps)
        ctx.save_for_backward(read, kernel)
        ctx.shape = maps.shape
        return torch.baddbmm(bias[:, :, None], kernel, read)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        read, kernel = ctx.saved_tensors
        (slope,) = slopes
        g, c, side, _, b = ctx.shape
        after, places = taps(side)
        parts = torch.bmm(kernel.transpose(1, 2), slope).view(g, TAPS, c, after, after, b)
        before = slope.new_zeros(ctx.shape)
        for tap, (rows, columns) in enumerate(places):
            before[:, :, rows, columns] += parts[:, tap]
        return before, torch.bmm(slope, read.transpose(1, 2)), slope.sum(2)


def forward(images: Tensor, parameters: Parameters, activation: str, kept: Sequence[Tensor] = ()) -> Tensor:
    """Logits (g, b, classes) of images (s, s, b), by every network.

    `kept` has for each convolution what its values behind the activation are multiplied by, (g, 16, t t b): dropout.
    """
    kernels, biases = parameters[:KERNELS], parameters[KERNELS:]
    size, count = images.shape[0], images.shape[-1]
    values: Any = First.apply(patches(images[None, None])[0], kernels[0], biases[0])
    for layer in range(CONVOLUTIONS):
        size = taps(size)[0]
        values = values.relu() if activation == "relu" else values.tanh()
        if kept:
            values = values * kept[layer]
        maps = values.view(-1, CHANNELS, size, size, count)
        if layer + 1 < CONVOLUTIONS:
            values = Convolution.apply(maps, kernels[layer + 1], biases[layer + 1])
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
    g, parts = len(parameters[0]), []
    for kernel, bias in zip(parameters[:KERNELS], parameters[KERNELS:], strict=True):
        parts += [bias.reshape(g, -1), kernel.transpose(1, 2).reshape(g, -1)]
    return torch.cat(parts, dim=1)
