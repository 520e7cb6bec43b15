"""Everything that is said of one predictor at one budget: a row of numbers, each with its interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.evaluate.bootstrap import interval, observed_and_draws
from harness.evaluate.correlations import partial_tau, partial_tau_of_two, pearson, spearman, tau_b, why_undefined
from harness.evaluate.selection import half_accuracy
from harness.evaluate.subsets import FEWEST, SUBSETS, everything
from harness.evaluate.weighted import weighted_tau
from harness.schema import seed_of

Numbers = NDArray[np.float64]

Statistic = Callable[[Numbers, Numbers, NDArray[np.int64] | None], Numbers]
"""(scores (rows, architectures), truth, multiplicities (draws, architectures)) to numbers (rows, draws)."""

CONTROLS = ("train_loss", "flops", "params")
"""Predictors whose scores are held fixed in the partial tau of the others."""

BOTH = ("train_loss", "flops")
"""The two of them that are held fixed together, too."""


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
    for column, points, under_draws in _given(labels, scores, truth, weights, taus, last):
        _write_last(table, column, points, under_draws, last, level)
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
    weights: NDArray[np.int64],
    taus: Numbers,
    last: NDArray[np.bool_],
) -> list[tuple[str, Numbers, Numbers]]:
    """Partial τ given each control's scores at the same step, and both of `BOTH`: column, that of every row, (rows,),
    and of the last step's under each draw, (last rows, draws). nan where there is no such control, and for the controls
    themselves."""
    together = "_and_".join(BOTH)
    points = {given: np.full(len(labels), np.nan) for given in (*CONTROLS, together)}
    drawn = {given: np.full((int(last.sum()), len(weights) - 1), np.nan) for given in points}
    steps = np.array([step for _, step in labels], dtype=np.int64)
    for step in np.unique(steps):
        rows = np.flatnonzero(steps == step)
        at_end = bool(last[rows[0]])
        some = weights if at_end else weights[:1]
        common = scores[rows], truth
        known = taus[rows, : len(some)]
        places = {labels[row][0]: row for row in rows.tolist() if labels[row][0] in CONTROLS}
        with_control = {control: tau_b(scores[rows], scores[place], some) for control, place in places.items()}
        found = {
            control: partial_tau(*common, scores[place], some, known, with_control[control])
            for control, place in places.items()
        }
        if places.keys() >= set(BOTH):
            g, h = BOTH
            given, both = (scores[places[g]], scores[places[h]]), (with_control[g], with_control[h])
            found[together] = partial_tau_of_two(*common, given, some, known, both)
        for name, values in found.items():
            own = [places[control] for control in (BOTH if name == together else (name,))]
            values[np.isin(rows, own)] = np.nan
            points[name][rows] = values[:, 0]
            if at_end:
                drawn[name][:] = values[:, 1:]
    return [(f"tau_given_{name}", points[name], drawn[name]) for name in points]


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
