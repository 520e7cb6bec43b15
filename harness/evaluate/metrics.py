"""Everything that is said of one predictor at one budget: a row of numbers, each with its interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.evaluate.bootstrap import interval, observed_and_draws
from harness.evaluate.ranking import partial_tau, pearson, spearman, tau_b, why_undefined
from harness.evaluate.selection import half_accuracy
from harness.evaluate.subsets import FEWEST, SUBSETS, everything
from harness.evaluate.weighted import weighted_tau
from harness.schema import seed_of

Numbers = NDArray[np.float64]

Statistic = Callable[[Numbers, Numbers, NDArray[np.int64] | None], Numbers]
"""(scores (rows, architectures), truth, multiplicities (draws, architectures)) to numbers (rows, draws)."""

CONTROLS = ("train_loss", "flops", "params")
"""Predictors whose scores are held fixed in the partial tau of the others."""


def metrics(
    labels: Sequence[tuple[str, int]],
    scores: Numbers,
    truth: Numbers,
    weights: NDArray[np.int64],
    taus: Numbers,
    level: float,
    seed: int,
    with_pearson: bool,
) -> pd.DataFrame:
    """A row for each (predictor, step), columns as in `judge.Judgement.metrics` from `n` on.

    `scores` (rows, architectures); `weights` (1 + draws, architectures) with the sample as it is first, and `taus`
    (rows, 1 + draws) under them. Subsets have draws of their own, from `seed`. τ-b and Spearman have intervals at every
    step, the others, which are dearer, at the last step only and nan ends elsewhere.
    """
    table = pd.DataFrame(list(labels), columns=["predictor", "step"])
    n = (np.isfinite(scores) & np.isfinite(truth)).sum(axis=1)
    table["n"], table["failed"] = n, np.isfinite(truth).sum() - n
    _write(table, "tau", taus, level)
    _write(table, "spearman", spearman(scores, truth, weights), level)
    notes = [[why_undefined(row, truth)] for row in scores]
    for name, subset in SUBSETS.items():
        if subset is not everything:
            chosen, short = subset(truth), name.split()[-1]
            drawn = observed_and_draws(int(chosen.sum()), len(weights) - 1, seed_of(seed, name))
            whys = _within(table, short, scores[:, chosen], truth[chosen], drawn, level)
            for said, why in zip(notes, whys, strict=True):
                said.append(f"{name}: {why}" if why else "")
    last = table["step"].to_numpy() == table["step"].max()
    statistics: dict[str, Statistic] = {"weighted_tau": weighted_tau, "half_accuracy": half_accuracy}
    for column, statistic in (statistics | ({"pearson": pearson} if with_pearson else {})).items():
        drawn_last = statistic(scores[last], truth, weights[1:])
        _write_last(table, column, statistic(scores, truth, None)[:, 0], drawn_last, last, level)
    for control in CONTROLS:
        _write_last(
            table, f"tau_given_{control}", *_given(labels, scores, truth, control, weights, taus, last), last, level
        )
    table["note"] = ["; ".join(why for why in said if why) for said in notes]
    return table


def _within(
    table: pd.DataFrame, short: str, scores: Numbers, truth: Numbers, weights: NDArray[np.int64], level: float
) -> list[str]:
    """Write τ-b within a subset into `table`; the reason for each row that has none, else ""."""
    n = np.isfinite(scores).sum(axis=1)
    enough = np.where((n >= FEWEST)[:, None], scores, np.nan)
    _write(table, f"tau_{short}", tau_b(enough, truth, weights), level)
    table[f"n_{short}"] = n
    return [
        why_undefined(row, truth) if n_ >= FEWEST else f"fewer than {FEWEST} scores"
        for row, n_ in zip(scores, n, strict=True)
    ]


def _given(
    labels: Sequence[tuple[str, int]],
    scores: Numbers,
    truth: Numbers,
    control: str,
    weights: NDArray[np.int64],
    taus: Numbers,
    last: NDArray[np.bool_],
) -> tuple[Numbers, Numbers]:
    """Partial τ given the control's scores at the same step: of every row, (rows,), and of the last step's under each
    draw, (last rows, draws). nan where there is no such control, and for the control itself."""
    points, drawn = np.full(len(labels), np.nan), np.full((int(last.sum()), len(weights) - 1), np.nan)
    steps = np.array([step for _, step in labels], dtype=np.int64)
    others = np.array([predictor != control for predictor, _ in labels], dtype=bool)
    for place, (predictor, step) in enumerate(labels):
        if predictor == control:
            rows = (steps == step) & others
            points[rows] = partial_tau(scores[rows], truth, scores[place], None, taus[rows, :1])[:, 0]
            if last[place]:
                drawn[others[last]] = partial_tau(scores[rows], truth, scores[place], weights[1:], taus[rows, 1:])
    return points, drawn


def _write_last(
    table: pd.DataFrame, column: str, points: Numbers, drawn: Numbers, last: NDArray[np.bool_], level: float
) -> None:
    """Write `points` (rows,) as `column`, and the intervals of the `last` rows from `drawn` (last rows, draws)."""
    ends = np.full((len(points), 2), np.nan)
    known = np.isfinite(points[last])
    ends[np.flatnonzero(last)[known]] = np.array([interval(row, level) for row in drawn[known]]).reshape(-1, 2)
    table[column], table[f"{column}_low"], table[f"{column}_high"] = points, *ends.T


def _write(table: pd.DataFrame, column: str, values: Numbers, level: float) -> None:
    """Write the observed value (first draw) and its interval as `column`, `column`_low and `column`_high."""
    ends = np.array([interval(row[1:], level) for row in values]).reshape(len(values), 2)
    table[column], table[f"{column}_low"], table[f"{column}_high"] = values[:, 0], *ends.T
