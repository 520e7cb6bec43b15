"""The images of one part of a data set, as the networks of the zoo read them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Pictures:
    """Grey `images` (n, s, s), from -1 to 1, and `labels` (n,)."""

    images: Tensor
    labels: Tensor

    def maps(self, rows: Tensor) -> Tensor:
        """Some of them, images last: (s, s, b)."""
        return self.images[rows].permute(1, 2, 0).contiguous()


def pictures(part: tuple[NDArray[np.uint8], NDArray[np.int64]], device: str) -> Pictures:
    """Images (n, s, s, colours), the mean over the colours, with their labels."""
    images, labels = part
    grey = images.astype(np.float32).mean(axis=3) / 127.5 - 1
    return Pictures(torch.from_numpy(grey).to(device), torch.from_numpy(np.array(labels)).to(device))
