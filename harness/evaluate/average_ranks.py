"""Predictors compared over several runs by their ranks in each: Friedman's test and the tests after it.

A block is one draw of architectures on one data set: the runs of one benchmark, data set and run seed, each at its last
budget. Their τ is averaged first (settings of one run see the same architectures, weights and truth: ranked one by one
they would be one run tested against copies of itself), then the predictor of highest τ has rank 1, equal ones their
mid-rank.

    Friedman (1937), corrected for ties: do all predictors rank alike?
    Nemenyi (1963): two differ whose average ranks are CD = q_α √(k (k + 1) / 6 N) apart, q_α the upper quantile of the
        studentized range of k over √2 (Demšar 2006, JMLR 7, section 3.2.2 and equation for CD)
    Wilcoxon (1945) signed ranks for each pair, Holm (1979) over all pairs: does not depend on which other predictors
        were in the sweep, as Nemenyi's does (Benavoli et al. 2016, JMLR 17)

Both assume independent blocks. Seeds of one data set are not independent data sets: the tests then hold for new seeds
of these settings, not for new data sets.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import friedmanchisquare, rankdata, studentized_range, wilcoxon

from harness.evaluate.permutation import holm

Numbers = NDArray[np.float64]

FEWEST = 3
"""Blocks below which nothing is tested."""


@dataclass(frozen=True)
class Ranking:
    """`table`: predictor, rank (average, 1 is best), blocks, first_group, last_group, sorted by rank.

    Groups are numbered from 1 in order of rank: neighbouring predictors of which no two differ significantly; each
    predictor is in all groups from first to last, in none where both are 0. `statistic` and `p` are Friedman's;
    `critical` is Nemenyi's difference of average ranks; `method` is the test behind the groups: "friedman" (it does not
    reject: all are one), "wilcoxon-holm", "nemenyi", or "" for no test, and `note` why. `blocks` are those that are
    ranked, of `runs` runs; `left_out` are predictors, `dropped` runs that are not ranked.
    """

    table: pd.DataFrame
    statistic: float = float("nan")
    p: float = float("nan")
    critical: float = float("nan")
    method: str = ""
    note: str = ""
    left_out: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    blocks: tuple[Hashable, ...] = ()
    runs: int = 0


def rank(taus: pd.DataFrame, level: float, of: Sequence[Hashable] | None = None) -> Ranking:
    """The ranking of predictors (columns) over blocks of runs (rows) by `taus`, higher is better; tests at 1 − `level`.

    `of` names the block of each run, by default one of its own. The τ of a block is the mean over its runs.
    A run in which fewer than half of the predictors have a τ is dropped; a predictor without a τ in some run that is
    left is left out: a missing τ has no rank. Nothing is tested with fewer than
    three blocks or three predictors. If Friedman's test does not reject, all predictors are one group. Wilcoxon and
    Holm make the groups where they could reject at all with so few blocks, Nemenyi does otherwise.
    """
    enough = (taus.notna().mean(axis=1) >= 0.5).to_numpy(dtype=bool)
    kept = taus[enough]
    dropped = tuple(map(str, taus.index.difference(kept.index, sort=False)))
    whole = kept.loc[:, kept.notna().all(axis=0)] if len(kept) else kept.iloc[:, :0]
    left_out = tuple(map(str, taus.columns.difference(whole.columns, sort=False)))
    every = list(range(len(taus)) if of is None else of)
    means, names_of_blocks = _means(whole.to_numpy(dtype=float), [every[row] for row in np.flatnonzero(enough)])
    ranks = rankdata(-means, axis=1) if whole.size else np.empty((0, 0))
    average = ranks.mean(axis=0) if ranks.size else np.empty(0)
    order = np.lexsort((whole.columns.to_numpy(dtype=str), average)) if ranks.size else np.empty(0, dtype=int)
    names, average, blocks = [str(name) for name in whole.columns.to_numpy()[order]], average[order], len(ranks)
    table = pd.DataFrame({"predictor": names, "rank": average, "blocks": blocks, "first_group": 0, "last_group": 0})
    why = _untested(blocks, len(whole), len(names))
    ranked = Ranking(table, note=why, left_out=left_out, dropped=dropped, blocks=names_of_blocks, runs=len(whole))
    if why:
        return ranked
    values, alpha = means[:, order], 1 - level
    statistic, p = _friedman(values)
    critical = critical_difference(len(names), blocks, alpha)
    if p >= alpha:
        apart, method = np.zeros((len(names),) * 2, dtype=bool), "friedman"
    elif 2.0 ** (1 - blocks) * len(names) * (len(names) - 1) / 2 < alpha:
        apart, method = wilcoxon_holm(values) < alpha, "wilcoxon-holm"
    else:
        apart, method = np.abs(average[:, None] - average) >= critical, "nemenyi"
    table["first_group"], table["last_group"] = _membership(groups(apart), len(names))
    return replace(ranked, statistic=statistic, p=p, critical=critical, method=method)


def critical_difference(predictors: int, blocks: int, alpha: float) -> float:
    """Nemenyi's difference of average ranks that is significant for two of k predictors over N blocks (Demšar 2006)."""
    q = float(studentized_range.ppf(1 - alpha, predictors, np.inf)) / sqrt(2)
    return q * sqrt(predictors * (predictors + 1) / (6 * blocks))


def wilcoxon_holm(values: Numbers) -> Numbers:
    """p of each pair of columns of `values` (blocks, predictors), adjusted over all pairs; 1 on the diagonal.

    Two-sided signed-rank tests, exact where no difference is 0 or tied and blocks are few; a pair that never differs
    has p = 1.
    """
    k = values.shape[1]
    pairs = list(combinations(range(k), 2))
    raw = [_signed_rank(values[:, i] - values[:, j]) for i, j in pairs]
    adjusted = np.ones((k, k))
    for (i, j), p in zip(pairs, holm(np.array(raw)), strict=True):
        adjusted[i, j] = adjusted[j, i] = p
    return adjusted


def groups(apart: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Longest stretches (first, last) of predictors in order of rank, two or more, none of them significantly apart."""
    found: list[tuple[int, int]] = []
    for first in range(len(apart)):
        last = first
        while last + 1 < len(apart) and not apart[first : last + 1, last + 1].any():
            last += 1
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found


def _membership(stretches: Sequence[tuple[int, int]], k: int) -> tuple[list[int], list[int]]:
    """First and last group of each of k predictors, 0 for none."""
    inside = [[number for number, (a, b) in enumerate(stretches, 1) if a <= i <= b] for i in range(k)]
    return [min(each, default=0) for each in inside], [max(each, default=0) for each in inside]


def _means(values: Numbers, of: Sequence[Hashable]) -> tuple[Numbers, tuple[Hashable, ...]]:
    """Means over the rows of each block, (blocks, predictors), and the blocks in order of appearance."""
    blocks = tuple(dict.fromkeys(of))
    rows = [[at for at, its in enumerate(of) if its == block] for block in blocks]
    means = np.array([values[at].mean(axis=0) for at in rows]).reshape(len(blocks), values.shape[1])
    return means.round(12), blocks  # the order of summing breaks no tie


def _untested(blocks: int, runs: int, predictors: int) -> str:
    if not blocks or not predictors:
        return "no predictor has a τ in every run"
    if blocks < FEWEST:
        few = f"no test with fewer than {FEWEST}"
        same = f"settings of one run are not blocks: the {runs} runs are {blocks} of benchmark, data set and run seed"
        return f"{few} runs" if runs == blocks else f"{same}, and there is {few}"
    return f"no test with fewer than {FEWEST} predictors" if predictors < FEWEST else ""


def _friedman(values: Numbers) -> tuple[float, float]:
    """Statistic and p; nan and 1 where every block is one tie."""
    if (np.ptp(values, axis=1) == 0).all():
        return float("nan"), 1.0
    statistic, p = friedmanchisquare(*values.T)
    return float(statistic), float(p)


def _signed_rank(difference: Numbers) -> float:
    return float(wilcoxon(difference).pvalue) if np.any(difference) else 1.0
