"""Learning curves that a benchmark recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.schema.base import demand
from harness.schema.image_set import ImageSet
from harness.schema.trace import Trace


@dataclass(frozen=True)
class StoredCurves:
    """Asks for curves that a benchmark recorded, instead of trainings.

    `source`: "nats" (the official archive), "curves" (a published file of curves) or "auto", the first that is there.
    `split` is that of the validation columns. `seed` names one recorded training; null takes the mean over those there
    are. Where the only curve per epoch was measured on test images it is refused, unless `allow_test_leak`.
    """

    kind: ClassVar[str] = "signal/stored_curves"

    source: str = "auto"
    split: str = "valid"
    epochs: int = 200
    seed: int | None = None
    allow_test_leak: bool = False

    def __post_init__(self) -> None:
        sources = ("auto", "nats", "curves")
        demand(self.source in sources, "signal.source", " or ".join(map(repr, sources)), self.source)
        demand(self.epochs >= 1, "signal.epochs", "at least 1", self.epochs)


@dataclass(frozen=True)
class Recorded:
    """What a benchmark recorded: `traces` by architecture name, of networks on images like `images` (it holds none).

    `label` says which training, split and seeds; `leak` whether test images are in the curves. `fingerprint` is that
    of the file.
    """

    traces: Mapping[str, Trace]
    images: ImageSet
    fingerprint: str
    label: str
    leak: bool
