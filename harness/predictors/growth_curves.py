"""The parametric learning curves of Domhan et al. (IJCAI 2015, table 1), with a proper prior for each.

Eleven names, eight functions: log power is hill3 with other letters (exp(b) = kappa, c = -eta), and Janoschek and exp4
are Weibull (kappa' = kappa^delta; c - exp(-a x^alpha + b) has alpha - beta = exp(b)). A function counts as often as it
has names.

Level and gain of a curve are given by its values at the ends, first = f(1) and last = f(horizon): two accuracies, on
which a prior can be stated in plain words. The paper's prior lets all parameters through whose curve rises until the
horizon; here all pairs 0 <= first <= last <= 1 are equally likely, and so are the logarithms of the one or two
remaining shape parameters, within wide bounds [derived, docs/methods.md].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import numpy as np

from harness.predictors.points import Column

Rise = Callable[[Column, Column, Column], Column]
Range = tuple[float, float]

POWER = (log(0.01), log(10.0))
EXPONENT = (log(0.1), log(2.0))
"""Of curves that are S-shaped above 1; a sharper one could lie still for all that is seen and leap up after it."""

SATURATED = 1e-250


@dataclass(frozen=True)
class Curve:
    """One non-decreasing function y(x), a fraction, for x from 1 (the first interval) to the horizon.

    `rise` (x, p, q) is non-decreasing in x. `p` and `q` are shape parameters, of which the first `shapes` are free and
    uniformly distributed within `p_range` and `q_range`; exponents and times enter as logarithms. `ends` counts what is
    free at the ends:

        2   y = first (1 - u) + last u    u = (rise(x) - rise(1)) / (rise(horizon) - rise(1))
        1   y = last u                    u = rise(x) / rise(horizon)
        0   y = last u                    u the same, last = rise(horizon)
    """

    names: tuple[str, ...]
    shapes: int
    rise: Rise
    ends: int = 2
    p_range: Range = POWER
    q_range: Range = POWER

    def profile(self, x: Column, horizon: float, p: Column, q: Column) -> Column:
        """u (m, n) at times x (n,), x[0] = 1, for shapes p, q (m,); a curve that rises before x[1] alone is a step."""
        rise = self.rise(np.append(x, horizon), p[:, None], q[:, None])
        if self.ends < 2:
            return rise[:, :-1] / rise[:, -1:]
        height, step = rise[:, -1:] - rise[:, :1], np.tile((x > 1).astype(float), (len(rise), 1))
        profile: Column = np.divide(rise[:, :-1] - rise[:, :1], height, out=step, where=height > SATURATED)
        return profile

    def shape(self, s: Column, t: Column) -> tuple[Column, Column]:
        """Shape parameters p, q at places s, t of the unit square; the prior is uniform there."""
        (p_low, p_high), (q_low, q_high) = self.p_range, self.q_range
        return p_low + (p_high - p_low) * s, q_low + (q_high - q_low) * t


def curves(horizon: float) -> tuple[Curve, ...]:
    """The eight functions until `horizon` > 1; time scales lie between 0.1 and `horizon` intervals."""
    scale = (log(0.1), log(horizon))
    exp = np.exp

    def log_log_linear(x: Column, p: Column, q: Column) -> Column:
        """log(a log x + b), given by its ends; (p, q) in the unit square is uniform on 0 <= first <= last <= 1."""
        last = np.sqrt(p)
        below, above = exp(q * last), exp(last)
        curve: Column = np.log(below + (above - below) * (np.log(x) / log(horizon)))
        return curve

    return (
        Curve(("pow3",), 1, lambda x, p, q: -(x ** -exp(p))),
        Curve(("pow4",), 2, lambda x, p, q: -(((x + exp(q)) / (1 + exp(q))) ** -exp(p)), q_range=scale),
        Curve(("log-log-linear",), 2, log_log_linear, ends=0, p_range=(0.0, 1.0), q_range=(0.0, 1.0)),
        Curve(
            ("hill3", "log power"),
            2,
            lambda x, p, q: 1 / (1 + (exp(q) / x) ** exp(p)),
            ends=1,
            p_range=EXPONENT,
            q_range=scale,
        ),
        Curve(("MMF",), 2, lambda x, p, q: -1 / (1 + (x / exp(q)) ** exp(p)), p_range=EXPONENT, q_range=scale),
        Curve(
            ("Weibull", "Janoschek", "exp4"),
            2,
            lambda x, p, q: -exp(-((x / exp(q)) ** exp(p))),
            p_range=EXPONENT,
            q_range=scale,
        ),
        Curve(("ilog2",), 0, lambda x, p, q: -1 / np.log(1 + x) + 0 * p),
        Curve(
            ("vapor pressure",),
            2,
            lambda x, p, q: exp(-exp(p) * (1 / x - 1 / horizon) + exp(q) * np.log(x / horizon)),
            ends=1,
            p_range=(log(0.1), log(5.0)),
            q_range=(log(1e-4), 0.0),
        ),
    )
