"""Images on the device: entire splits as tensors, batches cut and augmented by indexing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from harness.schema import ImageSet


def normalised(images: Tensor, image_set: ImageSet) -> Tensor:
    """uint8 (n, height, width, colours) to float32 of the same shape, mean 0 and deviation 1 by the set's figures."""
    mean = torch.tensor(image_set.mean, device=images.device)
    std = torch.tensor(image_set.std, device=images.device)
    return (images.float() / 255 - mean) / std


class Draw(NamedTuple):
    """One batch: which images, the corner (2, B) of each one's crop (row, column), and whether it is mirrored."""

    rows: Tensor
    corner: Tensor
    mirrored: Tensor


class TrainingImages:
    """Endless shuffled batches of the training images, (B, colours, size, size) in channels-last memory.

    Random crops of the image in a black frame and mirror images (NAS-Bench-201's augmentation) are one gather a batch.
    """

    def __init__(self, image_set: ImageSet, device: torch.device) -> None:
        images, labels = (torch.tensor(array, device=device) for array in image_set.train)
        self.labels = labels
        self.size, self.crop, self.flip = image_set.size, image_set.crop, image_set.flip
        pad = self.crop
        framed = torch.nn.functional.pad(images, (0, 0, pad, pad, pad, pad)) if pad else images
        self.images = normalised(framed, image_set)

    def __len__(self) -> int:
        return len(self.labels)

    def epoch(self, batch: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """One pass in random order; `generator` (on the CPU) is the only source of randomness."""
        for drawn in self.draws(batch, generator):
            yield self.take(drawn)

    def draws(self, batch: int, generator: torch.Generator) -> Iterator[Draw]:
        """The same, only drawn."""
        for rows in torch.randperm(len(self), generator=generator).split(batch):
            if self.crop or self.flip:
                corner = torch.randint(2 * self.crop + 1, (2, len(rows)), generator=generator)
                mirrored = (torch.rand(len(rows), generator=generator) < 0.5) & self.flip
            else:
                corner, mirrored = torch.zeros(2, len(rows), dtype=torch.long), torch.zeros(len(rows), dtype=torch.bool)
            yield Draw(rows, corner, mirrored)

    def take(self, drawn: Draw) -> tuple[Tensor, Tensor]:
        """The images (B, colours, size, size) and labels (B,) that were drawn, augmented."""
        device = self.images.device
        rows = drawn.rows.to(device)
        if not self.crop and not self.flip:
            return self.images[rows].permute(0, 3, 1, 2), self.labels[rows]
        corner, mirrored = drawn.corner.to(device)[:, :, None], drawn.mirrored.to(device)[:, None]
        along = torch.arange(self.size, device=device)
        down = corner[0] + along
        across = corner[1] + torch.where(mirrored, self.size - 1 - along, along)
        images = self.images[rows[:, None, None], down[:, :, None], across[:, None, :]]
        return images.permute(0, 3, 1, 2), self.labels[rows]


def held_out(image_set: ImageSet, split: str, limit: int | None, device: torch.device) -> tuple[Tensor, Tensor]:
    """Images (n, colours, size, size) and labels of `split`, not augmented, at most `limit` of them.

    Which ones is drawn once and for all: a data set may be sorted by class, and all architectures see the same.
    """
    images, labels = getattr(image_set, split)
    if limit is not None and limit < len(labels):
        rows = np.random.RandomState(0).permutation(len(labels))[:limit]
        images, labels = images[rows], labels[rows]
    x = normalised(torch.tensor(images, device=device), image_set)
    return x.permute(0, 3, 1, 2), torch.tensor(labels, device=device)
