"""A search space whose architectures can be listed: what a benchmark of one's own need not write itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from harness.benches import own_truth, tabulated
from harness.benches.counts import counted
from harness.benches.draw import drawn
from harness.schema import Architecture, BadInput, ImageSet, Recorded, StoredCurves, Truth, demand, settings

if TYPE_CHECKING:
    from torch import nn


COMMON = ("kind", "name", "source", "unit")
"""Settings that decide no network."""


@dataclass(frozen=True)
class ListedSpace(ABC):
    """The defaults of a `Benchmark`. A subclass gives `names` and `build`; anything else may be overridden.

    `source` of the ground truth: a CSV or Parquet file with the columns architecture, accuracy and, where there are
    several, seed (see `own_truth.read`; `unit`: "percent", "fraction" or null, guessed), or a table made by `python -m
    harness.tabulate`. Fields that a subclass adds are settings of the network: they are part of a trace's key.
    """

    lowerable: ClassVar[bool] = False

    name: str
    source: str
    unit: str | None = None

    def __post_init__(self) -> None:
        own_truth.demand_unit(self.unit)

    @abstractmethod
    def names(self) -> list[str]:
        """Every architecture of the space."""

    @abstractmethod
    def build(self, architecture: Architecture, images: ImageSet) -> nn.Module:
        """A freshly initialised network for these images: `features` (images to (B, n)) and `head` (to logits)."""

    def group(self, name: str) -> str:
        """What folds of learned predictors never separate; the same for strings of one network. Default: the name."""
        return name

    def name_of(self, given: object) -> str:
        """The name that a user gives of an architecture. Raises BadInput where the space has none such."""
        known = self.names()
        demand(str(given) in known, "architecture", f"one of the {len(known)} of {self.name}", str(given))
        return str(given)

    def architecture(self, name: str) -> Architecture:
        """The architecture of this name. Raises BadInput where the space has none."""
        return Architecture(self.name_of(name), self.group(name))

    def truth(self, dataset: str, fingerprint: str, data: str | None) -> Truth:
        """Accuracies in the file `source`; a table of `tabulate` has to be of the images with this fingerprint."""
        path = Path(self.source)
        if own_truth.is_own(path):
            return own_truth.truth(path, self.unit, (dataset, "test", None), self.name_of)
        return tabulated.read(path).truth(None, "test", None, fingerprint, self.name)

    def sample(self, n: int | None, seed: int, among: Sequence[str] | None = None) -> list[Architecture]:
        """`n` architectures (None: all), one of each group, out of the names `among` (None: all of the space)."""
        classes: dict[str, str] = {}
        for name in sorted(self.names() if among is None else among):
            classes.setdefault(self.group(name), name)
        return [self.architecture(name) for name in drawn(classes, n, seed, self.name)]

    def facts(self, architecture: Architecture, images: ImageSet) -> dict[str, float]:
        """Counts of the network that `build` gives, which is built for this."""
        return counted(lambda: self.build(architecture, images), images)

    def recorded(self, dataset: str, wanted: StoredCurves, data: str | None) -> Recorded:
        """No curves are recorded. Raises BadInput."""
        raise BadInput(f"signal: must be null for +bench={self.name} (got recorded curves of {dataset}: none exist)")

    def network(self) -> dict[str, object]:
        """The fields that a subclass adds: part of a trace's identity."""
        own = {key: value for key, value in settings(self).items() if key not in COMMON}
        return {"space": self.name, **own}
