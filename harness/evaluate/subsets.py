"""Subsets of the highest ground truth: where a search has to choose, and where predictors are weak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

Choice = Callable[[NDArray[np.float64]], NDArray[np.bool_]]
"""Ground truth (architectures,), nan where unknown, to the mask (architectures,) of those in the subset."""

FEWEST = 5
"""With fewer scores than this no correlation is given for a subset."""


@dataclass(frozen=True)
class Subset:
    """A subset of the architectures: `column` is its word in column names, `stream` the label of its random draws.

    A stream is never renamed: the stored intervals depend on it.
    """

    choose: Choice
    column: str = ""
    stream: str = ""


def everything(truth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """All architectures with a truth, as a mask (architectures,)."""
    return np.isfinite(truth)


def top_50_percent(truth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Architectures whose truth is at least the median truth, as a mask (architectures,); nan is outside."""
    finite = np.isfinite(truth)
    return finite & (truth >= np.median(truth[finite])) if finite.any() else finite


def top_20_percent(truth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The ⌈n/5⌉ architectures of highest truth, and those tied with the last of them, as a mask; nan is outside."""
    return _top(truth, 5)


def top_10_percent(truth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The ⌈n/10⌉ architectures of highest truth, and those tied with the last of them, as a mask; nan is outside."""
    return _top(truth, 10)


def _top(truth: NDArray[np.float64], parts: int) -> NDArray[np.bool_]:
    finite = np.isfinite(truth)
    if not finite.any():
        return finite
    border = np.sort(truth[finite])[-ceil(finite.sum() / parts)]
    chosen: NDArray[np.bool_] = finite & (truth >= border)
    return chosen


SUBSETS: dict[str, Subset] = {
    "all": Subset(everything),
    "top 50 %": Subset(top_50_percent, "half", "better half"),
    "top 20 %": Subset(top_20_percent, "fifth", "best fifth"),
    "top 10 %": Subset(top_10_percent, "tenth", "best tenth"),
}
"""Every subset that is reported, by its name in the tables."""
