"""Logarithm of the maximum evidence of a linear model."""

from __future__ import annotations

import numpy as np

from .features import Features, Matrix, NoValue, principal

POINTS, ROUNDS, REACH = 41, 8, 30.0
"""Ratios of noise to weights in one round, rounds of ever finer steps, and the range of their logarithm."""


def logme(features: Features) -> float:
    """LogME (You et al. 2021, arXiv 2102.11005): mean over classes of max log p(y | F, alpha, beta) / n.

    y is the indicator of one class, F the features, neither centred nor scaled; weights ~ N(0, 1 / alpha), noise
    ~ N(0, 1 / beta). Higher is better. With t = alpha / beta the best alpha is known, so that the maximum is one over t
    alone [derived, docs/methods.md]. Raises NoValue where a class is an exact linear function of the features, as
    its evidence has no maximum.
    """
    n = len(features.y)
    directions, values = principal(features.x)
    along = (directions.T @ features.indicator) ** 2
    rest = features.counts - along.sum(axis=0)
    if len(values) < n and (rest <= 1e-10 * features.counts).any():
        raise NoValue("a class is an exact linear function of the features")
    rest = np.maximum(rest, 0.0) if len(values) < n else np.zeros_like(rest)
    low = np.full(len(rest), np.log(values[0]) - REACH)
    high = low + 2 * REACH
    for _ in range(ROUNDS):
        steps = np.linspace(low, high, POINTS)
        evidence = evidences(np.exp(steps), values, along, rest, n)
        best = evidence.argmax(axis=0)
        every = np.arange(len(rest))
        low, high = steps[np.maximum(best - 1, 0), every], steps[np.minimum(best + 1, POINTS - 1), every]
    return float(evidence.max(axis=0).mean() / n)


def evidences(t: Matrix, values: Matrix, along: Matrix, rest: Matrix, n: int) -> Matrix:
    """Log evidence at each t (points, K), with the best alpha for that t.

    `values` (r,) are the squared singular values of F, `along` (r, K) the squared parts of y along its left singular
    vectors, `rest` (K,) that along none. y ~ N(0, (F F' + t I) / alpha), so 1 / alpha = y' (F F' + t I)^-1 y / n.
    """
    shifted = values[:, None, None] + t
    variance = ((along[:, None, :] / shifted).sum(axis=0) + rest / t) / n
    spread = np.log(shifted).sum(axis=0) + (n - len(values)) * np.log(t)
    return np.asarray(-0.5 * (n * (np.log(2 * np.pi) + 1 + np.log(variance)) + spread))
