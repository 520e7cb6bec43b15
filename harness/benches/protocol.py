"""Which accuracy of a training is the ground truth: on which images, and after how many epochs."""

from __future__ import annotations

from collections.abc import Sequence

from harness.schema import demand

SPLITS = ("valid", "test")
"""Images that tables made by `python -m harness.tabulate` have accuracies on."""

NATS_SPLITS = (*SPLITS, "valtest")
"""Those of NATS-Bench: "valtest" are the validation and test images together."""


def demand_protocol(split: str, epochs: int | None, splits: Sequence[str] = SPLITS) -> None:
    """Raise BadInput for a split that is not among `splits`, and for less than one epoch (None: the last)."""
    demand(split in splits, "bench.target_split", " or ".join(map(repr, splits)), split)
    demand(epochs is None or epochs >= 1, "bench.target_epochs", "at least 1 (or null)", epochs)
