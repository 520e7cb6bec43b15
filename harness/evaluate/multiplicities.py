"""Sums over a resampled list of architectures, and over its pairs, without building it.

A resampling is a row of integer multiplicities: how often each architecture was drawn. Tables here have one row an
architecture and one column a draw, (architectures, draws), so that a sum over architectures is a sum of rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import isqrt

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

EXACT_FLOAT32 = 2**24
"""float32 holds every integer up to here, so sums of counts below it are exact."""

LEAF = 64
"""Below this many architectures a sign matrix is faster than halving once more."""

FEW_DRAWS = 64


def complete(scores: Numbers, truth: Numbers) -> Iterator[tuple[list[int], NDArray[np.intp]]]:
    """(predictors, architectures) that share a pattern of missing values, so that the truth is ranked once for all."""
    known = np.isfinite(scores) & np.isfinite(truth)
    sharing: dict[bytes, list[int]] = defaultdict(list)
    for row, pattern in enumerate(known):
        sharing[pattern.tobytes()].append(row)
    for rows in sharing.values():
        kept = np.flatnonzero(known[rows[0]])
        if kept.size:
            yield rows, kept


def counts(truth: Numbers, weights: NDArray[np.integer] | None) -> Numbers:
    """Multiplicities (architectures, draws), in float32 where every sum over pairs of draws stays exact in it."""
    table = np.ones((len(truth), 1)) if weights is None else np.asarray(weights).T
    pairs = float(table.sum(axis=0).max(initial=0)) ** 2
    return np.ascontiguousarray(table, dtype=np.float32 if pairs < EXACT_FLOAT32 else np.float64)


def codes(values: Numbers) -> NDArray[np.int64]:
    """Place of each value among the distinct values, from 0."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def group_sums(codes: NDArray[np.int64], table: Numbers) -> Numbers:
    """Rows of `table` summed over each distinct code, (distinct codes, draws)."""
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    sums: Numbers = table[order] if len(starts) == len(order) else np.add.reduceat(table[order], starts, axis=0)
    return sums


def tied(codes: NDArray[np.int64], left: Numbers, right: Numbers) -> Numbers:
    """Σ L_g R_g, the ordered pairs of draws with one code (a draw with itself included), (draws,).

    L and R are the group sums of `left` and `right`: of the multiplicities on both sides, or times a weight.
    """
    if len(np.unique(codes)) < len(codes):
        same = left is right
        left = group_sums(codes, left)
        right = left if same else group_sums(codes, right)
    products: Numbers = np.einsum("gb,gb->b", left, right).astype(float)
    return products


def inversions(s: NDArray[np.int64], left: Numbers, right: Numbers) -> Numbers:
    """Σ left_i right_j over i < j with s_i > s_j, (draws,): within the halves, and between them by running sums."""
    if len(s) <= LEAF:
        above = np.triu(s[:, None] > s).astype(right.dtype)
        within: Numbers = np.einsum("ib,ib->b", left, above @ right).astype(float)
        return within
    if left.shape[1] == 1:
        return np.array([_inversions_of_one(s, left[:, 0].astype(float), right[:, 0].astype(float))])
    first, second = slice(0, len(s) // 2), slice(len(s) // 2, len(s))
    order = np.argsort(s[second], kind="stable")
    below = running(right[second][order])[np.searchsorted(s[second][order], s[first])]
    across: Numbers = np.einsum("ib,ib->b", left[first], below)
    return inversions(s[first], left[first], right[first]) + inversions(s[second], left[second], right[second]) + across


def _inversions_of_one(s: NDArray[np.int64], left: Numbers, right: Numbers) -> float:
    """The same sum of one draw, (architectures,) each: all halves of one size together, the smallest first.

    In the order of s and, where s is equal, of places, what stands in a later half and before i is below it.
    """
    order = np.argsort(s, kind="stable")
    sums, inverted = np.zeros(len(s) + 1), 0.0
    for bit in range((len(s) - 1).bit_length()):
        places = order[np.argsort((order >> (bit + 1)).astype(np.uint32), kind="stable")]
        block, later = places >> (bit + 1), (places >> bit) & 1
        np.cumsum(right[places] * later, out=sums[1:])
        inverted += float((left[places] * (1 - later)) @ (sums[1:] - sums[block << (bit + 1)]))
    return inverted


def running(table: Numbers) -> Numbers:
    """Sums of the first 0, 1, 2, … rows.

    Of many draws by rows, because numpy's cumsum walks down each column: 4 times slower there, faster for a few. About
    √rows blocks go on together, so that few calls add much each.
    """
    rows, draws = table.shape
    sums = np.zeros((rows + 1, draws), dtype=table.dtype)
    if draws < FEW_DRAWS:
        np.cumsum(table, axis=0, out=sums[1:])
        return sums
    size = max(1, isqrt(rows))
    whole = rows // size * size
    blocks, parts = sums[1 : whole + 1].reshape(-1, size, draws), table[:whole].reshape(-1, size, draws)
    blocks[:, :1] = parts[:, :1]
    for place in range(1, size):
        np.add(blocks[:, place - 1], parts[:, place], out=blocks[:, place])
    for place in range(1, len(blocks)):
        blocks[place] += blocks[place - 1, -1]
    for place in range(whole, rows):
        np.add(sums[place], table[place], out=sums[place + 1])
    return sums


def divide(top: Numbers, square: Numbers) -> Numbers:
    """top / √square, nan where the square is 0."""
    ratio: Numbers = np.divide(top, np.sqrt(square), out=np.full(top.shape, np.nan), where=square > 0)
    return ratio
