"""Bootstrap resamplings of the architectures, and percentile intervals over them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def draws(n: int, count: int, seed: int) -> NDArray[np.int64]:
    """Multiplicities (count, n): how often each of n architectures is in each draw of n with replacement.

    Efron (1979). They depend on the three arguments alone, so that all predictors are judged on the same draws and
    the differences between them are paired.
    """
    if n == 0:
        return np.zeros((count, 0), dtype=np.int64)
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=count)


def observed_and_draws(n: int, count: int, seed: int) -> NDArray[np.int64]:
    """The sample as it is in the first row, then `draws`, (1 + count, n)."""
    return np.concatenate([np.ones((1, n), dtype=np.int64), draws(n, count, seed)])


def interval(values: NDArray[np.float64], level: float) -> tuple[float, float]:
    """The percentile interval (low, high) of one number under many draws, (draws,).

    Efron & Tibshirani (1993), section 13.3: the (1 − level)/2 and (1 + level)/2 quantiles. A draw in which the number
    is nan (it held only ties) is left out; (nan, nan) where that is every draw.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return float("nan"), float("nan")
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
