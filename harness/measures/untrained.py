"""Zero-cost proxies of untrained networks of a different size than the trained one."""

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
"""Measures by their name in `proxies`; `images` is passed to all but SynFlow, which reads none."""


@dataclass(frozen=True)
class Untrained:
    """Zero-cost proxies of untrained networks of the same architecture, means over `draws` initialisations [derived].

    The trained network may be small, to be cheap; the proxies are those of networks with `channels` and `cells` (C and
    N, null: those of the trained network), such as the benchmark's own, with the network's own initialisation.
    `proxies` are names in `PROXIES`; each column is that of the measure with the prefix "untrained_". They read the
    first `images` of the measure batch, at the trained network's resolution. Weights and random probes are drawn from
    the run's probe seed, the same for every architecture. The values do not change during training: they are computed
    once, at the first observation, and repeated at no cost.

    nan where the proxy is nan in any draw. The network must have `anew(channels, cells)`, which returns a fresh network
    of the same architecture; otherwise the measure raises ValueError.
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
            demand(name in PROXIES, f"{key}.proxies", f"a list of names in {', '.join(PROXIES)}", name)
        once = bool(self.proxies) and len(set(self.proxies)) == len(self.proxies)
        demand(once, f"{key}.proxies", "a list of one or more proxies, each once", self.proxies)
        for name in ("channels", "cells"):
            value = getattr(self, name)
            demand(value is None or value >= 1, f"{key}.{name}", "at least 1 (or null)", value)
        demand(self.draws >= 1, f"{key}.draws", "at least 1", self.draws)
        demand(self.images >= 2, f"{key}.images", "at least 2", self.images)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return tuple(f"untrained_{column}" for proxy in self._measures() for column in proxy.columns)

    @property
    def non_mutating(self) -> bool:
        """True: the model is only used to build others."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that computes the proxies at its first call and repeats them afterwards."""
        known: dict[str, float] = {}

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, float]:
            if not known:
                read = [self._draw(model, batch, scene, draw) for draw in range(self.draws)]
                known.update({name: sum(one[name] for one in read) / len(read) for name in read[0]})
            return known

        return observe

    def _draw(self, model: nn.Module, batch: tuple[Tensor, Tensor], scene: Scene, draw: int) -> dict[str, float]:
        """The proxies of one fresh network, which share their passes."""
        anew = getattr(model, "anew", None)
        if not callable(anew):
            raise ValueError(f"network: must have anew(channels, cells) (got {type(model).__name__})")
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
