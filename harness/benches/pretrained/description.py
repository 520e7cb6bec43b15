"""Description of a pre-trained network by numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log10, nan

import numpy as np

from harness.schema import Description

COUNTS = ("params", "flops", "layers")


def description(facts: Mapping[str, float], side: float, family: str, families: Iterable[str]) -> Description:
    """Logarithms of its counts to base 10, the published source accuracy (percent), the `side` in pixels of the images
    that it read before, and its family as one 0 or 1 per family; nan for what is not known."""
    numbers = {f"log {name}": log10(facts[name]) for name in COUNTS}
    numbers |= {"source_accuracy": facts.get("source_accuracy", nan), "side": side}
    numbers |= {f"family={each}": float(each == family) for each in sorted({*families, family})}
    return Description(tuple(numbers), np.array(list(numbers.values())))
