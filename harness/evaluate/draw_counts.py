"""Sums over a resampled list of architectures, and over its pairs, without building it.

A resampling is a row of integer multiplicities: how often each architecture was drawn. Tables here have one row per
architecture and one column per draw, (architectures, draws), so that a sum over architectures is a sum of rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import wraps
from math import ceil, isqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

EXACT_FLOAT32 = 2**24
"""float32 holds every integer up to here, so sums of counts below it are exact."""

LEAF = 64
"""Below this many architectures a sign matrix is faster than halving once more."""

FEW_DRAWS = 64

AT_ONCE = 2**23
"""Multiplicities of which a table is made in one go, 32 MiB in float32."""


class Statistic(Protocol):
    """(scores (rows, architectures), truth, multiplicities (draws, architectures)) to numbers (rows, draws)."""

    def __call__(self, scores: Numbers, truth: Numbers, weights: NDArray[np.integer] | None = None, /) -> Numbers: ...


def by_draws(statistic: Statistic) -> Statistic:
    """`statistic`, asked for as many draws at a time as keep its tables small: each draw is judged by itself.

    Larger ones would be given back to the system, and cleared by it, after every step: twice the time.
    """

    @wraps(statistic)
    def cut(scores: Numbers, truth: Numbers, weights: NDArray[np.integer] | None = None) -> Numbers:
        if weights is None or weights.size <= AT_ONCE:
            return statistic(scores, truth, weights)
        parts = np.array_split(weights, ceil(weights.size / AT_ONCE))
        return np.concatenate([statistic(scores, truth, part) for part in parts], axis=1)

    return cut


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


def counts(truth: Numbers, weights: NDArray[np.integer] | None, pairs: bool = True) -> Numbers:
    """Multiplicities (architectures, draws), in float32 where every sum over pairs of draws stays exact in it.

    Without `pairs` where every sum over draws does, 64 of them times one multiplicity too: so much `inversions` needs.
    """
    table = np.ones((len(truth), 1)) if weights is None else np.asarray(weights).T
    most = float(table.sum(axis=0).max(initial=0))
    most *= most if pairs else LEAF * float(table.max(initial=0))
    return np.ascontiguousarray(table, dtype=np.float32 if most < EXACT_FLOAT32 else np.float64)


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
    exact = len(left) == 0 or float(left.max()) * float(right.sum(axis=0, dtype=float).max()) < EXACT_FLOAT32
    products: Numbers = np.einsum("gb,gb->b", left, right, dtype=None if exact else float).astype(float)
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
    return (
        inversions(s[first], left[first], right[first])
        + inversions(s[second], left[second], right[second])
        + dot(left[first], below)
    )


def inverted(s: NDArray[np.int64], drawn: Numbers) -> Numbers:
    """Draws that each architecture is inverted with, (architectures, draws).

    Of i the sum of `drawn` over j > i with s_j < s_i and over j < i with s_j > s_i, by halves as in `inversions`.
    """
    found = np.empty_like(drawn)
    _invert(s, drawn, found)
    return found


def _invert(s: NDArray[np.int64], drawn: Numbers, found: Numbers) -> None:
    if len(s) <= LEAF:
        above = np.triu(s[:, None] > s)
        np.matmul((above | above.T).astype(drawn.dtype), drawn, out=found)
        return
    half = len(s) // 2
    first, second = np.argsort(s[:half], kind="stable"), np.argsort(s[half:], kind="stable")
    _invert(s[:half], drawn[:half], found[:half])
    _invert(s[half:], drawn[half:], found[half:])
    found[:half] += running(drawn[half:][second])[np.searchsorted(s[half:][second], s[:half])]
    found[half:] += running(drawn[:half][first[::-1]])[half - np.searchsorted(s[:half][first], s[half:], "right")]


def dot(left: Numbers, right: Numbers) -> Numbers:
    """Σ_i left_i right_i in float64, (draws,); of float32 so few rows at a time that every sum stays exact in it."""
    whole = np.zeros(left.shape[1])
    for place in range(0, len(left), LEAF):
        whole += np.einsum("ib,ib->b", left[place : place + LEAF], right[place : place + LEAF])
    return whole


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
