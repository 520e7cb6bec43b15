"""Zero-cost proxies of networks that nobody trains, of a size of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor, nn

from harness.schema import Measure, Observer, Scene, Shared, demand, seed_of

from .az_nas import AzNas
from .capacitance import Capacitance
from .jacobian_covariance import JacobianCovariance
from .naswot import Naswot
from .synflow import SynFlow
from .zico import ZiCo

PROXIES = MappingProxyType({
    "az_nas": AzNas,
    "beta_eff": Capacitance,
    "jacov": JacobianCovariance,
    "naswot": Naswot,
    "synflow": SynFlow,
    "zico": ZiCo,
})  # fmt: skip
"""Measures that can be read, by the name that `proxies` knows them by; `images` is theirs but for SynFlow, which has
none."""


@dataclass(frozen=True)
class Untrained:
    """Zero-cost proxies of untrained networks of the same architecture, means over `draws` initialisations [derived].

    The network that is trained may be small, to be cheap; the proxies are those of networks with `channels` and `cells`
    (C and N, null: those of the trained network), such as the benchmark's own, with weights as the network itself draws
    them. `proxies` are those named in `PROXIES`; each column is that of the measure with "untrained_" before it. They
    see the first `images` of the measure batch, of the trained network's size. Weights and random probes are drawn from
    the run's probe seed, alike for every architecture. Nothing changes as the training goes on: it is read once, at
    the first observation, and repeated at no cost.

    nan where the proxy is nan in any draw. A network is needed that has `anew(channels, cells)`, which gives another of
    its kind; one that has not is a failure of the measure.
    """

    kind: ClassVar[str] = "measure/untrained"

    proxies: list[str] = field(default_factory=lambda: ["az_nas", "jacov", "synflow"])
    channels: int | None = 16
    cells: int | None = 5
    draws: int = 1
    images: int = 64

    def __post_init__(self) -> None:
        key = "measure.untrained"
        for name in self.proxies:
            demand(name in PROXIES, f"{key}.proxies", f"a list of {', '.join(PROXIES)}", name)
        once = bool(self.proxies) and len(set(self.proxies)) == len(self.proxies)
        demand(once, f"{key}.proxies", "one proxy or more, each once", self.proxies)
        for name in ("channels", "cells"):
            value = getattr(self, name)
            demand(value is None or value >= 1, f"{key}.{name}", "at least 1 (or null)", value)
        demand(self.draws >= 1, f"{key}.draws", "at least 1", self.draws)
        demand(self.images >= 2, f"{key}.images", "at least 2", self.images)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are written."""
        return tuple(f"untrained_{column}" for proxy in self._measures() for column in proxy.columns)

    @property
    def non_mutating(self) -> bool:
        """Whether the model is left as it was: it is only asked for others."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the proxies when it is first called, and remembers them."""
        known: dict[str, float] = {}

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, float]:
            if not known:
                read = [self._draw(model, batch, scene, draw) for draw in range(self.draws)]
                known.update({name: sum(one[name] for one in read) / len(read) for name in read[0]})
            return known

        return observe

    def _draw(self, model: nn.Module, batch: tuple[Tensor, Tensor], scene: Scene, draw: int) -> dict[str, float]:
        """The proxies of one fresh network; those that read the same pass share it."""
        anew = getattr(model, "anew", None)
        if not callable(anew):
            raise ValueError(f"a network that has anew(channels, cells) is needed, got {type(model).__name__}")
        torch.manual_seed(seed_of(scene.probe_seed, "untrained", draw))
        network: nn.Module = anew(self.channels, self.cells)
        network.to(batch[0].device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in its stubs
        head = network.head
        assert isinstance(head, nn.Linear)
        own = Scene(seed_of(scene.probe_seed, draw), scene.classes, head.in_features, Shared(keeps=True))
        values: dict[str, float] = {}
        for proxy in self._measures():
            found = proxy.observer(own)(network, batch, 0)
            values |= {f"untrained_{name}": float(value) for name, value in found.items()}
        return values

    def _measures(self) -> list[Measure]:
        """The proxies as measures."""
        return [PROXIES[name]() if name == "synflow" else PROXIES[name](images=self.images) for name in self.proxies]
