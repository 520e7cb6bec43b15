"""Weighted Kendall τ as publications on transferability report it, for many samples of the models at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def weighted_taus(x: Numbers, y: Numbers) -> Numbers:
    """Vigna's additive hyperbolic τ of each row of x and y, both (samples, models), -> (samples,); 1 is the same order.

    Vigna (2015), as in `scipy.stats.weightedtau` with its defaults. With ranks ρ from 0 for the best, f = 1 / (1 + ρ),
    X_ij = sgn(x_i − x_j) and Y_ij = sgn(y_i − y_j),

        ⟨X, Y⟩ = Σ_{i<j} (f_i + f_j) X_ij Y_ij,   τ = ⟨X, Y⟩ / √(⟨X, X⟩ ⟨Y, Y⟩)

    is taken with the ranks by (x, y) and with those by (y, x), and the mean of the two returned, so that it is
    symmetric. (`harness.evaluate.weighted` ranks by the truth alone.) A model that lacks x or y leaves the row. nan for
    a row where one side is constant, or fewer than two models are left.
    """
    there = np.isfinite(x) & np.isfinite(y)
    x, y = np.where(there, x, -np.inf), np.where(there, y, -np.inf)  # last in every ranking
    pairs = there[:, :, None] & there[:, None, :]
    order_x, order_y = (np.where(pairs, _signs(values), 0) for values in (x, y))
    halves = [_by_ranks(_ranks(*sides), order_x, order_y) for sides in ((x, y), (y, x))]
    return np.asarray((halves[0] + halves[1]) / 2)


def _signs(values: Numbers) -> Numbers:
    return (values[:, :, None] > values[:, None, :]).astype(float) - (values[:, :, None] < values[:, None, :])


def _ranks(first: Numbers, second: Numbers) -> Numbers:
    """Rank of each model by `first`, then `second`, 0 for the largest, (samples, models)."""
    order = np.lexsort((second, first), axis=-1)[:, ::-1]
    ranks = np.empty(order.shape)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(order.shape[1], dtype=float), order.shape), axis=1)
    return ranks


def _by_ranks(ranks: Numbers, order_x: Numbers, order_y: Numbers) -> Numbers:
    top = 1 / (1 + ranks)
    weights = top[:, :, None] + top[:, None, :]
    agree, untied_x, untied_y = (
        (weights * signs).sum(axis=(1, 2)) for signs in (order_x * order_y, np.abs(order_x), np.abs(order_y))
    )
    whole = np.sqrt(untied_x * untied_y)
    taus: Numbers = np.divide(agree, whole, out=np.full(len(ranks), np.nan), where=whole > 0)
    return taus.clip(-1, 1)
