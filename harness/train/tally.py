"""Training loss and accuracy between two observations."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import torch
from torch import Tensor

from harness.train.observatory import Values

Outcome = tuple[int | None, Values, float]
"""What updates left since the last observation: the number of updates after which the loss was first not finite (None:
never), the means of training loss and accuracy over their images (nan without any), and the seconds they took."""


class Tally:
    """Losses and hits of batches since they were last read; until then the device need not be waited for."""

    def __init__(self) -> None:
        self.losses: list[Tensor] = []
        self.right: list[Tensor] = []
        self.images: list[int] = []

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count one batch."""
        self.losses.append(loss)
        self.right.append(hits(logits, labels))
        self.images.append(len(labels))

    def read(self, step: int) -> tuple[int | None, Values]:
        """`means` of what was counted up to `step`, which is forgotten."""
        losses: list[float] = torch.stack(self.losses).tolist() if self.losses else []
        right = float(torch.stack(self.right).sum()) if self.right else 0.0
        found = means(step, losses, right, self.images)
        self.losses, self.right, self.images = [], [], []
        return found


def means(step: int, losses: Sequence[float], right: float, images: Sequence[int]) -> tuple[int | None, Values]:
    """After `step` updates, of which the last have these `losses` (nats) over batches of so many `images`: the first
    number of updates whose loss is not finite, if any, and the means over all images, nan without any."""
    count = sum(images) or float("nan")
    total = sum(loss * batch for loss, batch in zip(losses, images, strict=True))
    values: Values = {"train_loss": total / count, "train_accuracy": 100 * right / count}
    bad = next((place for place, loss in enumerate(losses) if not isfinite(loss)), None)
    return None if bad is None else step - len(losses) + bad + 1, values


def hits(logits: Tensor, labels: Tensor) -> Tensor:
    """Number of images of a batch whose class was predicted."""
    return (vote(logits) == labels).sum()


def vote(logits: Tensor) -> Tensor:
    """The predicted class (B,), by the mean of the logits where there are several heads."""
    return (logits.mean(0) if logits.dim() == 3 else logits).argmax(-1)
