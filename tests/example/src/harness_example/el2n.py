"""The error norm of a network on a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.schema import Observer, Scene, demand


@dataclass(frozen=True)
class ErrorNorm:
    """EL2N = mean over the batch of ||softmax(f(x)) - onehot(y)||_2 (Paul et al. 2021, arXiv 2107.07075, section 2).

    Between 0 and √2; lower is better. The network is in evaluation mode, so that BatchNorm's statistics are those of
    the training. `every`: observations from one reading to the next.
    """

    every: int = 1

    def __post_init__(self) -> None:
        demand(self.every >= 1, "measure.el2n.every", "at least 1", self.every)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are written."""
        return ("el2n",)

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the error norm of whatever model it is shown."""

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, float]:
            images, labels = batch
            with torch.no_grad():
                guess = model.eval()(images).softmax(dim=1)
            wrong = guess - nn.functional.one_hot(labels, scene.classes)
            return {"el2n": float(wrong.norm(dim=1).mean())}

        return observe
