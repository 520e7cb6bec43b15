"""Memory of a program: what it allocates, and how much scratch its operations share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from harness.train.native import structures as c

GROUP = 256
"""Pixels of one channel that the way back works on at a time, over several blocks where a map is smaller."""


class Memory:
    """Addresses of tensors and arrays that live as long as this does; `real` is what the step counts in, and a map has
    room for `blocks` of as many images as a vector has `lanes`."""

    def __init__(self, real: torch.dtype, lanes: int, blocks: int) -> None:
        self.real, self.lanes, self.blocks = real, lanes, blocks
        self.kept: list[Any] = []
        self.tensors: dict[int, Tensor] = {}  # by their address
        self.slopes: dict[int, tuple[Tensor, Tensor]] = {}  # weight and gradient, by identity of the weight

    def reals(self, count: int, real: torch.dtype | None = None) -> int:
        """So many zeros."""
        tensor = torch.zeros(count, dtype=real or self.real)
        self.tensors[tensor.data_ptr()] = tensor
        return tensor.data_ptr()

    def map(self, channels: int, side: int) -> int:
        """A map of all images."""
        return self.reals(channels * side * side * self.blocks * self.lanes)

    def view(self, address: int, channels: int) -> Tensor:
        """What lies there of a map, or of one number a channel: (blocks, channels, pixels, lanes)."""
        return self.tensors[address].view(self.blocks, channels, -1, self.lanes)

    def array(self, kind: Any, parts: Sequence[Any]) -> Any:
        """Structures of one kind, side by side; room for one where there are none."""
        array = (kind * max(1, len(parts)))(*parts)
        self.kept.append(array)
        return array

    def slope(self, weight: Tensor, rows: slice) -> int:
        """Where the gradient of some rows of a weight goes, laid out in memory as the weight."""
        if id(weight) not in self.slopes:
            self.slopes[id(weight)] = weight, torch.zeros(weight.numel(), dtype=self.real)
        slope = self.slopes[id(weight)][1]
        offset: int = rows.start * weight.stride(0) * slope.element_size()
        return slope.data_ptr() + offset


class Scratch:
    """The largest scratch that any operation needs, in vectors or, for `sums`, altogether."""

    def __init__(self, blocks: int) -> None:
        self.blocks = blocks
        self.read = self.made = self.back = self.sums = 1

    def node(self, side: int, channels: int) -> None:
        """Make room for the sum of a map's terms, its statistics, and the way back."""
        self.back = max(self.back, 3 * side * side)
        self.sums = max(self.sums, 2 * channels * self.blocks)

    def dense(self, inputs: int) -> None:
        """Make room for what a dense layer reads of all blocks, and the way back."""
        self.read, self.back = max(self.read, self.blocks * inputs), max(self.back, self.blocks * inputs)

    def convolutions(self, channels: int, side: int, convs: Sequence[c.Conv]) -> None:
        """Make room for convolutions of a map of so many `channels`, and the way back."""
        together = min(self.blocks, max(1, GROUP // (side * side)))
        framed = side + 2 * max(conv.padding for conv in convs)
        self.read = max(self.read, together * channels * framed**2)
        self.sums = max(self.sums, len(convs) * 2 * self.blocks * max(conv.out for conv in convs))
        for conv in convs:
            made = (side + 2 * conv.padding - conv.k) // conv.stride + 1
            framed = made + 2 * (conv.k - 1 - conv.padding)
            self.made = max(self.made, together * conv.out * made**2)
            self.back = max(self.back, together * channels * side**2 + conv.out * framed**2)
