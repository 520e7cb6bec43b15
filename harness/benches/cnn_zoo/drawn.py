"""What the networks of one stack start from, whatever computes their updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from harness.benches.hyperparameters import Values
from harness.schema import seed_of

from . import initialization
from .form import Form
from .space import SPACE, together


@dataclass(frozen=True)
class Drawn:
    """Hyper-parameters of networks that are `together` alike, with the kernels and the seed of each."""

    networks: Sequence[Values]
    kernels: Sequence[Sequence[Tensor]]
    seeds: Sequence[int]

    @property
    def activation(self) -> str:
        """That of all networks."""
        return str(together(self.networks[0])[1])

    @property
    def optimizer(self) -> str:
        """That of all networks."""
        return str(together(self.networks[0])[2])

    def numbers(self, name: str) -> list[float]:
        """A hyper-parameter of each network."""
        return [float(values[name]) for values in self.networks]

    def dropout_sources(self) -> list[np.random.SFC64]:
        """The random numbers of each network's dropout, sixteen bits per value."""
        return [np.random.SFC64(seed_of(seed, "dropout")) for seed in self.seeds]

    def below(self) -> NDArray[np.int32]:
        """A value is kept where its bits, as a signed number, are below this: with a probability of m / 65536."""
        return (self._levels() - 32768).astype(np.int32)

    def kept(self) -> NDArray[np.float64]:
        """This probability, next to 1 - rate, by which kept values are divided."""
        return self._levels() / 65536

    def _levels(self) -> NDArray[np.int64]:
        return np.array([round(65536 * (1 - rate)) for rate in self.numbers("dropout")])


def draw(networks: Sequence[Values], form: Form, seed: int, stream: str) -> Drawn:
    """The start of these networks, each from random numbers of its own (`schema.seed_of`)."""
    seeds = [seed_of(seed, stream, SPACE.write(values)) for values in networks]
    pairs = zip(networks, seeds, strict=True)
    kernels = [initialization.kernels(values, form, np.random.default_rng(own)) for values, own in pairs]
    return Drawn(networks, kernels, seeds)
