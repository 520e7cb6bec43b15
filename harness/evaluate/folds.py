"""Folds of the cross-fitting: isomorphism classes are never split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.schema import Architecture, seed_of


def assign_folds(architectures: Sequence[Architecture], folds: int, seed: int) -> NDArray[np.int64]:
    """The fold of each architecture, 0 to `folds` − 1, (architectures,); a group is never split.

    Depends on `seed` and the set of names, not on their order. Groups are shuffled, then dealt out from the largest to
    the smallest, each to the fold that has the fewest architectures so far. With fewer groups than folds some folds
    stay empty.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for architecture in sorted(architectures, key=lambda a: a.name):
        groups[architecture.group].append(architecture.name)
    members = list(groups.values())
    rng = np.random.default_rng(seed_of(seed, *sorted(a.name for a in architectures)))
    shuffled = sorted((members[i] for i in rng.permutation(len(members))), key=len, reverse=True)
    sizes, fold_of = [0] * folds, {}
    for names in shuffled:
        fold = sizes.index(min(sizes))
        sizes[fold] += len(names)
        fold_of.update(dict.fromkeys(names, fold))
    return np.array([fold_of[a.name] for a in architectures], dtype=np.int64)
