from __future__ import annotations

import numpy as np

from harness.evaluate.folds import assign_folds
from harness.schema import Architecture


def members(sizes):
    return [Architecture(f"{g}-{i}", f"group {g}") for g, size in enumerate(sizes) for i in range(size)]


def test_a_group_is_never_split_and_folds_are_of_like_size():
    architectures = members([5, 1, 1, 3, 1, 1, 2, 1, 4, 1])
    fold = assign_folds(architectures, 4, 0)
    groups = {a.group for a in architectures}
    assert all(len({f for f, a in zip(fold, architectures, strict=True) if a.group == g}) == 1 for g in groups)
    assert np.bincount(fold).tolist() == [5, 5, 5, 5]


def test_folds_depend_on_the_seed_and_not_on_the_order():
    architectures = members([1] * 40)
    fold = assign_folds(architectures, 5, 3)
    turned = assign_folds(architectures[::-1], 5, 3)
    assert (fold == turned[::-1]).all()
    assert (fold != assign_folds(architectures, 5, 4)).any()


def test_with_fewer_groups_than_folds_some_folds_stay_empty():
    assert sorted(assign_folds(members([2, 1]), 5, 0).tolist()) == [0, 0, 1]
