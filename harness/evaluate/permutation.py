"""Whether the difference of two predictors could be chance: a permutation test, and Holm's correction for many of them.

Derivation [derived, docs/methods.md]. a_i and b_i are the mid-ranks of architecture i by the two predictors, t_i its
truth. Under H0 the two are exchangeable, architecture by architecture: each may swap its a_i with its b_i, s_i = −1, or
keep them, s_i = +1, all 2^n patterns being equally probable. The statistic is the difference of the numerators of τ,
concordant minus discordant pairs. Of a pair i < j it is, times sign(t_i − t_j),

    d_ij = sgn(a_i − a_j) − sgn(b_i − b_j)   for s = (+, +),  −d_ij for (−, −),
    e_ij = sgn(a_i − b_j) − sgn(b_i − a_j)   for s = (+, −),  −e_ij for (−, +):

an odd function of the pair of signs, so (s_i + s_j)/2 d_ij + (s_i − s_j)/2 e_ij, without a product s_i s_j. Hence

    T(s) = Σ_i s_i v_i,   2 v_i = Σ_j sgn(t_i − t_j) [sgn(a_i − a_j) + sgn(a_i − b_j) − sgn(b_i − a_j) − sgn(b_i − b_j)]

and all permutations of all comparisons are one product of matrices.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from harness.evaluate.draw_counts import EXACT_FLOAT32
from harness.evaluate.signs import sign_sums

Numbers = NDArray[np.float64]

BLOCK_BYTES = 2**26
"""Memory of the sign patterns that are held at once."""


def swap_effects(first: Numbers, second: Numbers, truth: Numbers) -> NDArray[np.int64]:
    """2 v_i of each architecture, (architectures,), in the module's letters; their sum is twice the difference of
    the numerators, `first` less `second`.

    Architectures that are not finite in all three are left out of the ranks and have 0.
    """
    effects = np.zeros(len(truth), dtype=np.int64)
    kept = np.flatnonzero(np.isfinite(first) & np.isfinite(second) & np.isfinite(truth))
    kept = kept[np.argsort(truth[kept], kind="stable")]
    if not kept.size:
        return effects
    a, b, t = rankdata(first[kept]), rankdata(second[kept]), truth[kept]
    both = np.stack([a, b], axis=1)
    worse, better = (2 * np.searchsorted(t, t, side=side) for side in ("left", "right"))
    ends = np.repeat(np.stack([worse, better, np.full(len(t), 2 * len(t))], axis=1)[:, :, None], 2, axis=2)
    sums = sign_sums(both.ravel(), ends, np.repeat(both[:, None, :], 3, axis=1))
    signed = sums[:, 0] - (sums[:, 2] - sums[:, 1])
    effects[kept] = signed[:, 0] - signed[:, 1]
    return effects


def swap_p_values(effects: NDArray[np.int64], permutations: int, seed: int) -> Numbers:
    """Two-sided p of each comparison, (comparisons,), from their `swap_effects`, (comparisons, architectures).

    Phipson & Smyth (2010): (1 + #{|T*| ≥ |T|}) / (1 + permutations), the observed pattern being one of them, so that p
    is never 0 and the test is exact for exchangeable predictors. All comparisons see the same swaps, which depend on
    `seed` and the numbers of swaps and architectures alone.
    """
    size = np.abs(effects).sum(axis=1).max(initial=0)
    kind = np.dtype(np.float32 if size < EXACT_FLOAT32 else np.float64)
    table: Numbers = effects.T.astype(kind)
    observed = np.abs(effects.sum(axis=1))
    n, rng, reached = effects.shape[1], np.random.default_rng(seed), np.ones(len(effects))
    words = -(-n // 32)
    rows = max(1, BLOCK_BYTES // (kind.itemsize * max(1, n)))
    for begin in range(0, permutations, rows):
        count = min(rows, permutations - begin)
        bits = np.frombuffer(rng.bytes(4 * words * count), dtype=np.uint8).reshape(count, 4 * words)
        signs: Numbers = np.unpackbits(bits, axis=1, count=n).astype(kind)
        signs *= 2
        signs -= 1
        reached += (np.abs(signs @ table) >= observed).sum(axis=0)
    p: Numbers = reached / (1 + permutations)
    return p


def holm(p: Numbers) -> Numbers:
    """p adjusted so that the chance of any false rejection among them is kept, (comparisons,).

    Holm (1979): the i-th smallest of m times m − i + 1, never below a smaller one's, at most 1. nan is no test: it
    stays nan and does not count.
    """
    adjusted = np.full(len(p), np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)))
    return adjusted
