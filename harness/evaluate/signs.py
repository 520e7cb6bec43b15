"""How a value compares with the first so many of a list: the one count behind pairs by gap and the permutation test."""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

AT_ONCE = 2**22
"""Comparisons that are made in one go, so that memory stays small."""


def sign_sums(values: Numbers, ends: NDArray[np.integer], queries: Numbers) -> NDArray[np.int64]:
    """Σ_{j < e} sign(q − values_j) of each query q with its end e, in the shape of `queries`.

    `values` (n,); `ends` and `queries` of one shape, ends from 0 to n; all finite. The list is cut into about √n
    blocks: counts up to a block's beginning come from a table (blocks, distinct values), the rest of the block is
    compared one by one, n √n steps in all.
    """
    ranks = np.unique(np.concatenate([values, queries.ravel()]), return_inverse=True)[1].astype(np.int32)
    have, asked, end = ranks[: len(values)], ranks[len(values) :], np.asarray(ends, dtype=np.int64).ravel()
    distinct = int(ranks.max(initial=-1)) + 1
    block = max(1, ceil(sqrt(len(values) * distinct / max(1, len(asked)))))
    blocks = len(values) // block
    whole = blocks * block
    place = np.arange(whole) // block * (distinct + 1) + have[:whole] + 1
    below = np.bincount(place, minlength=blocks * (distinct + 1)).reshape(blocks, distinct + 1)
    below = np.concatenate([np.zeros((1, distinct + 1), dtype=np.int64), below.cumsum(axis=1).cumsum(axis=0)])
    full = np.minimum(end // block, blocks)
    begin = full * block
    sums: NDArray[np.int64] = below[full, asked] + below[full, asked + 1] - begin
    padded = np.concatenate([have, np.zeros(block, dtype=np.int32)])
    offsets = np.arange(block)
    for some in np.array_split(np.arange(len(asked)), max(1, ceil(len(asked) * block / AT_ONCE))):
        places = begin[some, None] + offsets
        compared = np.sign(asked[some, None] - padded[places])
        sums[some] += np.where(places < end[some, None], compared, 0).sum(axis=1)
    return sums.reshape(queries.shape)
