"""Descriptions of a network of NAS-Bench-Macro by numbers."""

from __future__ import annotations

import numpy as np

from harness.benches.cell_description import one_hot
from harness.benches.nasbench_macro.space import OPERATIONS, STAGES, canonical
from harness.schema import Description

KINDS = ("features", "operations")


def description(text: str, kind: str) -> Description:
    """Of a `kind`, the same for isomorphic strings: "operations", the choice of each layer as one 0 or 1 per choice,
    identities last in their stage; "features", of each stage the choice of its first layer as one 0 or 1 per choice,
    and how many of its other layers have each choice."""
    choices = canonical(text)
    if kind == "operations":
        layers = [f"layer {place}" for place in range(1, len(choices) + 1)]
        named = [(layer, tuple(OPERATIONS.values()), OPERATIONS[c]) for layer, c in zip(layers, choices, strict=True)]
        return one_hot(named)
    numbers, start = dict[str, float](), 0
    for stage, length in enumerate(STAGES, start=1):
        first, later = choices[start], choices[start + 1 : start + length]
        start += length
        for choice, operation in OPERATIONS.items():
            numbers[f"stage {stage} begins with {operation}"] = float(first == choice)
            numbers[f"stage {stage} count {operation}"] = float(later.count(choice))
    return Description(tuple(numbers), np.array(list(numbers.values())))
