"""The noise ceiling: how well any predictor could rank, given the noise of the ground truth, estimated from its seeds.

Model (derived, docs/methods.md): on some monotone scale, which need not be known because τ does not see it, the
accuracy of an architecture with one seed is z + e: z its expected accuracy, e noise that is independent between seeds,
both Gaussian. The truth is the mean over k seeds. Then

    r_1 = var(z) / (var(z) + var(e))    two single seeds correlate with
    r_k = k r_1 / (1 + (k − 1) r_1)     two means of k seeds correlate with (Spearman 1910; Brown 1910)
    √r_k                                z and a mean of k seeds correlate with
    √(r_1 r_k)                          a fresh single seed and a mean of k seeds correlate with
    τ = 2/π · asin(r)                   for a Gaussian pair (Greiner 1909)

r_1 comes from the average τ-b between pairs of seeds. "retraining" is τ(r_k), what repeating the whole protocol with
fresh seeds would reach against the truth, and `tau_one` next to it τ(√(r_1 r_k)), what one fresh training of each
architecture would reach: var(z) is all that a seed and a mean share, over the standard deviations √(var(z) + var(e))
and √(var(z) + var(e)/k). A predictor that costs less than a training competes with that. "oracle" is τ(√r_k), what
knowing z would reach: no predictor can be expected to do better. Where architectures have unequal numbers of seeds, k
is their harmonic mean, because the noise of the truth is the average of var(e)/k. With one seed on each side
"retraining" is the average τ itself, without any model. The scale on which noise is Gaussian and even is taken to be
the scale on which seeds are averaged: a benchmark whose noise differs much between architectures keeps to the model
only roughly. Simulated with a gamma-shaped tail of bad architectures and noise that grows with it, 3,000 architectures,
k = 2 and 3: off by .01 for all architectures, by .02 (retraining) and .05 (oracle, too low) in the top 20 %; Gaussian
throughout: off by .01, in the top 10 % too. Where noise grows faster (standard deviation .3 + .25 times a gamma tail
of shape 1.5 and scale 2) ceilings are too low, by .01 for all, .05 to .08 in the top 20 % and 10 %: read them as
rough there. Gaussian, n = 100 and 400, k = 3: 95 % intervals cover .92 to .97 of the time in every subset; in a tenth
of 100 they are .65 wide.

Subsets. The metric chooses the subset by the truth and ranks against that same truth, so part of the choice is noise
(the truth of a chosen architecture is too high), and every predictor bears that loss. Its ceiling must bear it too,
but no more. To choose by the mean of all seeds and compare two of them would let noise into both sides: given a high
mean, one seed's luck is the other's misfortune. So for each ordered pair of seeds, the first plays the truth: it alone
chooses, and is compared with the second, which knows nothing of the choice. This works from two seeds on. The τ so
found is lower than Greiner's, because the range is restricted; with Y the truth cut to its best share q and X Gaussian
with correlation r to it,

    τ_q(r) = E erf( r |Y_1 − Y_2| / (2 √(1 − r²)) ),    Y_1, Y_2 from the upper share q of a standard normal,

since X_1 > X_2 has probability Φ(r (Y_1 − Y_2) / √(2 (1 − r²))). τ_q takes Greiner's place in both directions, for a
fresh seed as for z: what is cut is the truth, the mean of k seeds, and the other side knows nothing of the choice. So
r_1 is estimated anew in each subset: the good architectures may be closer together than a Gaussian would have them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import erf, ndtri

from harness.evaluate.bootstrap import interval
from harness.evaluate.correlations import tau_b
from harness.evaluate.subsets import FEWEST, SUBSETS, Choice, everything

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Reliability:
    """How well the seeds of a truth agree: `single`, the average τ-b of two seeds; `mean`, the τ-b expected between two
    independent means of `seeds` seeds (the harmonic mean of their numbers); `n` architectures with two seeds or more.
    """

    single: float
    mean: float
    seeds: float
    n: int


def reliability(accuracy: Numbers) -> Reliability:
    """The agreement of the seeds of a table (architectures, seeds), nan where a seed is not recorded.

    `mean` is the Spearman-Brown value of `single`, see the module. Both nan where no two seeds share five
    architectures.
    """
    accuracy = np.asarray(accuracy, dtype=float)
    single = seed_tau(accuracy, everything, np.ones((1, len(accuracy)), dtype=np.int64))
    k = effective_seeds(accuracy)
    return Reliability(
        float(single[0]), float(_stepped(single, k, 1.0)[0][0]), k, int((np.isfinite(accuracy).sum(axis=1) >= 2).sum())
    )


def ceilings(accuracy: Numbers, weights: NDArray[np.int64], level: float) -> pd.DataFrame:
    """One row for each subset and kind: subset, kind, tau, low, high, tau_one, seeds, n, note.

    `accuracy` (architectures, seeds) in any unit, nan where a seed is not recorded; `weights` (1 + draws,
    architectures) with the sample as it is in the first row; the interval is the percentile interval over the other
    draws, with the choice of the subset held fixed. `tau_one` is what one fresh training of each architecture, instead
    of as many as the truth has, would reach: of the kind "retraining", nan for "oracle". `seeds` is the largest number
    of seeds of an architecture, `n` the architectures of the subset chosen by the mean. Where there is no ceiling its
    numbers are nan and `note` says why.
    """
    accuracy = np.asarray(accuracy, dtype=float)
    recorded = np.isfinite(accuracy).sum(axis=1)
    seeds, k = int(recorded.max(initial=0)), effective_seeds(accuracy)
    truth = np.divide(np.nansum(accuracy, axis=1), recorded, out=np.full(len(accuracy), np.nan), where=recorded > 0)
    rows = []
    for name, choice in ((name, subset.choose) for name, subset in SUBSETS.items()):
        n = int(choice(truth).sum())
        single = seed_tau(accuracy, choice, weights)
        note = "" if np.isfinite(single[0]) else _why_none(seeds)
        share = n / int((recorded > 0).sum()) if n and choice is not everything else 1.0
        again, one, oracle = _stepped(single, k, share)
        for kind, taus, fresh in (("retraining", again, float(one[0])), ("oracle", oracle, np.nan)):
            low, high = interval(taus[1:], level) if not note else (np.nan, np.nan)
            rows.append((name, kind, float(taus[0]), low, high, fresh, seeds, n, note))
    return pd.DataFrame(rows, columns=["subset", "kind", "tau", "low", "high", "tau_one", "seeds", "n", "note"])


def seed_tau(accuracy: Numbers, choice: Choice, weights: NDArray[np.int64]) -> Numbers:
    """The average τ-b of two seeds under each draw, (draws,), where the first of them chooses the subset.

    The average is over ordered pairs of seeds, weighted by the number of architectures that both have in the subset;
    pairs with fewer than five are left out. nan where none is left.
    """
    total, weight = np.zeros(len(weights)), np.zeros(len(weights))
    for first in range(accuracy.shape[1]):
        truth = accuracy[:, first]
        others = np.delete(accuracy, first, axis=1).T
        both = np.isfinite(others) & np.isfinite(truth)
        chosen = np.array([choice(np.where(row, truth, np.nan)) for row in both], dtype=bool).reshape(others.shape)
        chosen &= (chosen.sum(axis=1) >= FEWEST)[:, None]
        taus = tau_b(np.where(chosen, others, np.nan), truth, weights)
        size = np.isfinite(taus) * chosen.sum(axis=1)[:, None]
        total += (np.nan_to_num(taus) * size).sum(axis=0)
        weight += size.sum(axis=0)
    mean: Numbers = np.divide(total, weight, out=np.full(len(weights), np.nan), where=weight > 0)
    return mean


def effective_seeds(accuracy: Numbers) -> float:
    """The harmonic mean of the numbers of seeds recorded for an architecture, leaving out those with none."""
    recorded = np.isfinite(accuracy).sum(axis=1)
    recorded = recorded[recorded > 0]
    return float(1 / np.mean(1 / recorded)) if recorded.size else float("nan")


def _stepped(single: Numbers, k: float, share: float) -> tuple[Numbers, Numbers, Numbers]:
    """τ with a mean of `k` seeds in its best `share`: of another such mean, of one fresh seed, and of the oracle.

    A `single` below 0 counts as no reliability.
    """
    whole, cut = _cut_tau(share)
    one = np.sin(np.pi / 2 * np.interp(single, cut, whole))
    mean = np.minimum(k * one / (1 + (k - 1) * one), 1)
    again, fresh, oracle = (
        np.interp(2 / np.pi * np.arcsin(r), whole, cut) for r in (mean, np.sqrt(one * mean), np.sqrt(mean))
    )
    return again, fresh, oracle


@lru_cache(maxsize=64)
def _cut_tau(share: float) -> tuple[Numbers, Numbers]:
    """τ of a Gaussian pair, 0 to 1, and its τ where one side is cut to its upper `share`: two increasing columns.

    Gauss-Legendre over u and v with Y_1 = y(u), Y_2 = y(uv), so that the kink at Y_1 = Y_2 lies on the border.
    """
    whole = np.linspace(0, 1, 201)
    if share == 1:
        return whole, whole
    x, weight = np.polynomial.legendre.leggauss(48)
    x, weight = (x + 1) / 2, weight / 2
    y = -ndtri(share * np.stack([np.outer(x, x), np.repeat(x[:, None], len(x), axis=1)]))
    area = 2 * np.outer(x * weight, weight)
    slope = np.tan(np.pi / 2 * whole)[:, None, None]
    return whole, (erf(slope * (y[0] - y[1]) / 2) * area).sum(axis=(1, 2))


def _why_none(seeds: int) -> str:
    """Why no ceiling could be estimated."""
    if not seeds:
        return "no architecture has a truth"
    return "the truth has one seed" if seeds < 2 else f"no two seeds share {FEWEST} architectures that differ"
