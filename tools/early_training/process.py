"""A Gaussian process over blocks of features: one radial kernel a block, their shares by marginal likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

Numbers = NDArray[np.float64]

LENGTHS = (0.7, 1.4)
"""Length scales in units of the root of twice a block's number of features, the usual distance of two rows."""

NOISE = (0.03, 0.1, 0.3)
"""Shares of noise in the variance."""

SHARES: dict[int, tuple[tuple[float, ...], ...]] = {
    1: ((1.0,),),
    2: ((0.8, 0.2), (0.5, 0.5), (0.2, 0.8)),
    3: tuple(
        (a * (1 - s), b * (1 - s), s) for (a, b), s in product(((0.8, 0.2), (0.5, 0.5), (0.2, 0.8)), (0.0, 0.2, 0.5))
    ),
}
"""Shares of the blocks that are tried, by the number of blocks; the third and the fourth may get none."""

SHARES[4] = tuple((*(a * (1 - s) for a in three), s) for three, s in product(SHARES[3], (0.0, 0.2, 0.5)))


def kernels(blocks: Sequence[Numbers], length: float) -> list[Numbers]:
    """The radial kernel (n, n) of each block (n, d): exp(−|x − x'|² / (2 ℓ²)), ℓ = `length` · √(2 d)."""
    found = []
    for x in blocks:
        square = (x**2).sum(axis=1)
        distance = np.maximum(square[:, None] + square - 2 * x @ x.T, 0)
        found.append(np.exp(-distance / (4 * length**2 * max(x.shape[1], 1))))
    return found


def likelihood(kernel: Numbers, y: Numbers, noise: float) -> tuple[float, Numbers]:
    """Log marginal likelihood of y (n,) with its scale at the maximum, and the weights (n,) of the posterior mean."""
    try:
        factor = cho_factor((1 - noise) * kernel + noise * np.eye(len(y)), lower=True)
    except LinAlgError:
        return -np.inf, np.zeros(len(y))
    weights: Numbers = cho_solve(factor, y)
    fit = -0.5 * len(y) * np.log(max(float(y @ weights), 1e-12) / len(y))
    return float(fit - np.log(np.diag(factor[0])).sum()), (1 - noise) * weights


class Process:
    """A Gaussian process over blocks (n, d) of the same rows; kernels are made once for all fits."""

    def __init__(self, blocks: Sequence[Numbers]) -> None:
        filled = [block for block in blocks if block.shape[1]]
        self.shares = SHARES[len(filled)]
        self.by_length = [np.array(kernels(filled, length)) for length in LENGTHS]

    def predict(self, fitted: NDArray[np.intp], y: Numbers) -> Numbers:
        """Posterior mean (n,) for all rows from y of the rows `fitted`, whose mean is near 0.

        Length scale, shares and noise are those of the largest marginal likelihood among all that are tried.
        """
        best, scores = -np.inf, np.zeros(self.by_length[0].shape[1])
        for each in self.by_length:
            known = each[:, fitted][:, :, fitted]
            for shares in self.shares:
                kernel: Numbers = np.tensordot(shares, known, axes=1)
                for noise in NOISE:
                    found, weights = likelihood(kernel, y, noise)
                    if found > best:
                        best, scores = found, np.tensordot(shares, each[:, :, fitted] @ weights, axes=1)
        return scores


def predict(blocks: Sequence[Numbers], fitted: NDArray[np.intp], y: Numbers) -> Numbers:
    """The prediction of one `Process` for one fit."""
    return Process(blocks).predict(fitted, y)
