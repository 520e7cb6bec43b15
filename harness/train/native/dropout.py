"""Dropout of what a dense layer or the head reads."""

from __future__ import annotations

import torch

from harness.train.native.memory import Memory


class Dropout:
    """Factors of the numbers that are read, (blocks, channels, lanes), drawn anew for each update.

    They are drawn from torch's random state, as `nn.Dropout` draws those of a batch (B, channels). `address` is
    theirs, None without dropout.
    """

    def __init__(self, rate: float, channels: int, memory: Memory) -> None:
        self.rate = rate
        self.factors = torch.zeros(memory.blocks, channels, memory.lanes, dtype=memory.real)
        self.address = self.factors.data_ptr() if rate else None

    def draw(self, images: int) -> None:
        """The factors of an update on so many images; those of lanes without an image are 0."""
        if not self.rate:
            return
        blocks, channels, lanes = self.factors.shape
        kept = torch.zeros(blocks * lanes, channels, dtype=self.factors.dtype)
        kept[:images] = torch.empty(images, channels).bernoulli_(1 - self.rate).div_(1 - self.rate)
        self.factors.copy_(kept.view(blocks, lanes, channels).transpose(1, 2))
