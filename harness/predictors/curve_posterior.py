"""The posterior of a learning curve's value at the horizon, by adaptive quadrature over all its parameters [derived].

Domhan et al. (IJCAI 2015, section 3) sample the parameters and weights of a mixture of curves by MCMC. Here the mixture
is over hypotheses "the curve is of family k" (Bayesian model averaging), so that every integral has few dimensions and
can be done without chance. For one family, with shapes p, q, noise sigma and the values `first` and `last` at the ends,

    y_i = first (1 - u_i) + last u_i + e_i,    u_i = u(x_i; p, q),    e_i ~ N(0, sigma^2):

- over `first`, normal given the rest and cut to 0..last: closed form;
- over `last`: a trapezoid whose nodes lie geometrically around the best value (the integrand is log-concave);
- over sigma: a grid of factors sqrt(e) round the prior's median;
- over the shapes: cells of the unit square, the heaviest of them split again and again, of all families together.

Every node is one value of `last` with a weight, so that together they are a weighted sample of the posterior.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import log, pi

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from harness.predictors.growth_curves import Curve, curves
from harness.predictors.points import Column

GRID = {0: (1, 1), 1: (54, 1), 2: (14, 14)}
"""Cells along s and t that a family starts with, by its number of free shapes."""

SPLIT = {1: (9, 1), 2: (3, 3)}
ROUNDS = 4
HEAVIEST = 48
"""Cells that are split in one round, of all families together."""

RESOLVED = 1 / 400
"""Nothing is split any more once no cell has more than this part of the whole."""

PAIRS = 700
"""Pairs of a cell and a sigma that are integrated over the ends, drawn systematically by their rough weight."""

NOISE = np.arange(-2.5, 3.6, 0.5)
"""log sigma - log(median of its prior), which is normal with deviation 1."""

OFFSETS = 9
"""Nodes for `last` on either side of its best value."""


@dataclass(frozen=True)
class Cells:
    """m cells of the unit squares of the families, with the curve at the centre of each.

    `family` (m,) is the number in `curves`, `ends` (m,) that family's; `place` (m, 4) holds centre s, t and widths;
    `log_prior` (m,) is the log of the prior probability; `u` (m, n) are the profiles at the points, `top` (m,) the
    value at the horizon where no end is free.
    """

    family: NDArray[np.int64]
    ends: NDArray[np.int64]
    place: Column
    log_prior: Column
    u: Column
    top: Column


@dataclass(frozen=True)
class Sums:
    """m cells against the data y (n,), all entries (m,); v = 1 - u where `first` is free, else 0.

    The sum of squared residuals is yy - 2 (first vy + last uy) + first^2 vv + 2 first last uv + last^2 uu; `rss` is
    its least value within the limits, and `last` the value at the horizon there.
    """

    ends: NDArray[np.int64]
    log_prior: Column
    vv: Column
    uv: Column
    uu: Column
    vy: Column
    uy: Column
    last: Column
    rss: Column

    def chosen(self, kept: NDArray[np.intp]) -> Sums:
        """The cells at these places."""
        return Sums(*(values[kept] for values in vars(self).values()))

    def squares(self, yy: float, first: Column, last: Column) -> Column:
        """Sums of squared residuals (m, ...) of curves with these ends (m, ...)."""
        vv, uv, uu, vy, uy = (
            c.reshape(-1, *[1] * (last.ndim - 1)) for c in (self.vv, self.uv, self.uu, self.vy, self.uy)
        )
        squares: Column = yy - 2 * (first * vy + last * uy) + first * (first * vv + 2 * last * uv) + last * last * uu
        return np.maximum(squares, 0.0)


def posterior(x: Column, y: Column, horizon: float, noise: float) -> tuple[Column, Column]:
    """Values (k,) of the curve at `horizon`, ascending, with their posterior weights (k,), which sum to 1.

    `x` (n,) are times in units of the first, `y` (n,) fractions, n >= 2, `horizon` >= x[-1]; `noise` is the prior's
    median of the noise's standard deviation. The prior is that of growth_curves.
    """
    sigma, squares = noise * np.exp(NOISE), float(y @ y)
    families = curves(horizon)
    cells = [coarse(tuple(x.tolist()), horizon)]
    sums = [_sums(cells[0], y)]
    weight = _log_sum(_pairs(sums[0], len(y), sigma))
    for _ in range(ROUNDS):
        if weight.max() < float(_log_sum(weight)) + log(RESOLVED):
            break
        family = np.concatenate([c.family for c in cells])
        place = np.concatenate([c.place for c in cells])
        log_prior = np.concatenate([c.log_prior for c in cells])
        free = np.array([curve.shapes > 0 for curve in families])[family]
        heavy = np.argpartition(np.where(free, weight, -np.inf), -HEAVIEST)[-HEAVIEST:]
        heavy = heavy[free[heavy]]
        parts = [
            _split(k, families[k].shapes, place[own], log_prior[own])
            for k in range(len(families))
            if len(own := heavy[family[heavy] == k])
        ]
        cells.append(_cells(families, parts, x, horizon))
        sums.append(_sums(cells[-1], y))
        weight[heavy] = -np.inf
        weight = np.append(weight, _log_sum(_pairs(sums[-1], len(y), sigma)))
    merged = Sums(*(np.concatenate(values) for values in zip(*(vars(s).values() for s in sums), strict=True)))
    return _nodes(merged.chosen(np.flatnonzero(np.isfinite(weight))), squares, len(y), sigma)


@lru_cache(maxsize=64)
def coarse(x: tuple[float, ...], horizon: float) -> Cells:
    """The cells to start with; traces of one run share their times, so this is done once for them."""
    families = curves(horizon)
    names = sum(len(curve.names) for curve in families)
    parts = []
    for k, curve in enumerate(families):
        rows, columns = GRID[curve.shapes]
        prior = np.array([log(len(curve.names) / names)])
        parts.append((k, *_tiles(np.array([[0.5, 0.5, 1.0, 1.0]]), prior, rows, columns)))
    return _cells(families, parts, np.array(x), horizon)


def _split(k: int, shapes: int, place: Column, log_prior: Column) -> tuple[int, Column, Column]:
    return (k, *_tiles(place, log_prior, *SPLIT[shapes]))


def _tiles(place: Column, log_prior: Column, rows: int, columns: int) -> tuple[Column, Column]:
    """Cells cut into rows * columns equal ones."""
    step = np.array([[(2 * i + 1) / rows - 1, (2 * j + 1) / columns - 1] for i in range(rows) for j in range(columns)])
    centre = place[:, None, :2] + step * place[:, None, 2:] / 2
    width = np.broadcast_to(place[:, None, 2:] / (rows, columns), centre.shape)
    tiles = np.concatenate([centre, width], axis=2).reshape(-1, 4)
    return tiles, np.repeat(log_prior - log(rows * columns), rows * columns)


def _cells(families: tuple[Curve, ...], parts: list[tuple[int, Column, Column]], x: Column, horizon: float) -> Cells:
    """Cells of the families k with these places and priors."""
    family = np.concatenate([np.full(len(place), k) for k, place, _ in parts])
    profiles, tops = [], []
    for k, place, _ in parts:
        p, q = families[k].shape(place[:, 0], place[:, 1])
        profiles.append(families[k].profile(x, horizon, p, q))
        tops.append(families[k].rise(np.array([horizon]), p[:, None], q[:, None])[:, 0])
    return Cells(
        family,
        np.array([curve.ends for curve in families])[family],
        np.concatenate([place for _, place, _ in parts]),
        np.concatenate([log_prior for _, _, log_prior in parts]),
        np.concatenate(profiles),
        np.concatenate(tops),
    )


def _sums(cells: Cells, y: Column) -> Sums:
    """The cells against the data, with the best ends: free, or on the one limit that they break [derived]."""
    n, yy, two = len(y), float(y @ y), cells.ends == 2
    u, uu, uy = cells.u.sum(axis=1), np.einsum("mn,mn->m", cells.u, cells.u), cells.u @ y
    vv, uv, vy = (np.where(two, v, 0.0) for v in (n - 2 * u + uu, u - uu, y.sum() - uy))
    sums = Sums(cells.ends, cells.log_prior, vv, uv, uu, vy, uy, uu, uu)
    level = np.clip(np.full_like(u, y.mean()), 0.0, 1.0)
    candidates = [  # (first, last): flat; from 0; to 1; free
        (np.where(two, level, 0.0), np.where(two, level, 0.0)),
        (np.zeros_like(u), np.clip(_ratio(uy, uu), 0.0, 1.0)),
        (np.clip(_ratio(vy - uv, vv), 0.0, 1.0), np.ones_like(u)),
    ]
    det = vv * uu - uv * uv
    first, last = _ratio(vy * uu - uy * uv, det), _ratio(uy * vv - vy * uv, det)
    inside = two & (det > 0) & (first >= 0) & (first <= last) & (last <= 1)
    candidates.append((np.where(inside, first, 0.0), np.where(inside, last, 0.0)))
    rss = np.array([sums.squares(yy, *candidate) for candidate in candidates])
    rss[2, ~two] = np.inf
    best = np.argmin(rss, axis=0)
    last = np.take_along_axis(np.array([b for _, b in candidates]), best[None], axis=0)[0]
    last = np.where(cells.ends == 0, cells.top, last)
    rss = np.where(cells.ends == 0, sums.squares(yy, np.zeros_like(last), last), rss.min(axis=0))
    return replace(sums, last=last, rss=rss)


def _ratio(numerator: Column, denominator: Column) -> Column:
    """1 where the denominator is not above 0: the data say nothing, any value will do."""
    ratio: Column = np.divide(numerator, denominator, out=np.ones_like(numerator), where=denominator > 0)
    return ratio


def _pairs(sums: Sums, n: int, sigma: Column) -> Column:
    """Roughly the log posterior of pairs (cell, sigma), (m, s): the integral over the ends as if it had no limits."""
    with np.errstate(divide="ignore"):
        area = np.where(sums.ends == 2, log(4 * pi) - np.log(np.maximum(sums.vv * sums.uu - sums.uv**2, 0.0)) / 2, 0.0)
        area = np.where(sums.ends == 1, log(2 * pi) / 2 - np.log(sums.uu) / 2, area)
    occam = np.minimum(0.0, area[:, None] + sums.ends[:, None] * np.log(sigma))
    return sums.log_prior[:, None] + occam + _log_prior_times(n, sigma) - sums.rss[:, None] / (2 * sigma**2)


def _log_sum(logs: Column) -> Column:
    """log of the sum of exp along the last axis; SciPy's takes five times as long for arrays as small as these."""
    top = np.maximum(logs.max(axis=-1, keepdims=True), -1e300)
    with np.errstate(divide="ignore"):
        total: Column = np.log(np.exp(logs - top).sum(axis=-1)) + top[..., 0]
    return total


def _log_prior_times(n: int, sigma: Column) -> Column:
    """log of the prior of each sigma, and of the likelihood's factor sigma^-n, (s,)."""
    prior: Column = -(NOISE**2) / 2 - n * np.log(sigma)
    return prior


def _nodes(sums: Sums, yy: float, n: int, sigma: Column) -> tuple[Column, Column]:
    """Values at the horizon and posterior weights, for pairs (cell, sigma) drawn systematically by rough weight.

    A drawn pair counts as often as it was drawn, times its exact weight over the rough one.
    """
    pairs = _pairs(sums, n, sigma).ravel()
    total = np.cumsum(np.exp(pairs - pairs.max()))
    places = np.searchsorted(total, total[-1] * (np.arange(PAIRS) + 0.5) / PAIRS)
    drawn, count = np.unique(places, return_counts=True)
    cell, k = np.divmod(drawn, len(sigma))
    own, s = sums.chosen(cell), sigma[k][:, None]
    fixed, two = (own.ends == 0)[:, None], (own.ends == 2)[:, None]

    vv = np.where(two[:, 0], own.vv, 1.0)
    curvature = np.maximum(own.uu - own.uv**2 / vv, 1e-12)
    near = np.minimum(0.25 * s / np.sqrt(n), 0.25)
    far = np.clip(5 * s / np.sqrt(curvature)[:, None], 4 * near, 1.0)
    offset = near * (far / near) ** (np.arange(OFFSETS) / (OFFSETS - 1))
    step = np.concatenate([-offset[:, ::-1], np.zeros_like(s), offset], axis=1)
    last = np.where(fixed, own.last[:, None], np.clip(own.last[:, None] + step, 0.0, 1.0))
    padded = np.concatenate([last[:, :1], last, last[:, -1:]], axis=1)
    width = np.where(fixed, 1 / step.shape[1], (padded[:, 2:] - padded[:, :-2]) / 2)

    first = np.where(two, (own.vy[:, None] - own.uv[:, None] * last) / vv[:, None], 0.0)
    spread = s / np.sqrt(vv)[:, None]
    cut = np.where(two, log(8 * pi) / 2 + np.log(spread) + _log_between(-first / spread, (last - first) / spread), 0.0)
    with np.errstate(divide="ignore"):
        log_weight = (
            (np.log(count) - pairs[drawn] + own.log_prior + _log_prior_times(n, sigma)[k])[:, None]
            - own.squares(yy, first, last) / (2 * s**2)
            + cut
            + np.log(width)
        )
    weight = np.exp(log_weight - log_weight.max())
    return last.ravel(), (weight / weight.sum()).ravel()


def _log_between(low: Column, high: Column) -> Column:
    """log of the standard normal probability of low..high; -inf where that is empty."""
    flip = low + high > 0
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    below, above = log_ndtr(low), log_ndtr(high)
    with np.errstate(divide="ignore"):
        between: Column = above + np.log(-np.expm1(np.minimum(below - above, 0.0)))
    return between
