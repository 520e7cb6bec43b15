"""The images of one data set on one device, put there once for all trainings of a process."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.schema import ImageSet
from harness.train.batches import TrainingImages, held_out


class DeviceImages:
    """Training images, and the held-out ones and those that are measured, each made when it is first asked for."""

    def __init__(self, image_set: ImageSet, device: torch.device) -> None:
        self.image_set, self.device = image_set, device
        self.framed: TrainingImages | None = None
        self.parts: dict[tuple[str, int | None, torch.memory_format], tuple[Tensor, Tensor]] = {}

    def training(self) -> TrainingImages:
        """Those of the training part, normalised, in a black frame."""
        if self.framed is None:
            self.framed = TrainingImages(self.image_set, self.device)
            self._wait()
        return self.framed

    def part(self, split: str, limit: int | None, layout: torch.memory_format) -> tuple[Tensor, Tensor]:
        """`held_out` of these images, in a layout."""
        key = split, limit, layout
        if key not in self.parts:
            images, labels = held_out(self.image_set, split, limit, self.device)
            self.parts[key] = images.contiguous(memory_format=layout), labels
            self._wait()
        return self.parts[key]

    def _wait(self) -> None:
        """Until what was put on a GPU is there: other streams read it too."""
        if self.device.type == "cuda":
            torch.cuda.current_stream(self.device).synchronize()
