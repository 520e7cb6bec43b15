"""Updates of many networks at once, each with its own learning rate."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

ADAM_MEAN, ADAM_SQUARE, RMSPROP_SQUARE, EPSILON = 0.9, 0.999, 0.9, 1e-7
"""Decay rates and the constant in the denominator, as Keras has them, in which the paper's networks were trained."""


class Updates:
    """SGD without momentum, Adam (Kingma & Ba 2015, algorithm 1) or RMSProp (Tieleman & Hinton 2012), by `name`.

    `rates` (g,) are constant learning rates, one per network of the stack.
    """

    def __init__(self, name: str, parameters: Sequence[Tensor], rates: Tensor) -> None:
        self.name = name
        self.rates = [rates.view(-1, *[1] * (parameter.dim() - 1)) for parameter in parameters]
        self.means = [torch.zeros_like(parameter) for parameter in parameters] if name == "adam" else []
        self.squares = [torch.zeros_like(parameter) for parameter in parameters] if name != "sgd" else []
        self.made = 0

    def update(self, parameters: Sequence[Tensor], slopes: Sequence[Tensor]) -> None:
        """One update of `parameters`, in place."""
        self.made += 1
        with torch.no_grad():
            for place, (parameter, slope) in enumerate(zip(parameters, slopes, strict=True)):
                parameter -= self.rates[place] * self._direction(place, slope)

    def _direction(self, place: int, slope: Tensor) -> Tensor:
        if self.name == "sgd":
            return slope
        square = self.squares[place]
        if self.name == "rmsprop":
            square.mul_(RMSPROP_SQUARE).addcmul_(slope, slope, value=1 - RMSPROP_SQUARE)
            return slope / (square.sqrt() + EPSILON)
        mean = self.means[place].lerp_(slope, 1 - ADAM_MEAN)
        square.mul_(ADAM_SQUARE).addcmul_(slope, slope, value=1 - ADAM_SQUARE)
        width = (square / (1 - ADAM_SQUARE**self.made)).sqrt_().add_(EPSILON)
        return mean / width / (1 - ADAM_MEAN**self.made)
