"""The parametric learning curves of Domhan et al. (IJCAI 2015, table 1), and their least-squares fits.

Eleven names, eight functions: log power is hill3 with other letters (exp(b) = kappa, c = -eta), and Janoschek and exp4
are Weibull (kappa' = kappa^delta; c - exp(-a x^alpha + b) has alpha - beta = exp(b)). A function is fitted once and
counts as often as it has names. Parameters are kept to curves that rise and stay at or below 1 [derived].

Level and gain enter linearly, so only the one or two shape parameters are searched (separable least squares, Golub &
Pereyra 1973), on a grid that is narrowed round its best point: quick, without starting values, the same every time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import numpy as np

from .points import Column

Rise = Callable[[Column, Column, Column], Column]
Range = tuple[float, float]

GRID = 15
ROUNDS = 9
NARROWING = 0.35
"""Each round spans this part of the last: the next grid reaches 2.5 points of this one to either side of the best."""

POWER = (log(0.01), log(10.0))


@dataclass(frozen=True)
class Curve:
    """One function y(x) = level + gain * rise(x, p, q), x >= 1 in intervals, y a fraction.

    `rise` is increasing in x. `p` and `q` are shape parameters, of which the first `shapes` are searched within
    `p_range` and `q_range`; exponents and times enter as logarithms. Where `levelled`, rise <= 0 tends to 0,
    level <= 1 is free and gain >= 0; otherwise level = 0 and the gain lies within `gain_range`. `parameters` counts
    all that are free.
    """

    names: tuple[str, ...]
    parameters: int
    shapes: int
    rise: Rise
    levelled: bool = True
    p_range: Range = POWER
    q_range: Range = POWER
    gain_range: Range = (0.0, np.inf)


@dataclass(frozen=True)
class Fit:
    """A fitted curve, with the sum of squared residuals `rss` (fractions, squared)."""

    curve: Curve
    rss: float
    level: float
    gain: float
    p: float
    q: float

    def at(self, x: Column) -> Column:
        """The curve's values at `x`, kept within 0..1."""
        height = self.curve.rise(x, np.array(self.p), np.array(self.q))
        return np.clip(self.level + self.gain * height, 0.0, 1.0)


def curves(longest: float) -> tuple[Curve, ...]:
    """The eight functions; time scales are searched from 0.1 to 10 * `longest` intervals."""
    scale = (log(0.1), log(10 * longest))
    exp = np.exp
    return (
        Curve(("pow3",), 3, 1, lambda x, p, q: -(x ** -exp(p))),
        Curve(("pow4",), 4, 2, lambda x, p, q: -(((x + exp(q)) / (1 + exp(q))) ** -exp(p)), q_range=scale),
        Curve(
            ("log-log-linear",),
            2,
            2,
            lambda x, p, q: np.log(exp(p) + q * np.log(x)),
            levelled=False,
            p_range=(0.0, 1.0),
            q_range=(0.0, 2.5),
            gain_range=(1.0, 1.0),
        ),
        Curve(
            ("hill3", "log power"),
            3,
            2,
            lambda x, p, q: 1 / (1 + (exp(q) / x) ** exp(p)),
            levelled=False,
            q_range=scale,
            gain_range=(0.0, 1.0),
        ),
        Curve(("MMF",), 4, 2, lambda x, p, q: -1 / (1 + (x / exp(q)) ** exp(p)), q_range=scale),
        Curve(("Weibull", "Janoschek", "exp4"), 4, 2, lambda x, p, q: -exp(-((x / exp(q)) ** exp(p))), q_range=scale),
        Curve(("ilog2",), 2, 0, lambda x, p, q: -1 / np.log(1 + x) + 0 * p),
        Curve(
            ("vapor pressure",),
            3,
            2,
            lambda x, p, q: exp(-exp(p) / x + exp(q) * np.log(x)),
            levelled=False,
            p_range=scale,
            q_range=(log(1e-4), 0.0),
        ),
    )


def fit(curve: Curve, x: Column, y: Column) -> Fit:
    """The least-squares fit of `curve` to points x (n,) >= 1, y (n,) in 0..1."""
    low, high = np.array([curve.p_range, curve.q_range]).T
    centre, half = (low + high) / 2, (high - low) / 2
    best: Fit | None = None
    for _ in range(ROUNDS if curve.shapes else 1):
        axes = [
            np.clip(np.linspace(centre[i] - half[i], centre[i] + half[i], GRID), low[i], high[i])
            if i < curve.shapes
            else centre[i : i + 1]
            for i in (0, 1)
        ]
        p, q = (axis.reshape(-1, 1) for axis in np.meshgrid(*axes))
        level, gain, rss = _linear_part(curve, curve.rise(x, p, q), y)
        i = int(np.argmin(rss))
        if best is None or rss[i] < best.rss:
            best = Fit(curve, float(rss[i]), float(level[i]), float(gain[i]), float(p[i, 0]), float(q[i, 0]))
            centre = np.array([best.p, best.q])
        half = half * NARROWING
    assert best is not None
    return best


def _linear_part(curve: Curve, h: Column, y: Column) -> tuple[Column, Column, Column]:
    """Best level, gain and residual sum of squares, each (m,), for m candidate rises h (m, n).

    Only one of the two limits of a levelled curve can bind at a time (h <= 0: a negative gain pulls the level down),
    so the limited optimum is the free one, or the one on the limit that it breaks.
    """
    if curve.levelled:
        mean = h.mean(axis=1)
        gain = np.maximum(_slope(h - mean[:, None], y - y.mean()), 0.0)
        level = y.mean() - gain * mean
        over = level > 1
        gain = np.where(over, _slope(h, y - 1), gain)
        level = np.where(over, 1.0, level)
    else:
        gain = np.clip(_slope(h, y), *curve.gain_range)
        level = np.zeros(len(h))
    residual = level[:, None] + gain[:, None] * h - y
    return level, gain, np.einsum("mn,mn->m", residual, residual)


def _slope(h: Column, y: Column) -> Column:
    """Least-squares slopes (m,) of y (n,) on each row of h through the origin; 0 on rows that are 0."""
    squares = np.einsum("mn,mn->m", h, h)
    slopes: Column = np.divide(h @ y, squares, out=np.zeros(len(h)), where=squares > 0)
    return slopes
