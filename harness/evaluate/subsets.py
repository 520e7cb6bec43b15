"""The good architectures, by their ground truth: where a search has to choose, and where predictors are weak."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import numpy as np
from numpy.typing import NDArray

Subset = Callable[[NDArray[np.float64]], NDArray[np.bool_]]

FEWEST = 5
"""With fewer scores than this no correlation is given for a subset."""


def everything(truth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """All architectures with a truth, as a mask (architectures,)."""
    return np.isfinite(truth)


def better_half(truth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Architectures whose truth is at least the median truth, as a mask (architectures,); nan is outside."""
    finite = np.isfinite(truth)
    return finite & (truth >= np.median(truth[finite])) if finite.any() else finite


def best_fifth(truth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The ⌈n/5⌉ architectures of highest truth, and those tied with the last of them, as a mask; nan is outside."""
    return _best(truth, 5)


def best_tenth(truth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The ⌈n/10⌉ architectures of highest truth, and those tied with the last of them, as a mask; nan is outside."""
    return _best(truth, 10)


def _best(truth: NDArray[np.float64], parts: int) -> NDArray[np.bool_]:
    finite = np.isfinite(truth)
    if not finite.any():
        return finite
    border = np.sort(truth[finite])[-ceil(finite.sum() / parts)]
    chosen: NDArray[np.bool_] = finite & (truth >= border)
    return chosen


SUBSETS: dict[str, Subset] = {
    "all": everything,
    "better half": better_half,
    "best fifth": best_fifth,
    "best tenth": best_tenth,
}
"""Every subset that is reported, by the name it has in the tables."""
