"""Graphs of the first checkpoints of a training, for a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.measures.literal_graph import LiteralGraph
from harness.measures.temporal_graph import TemporalGraph
from harness.schema import NoReading, Observer, Scene, demand


@dataclass(frozen=True)
class EarlyGraphs:
    """Measure of the columns `temporal_graph` and `literal_graph` of the measures of these names, at their defaults,
    for the first `first` observations alone; no value from then on."""

    kind: ClassVar[str] = "measure/early_graphs"

    first: int = 6

    def __post_init__(self) -> None:
        demand(self.first >= 1, "bench.graphs", "at least 1", self.first)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("temporal_graph", "literal_graph")

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that counts its calls."""
        readers = (TemporalGraph().observer(scene), LiteralGraph().observer(scene))
        calls = 0

        def observe(
            model: nn.Module, batch: tuple[Tensor, Tensor], step: int
        ) -> Mapping[str, float | NDArray[np.float64]]:
            nonlocal calls
            calls += 1
            if calls > self.first:
                return dict.fromkeys(self.columns, NoReading(f"read at the first {self.first} checkpoints alone"))
            read = {name: value for reader in readers for name, value in reader(model, batch, step).items()}
            return {name: read[name] for name in self.columns}

        return observe
