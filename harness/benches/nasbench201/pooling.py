"""Average pooling over 3 x 3 windows as a depthwise convolution."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def average(x: Tensor) -> Tensor:
    """3 x 3 average pooling that excludes the padding from the mean.

    A depthwise convolution with weights 1/9, times 3/2 at each border: up to four times as fast as avg_pool2d in
    channels-last memory.
    """
    pooled: Tensor = _Average.apply(x)
    return pooled


class _Average(torch.autograd.Function):
    """y = D K x: K the convolution, which is symmetric, D the diagonal of the borders; the gradient is K D."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return _borders(_ninths(x))

    @staticmethod
    def backward(ctx: Any, arriving: Tensor) -> Tensor:
        back: Tensor = _AverageBack.apply(arriving)
        return back


class _AverageBack(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return _ninths(_borders(x.clone()))

    @staticmethod
    def backward(ctx: Any, arriving: Tensor) -> Tensor:
        return average(arriving)


def _ninths(x: Tensor) -> Tensor:
    return functional.conv2d(x, x.new_full((x.shape[1], 1, 3, 3), 1 / 9), padding=1, groups=x.shape[1])


def _borders(x: Tensor) -> Tensor:
    """x times 3/2 at each border, in place; times 3 where both borders coincide."""
    for side in (2, 3):
        if x.shape[side] == 1:
            x *= 3
        else:
            x.select(side, 0).mul_(1.5)
            x.select(side, -1).mul_(1.5)
    return x
