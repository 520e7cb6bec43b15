"""All parameters of a finished network, kept in its trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.schema import Observer, Scene


@dataclass(frozen=True)
class FlatWeights:
    """Measure of every parameter of a network of the zoo, (4970,) with ten classes, in the order of `stack.flat`.

    It is read before the training and after its end.
    """

    kind: ClassVar[str] = "measure/flat_weights"

    every: int = 1_000_000

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are written."""
        return ("weights",)

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the parameters."""

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, NDArray[np.float64]]:
            from .network import Network

            assert isinstance(model, Network)
            with torch.no_grad():
                return {"weights": model.flat().cpu().numpy().astype(np.float64)}

        return observe
