"""Samples of a search space that can be listed: one architecture of each isomorphism class, in a random order."""

from __future__ import annotations

from collections.abc import Mapping

from harness.schema import demand, seed_of


def drawn(classes: Mapping[str, str], n: int | None, seed: int, bench: str) -> list[str]:
    """`n` architectures (None: all) out of `classes`, isomorphism class → name of the member that stands for it.

    Classes are equally likely. Their order is that of a hash of `seed`, the name of the benchmark and the class, so
    that a smaller sample is the beginning of a larger one and a longer list of classes keeps the order of the others.
    Raises BadInput where there are not that many.
    """
    n = len(classes) if n is None else n
    wanted = f"a count from 1 to {len(classes)} (isomorphism classes with a ground truth)"
    demand(1 <= n <= len(classes), "architectures", wanted, n)
    ordered = sorted(classes, key=lambda name: seed_of(seed, "sample", bench, name))
    return [classes[name] for name in ordered[:n]]
