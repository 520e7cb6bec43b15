"""Descriptions of a network of the size space by numbers."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from harness.benches.cell_description import one_hot
from harness.benches.natsbench_sss.space import CHOICES, STAGES, Widths
from harness.schema import Description

KINDS = ("features", "operations")


def description(widths: Widths, kind: str) -> Description:
    """ "operations": each width as one 0 or 1 per choice. "features": the widths, their logarithms to base 2, and the
    differences of these, which are the logarithms of the ratios, of all pairs of stages."""
    stages = [f"width {stage}" for stage in range(1, STAGES + 1)]
    if kind == "operations":
        choices = [str(width) for width in CHOICES]
        return one_hot([(stage, choices, str(width)) for stage, width in zip(stages, widths, strict=True)])
    logs = np.log2(widths)
    pairs = list(combinations(range(STAGES), 2))
    names = [*stages, *(f"log {stage}" for stage in stages)]
    names += [f"log {stages[later]} / {stages[first]}" for first, later in pairs]
    return Description(tuple(names), np.array([*widths, *logs, *(logs[later] - logs[first] for first, later in pairs)]))
