"""Ground truths that the scores of a run are held against besides its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.schema import Benchmark, Targeted, Truth, demand

FEWEST = 2


def further_truths(
    bench: Benchmark, targets: Sequence[str], architectures: Sequence[str], data: str | None
) -> dict[str, Truth]:
    """The ground truth of each of `targets`, of these architectures alone, nan where one has no accuracy.

    Raises BadInput where the benchmark has no such ground truth, or fewer than two of the architectures.
    """
    found = {}
    for target in targets:
        assert isinstance(bench, Targeted)  # as RunSpec demands
        truth = bench.target(target, data)
        found[target] = replace(truth, accuracy=truth.accuracy.reindex(list(architectures)))
        known = int(found[target].mean().notna().sum())
        wanted = f"ground truths with at least {FEWEST} of the {len(architectures)} architectures of this run"
        demand(known >= FEWEST, "targets", wanted, f"{target} with {known}")
    return found
