"""The metrics of each predictor at each budget, with their intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.evaluate.bootstrap import interval, observed_and_draws
from harness.evaluate.correlations import partial_tau, partial_tau_of_two, pearson, spearman, tau_b, why_undefined
from harness.evaluate.scored_run import ScoredRun
from harness.evaluate.selection import half_accuracy
from harness.evaluate.subsets import FEWEST, SUBSETS, Subset, everything
from harness.evaluate.weighted import weighted_tau
from harness.schema import seed_of

Numbers = NDArray[np.float64]

Statistic = Callable[[Numbers, Numbers, NDArray[np.int64] | None], Numbers]
"""(scores (rows, architectures), truth, multiplicities (draws, architectures)) to numbers (rows, draws)."""

CONTROLS = ("train_loss", "flops", "params")
"""Predictors whose scores are held fixed in the partial tau of the others."""

BOTH = ("train_loss", "flops")
"""The two of them that are also held fixed together."""

NOT_MEASURED = "not yet measured at this budget"
"""The note of a predictor none of whose scores could be there yet."""


FEWEST_FOR_INTERVAL = 3
"""Scored architectures below which there is no interval: every draw of two with a τ is the same pair."""


def parts(with_pearson: bool) -> int:
    """How many times `metrics` calls `tell`: once for each metric or subset that is done."""
    return len(SUBSETS) + len(_statistics(with_pearson)) + 1


def metrics(run: ScoredRun, seed: int, with_pearson: bool, tell: Callable[[], None] = lambda: None) -> pd.DataFrame:
    """A row for each (predictor, step): predictor, step, and the columns of the table "metrics" from `n` to `note`.

    Subsets have draws of their own, from `seed`. τ-b and Spearman have intervals at every step, the others, which are
    more expensive, at the last step only and nan ends elsewhere; none has one on
    fewer than FEWEST_FOR_INTERVAL architectures. `failed` does not count scores that are missing
    because nothing that the predictor reads is measured yet. `tell` hears of each of the `parts` that is done.
    """
    table = pd.DataFrame(list(run.labels), columns=["predictor", "step"])
    known = np.isfinite(run.truth)
    pending = (run.pending & known).sum(axis=1)
    table["n"], table["failed"] = run.n, known.sum() - run.n - pending
    _write(table, "tau", run.taus, run.level)
    _write(table, "spearman", spearman(run.scores, run.truth, run.weights), run.level)
    tell()
    early = (pending > 0) & (run.n + pending == known.sum()) & (run.n == 0)
    notes = [
        [NOT_MEASURED if not_yet else why_undefined(row, run.truth)]
        for row, not_yet in zip(run.scores, early, strict=True)
    ]
    for name, subset in SUBSETS.items():
        if subset.choose is not everything:
            for note, why, not_yet in zip(notes, _within(table, subset, run, seed), early, strict=True):
                note.append(f"{name}: {why}" if why and not not_yet else "")
            tell()
    for column, statistic in _statistics(with_pearson).items():
        drawn = statistic(run.scores[run.last], run.truth, run.draws)
        _write_last(table, column, statistic(run.scores, run.truth, None)[:, 0], drawn, run)
        tell()
    for column, points, drawn in _given(run):
        _write_last(table, column, points, drawn, run)
    tell()
    ends = [column for column in table if str(column).endswith(("_low", "_high"))]
    table.loc[table["n"] < FEWEST_FOR_INTERVAL, ends] = np.nan
    table["note"] = ["; ".join(filter(None, note)) for note in notes]
    return table


def _statistics(with_pearson: bool) -> dict[str, Statistic]:
    """Metrics with an interval at the last step alone, by column."""
    found: dict[str, Statistic] = {"weighted_tau": weighted_tau, "half_accuracy": half_accuracy}
    return found | ({"pearson": pearson} if with_pearson else {})


def _within(table: pd.DataFrame, subset: Subset, run: ScoredRun, seed: int) -> list[str]:
    """Write τ-b within a subset into `table`; for each row the reason why it has none, else ""."""
    chosen = subset.choose(run.truth)
    scores, truth = run.scores[:, chosen], run.truth[chosen]
    weights = observed_and_draws(int(chosen.sum()), len(run.draws), seed_of(seed, subset.stream))
    n = np.isfinite(scores).sum(axis=1)
    enough = np.where((n >= FEWEST)[:, None], scores, np.nan)
    _write(table, f"tau_{subset.column}", tau_b(enough, truth, weights), run.level)
    table[f"n_{subset.column}"] = n
    return [
        why_undefined(row, truth) if n_ >= FEWEST else f"fewer than {FEWEST} scores"
        for row, n_ in zip(scores, n, strict=True)
    ]


def _given(run: ScoredRun) -> list[tuple[str, Numbers, Numbers]]:
    """Partial τ given each control's scores at the same step, and both of `BOTH`: the column, its value in every row,
    (rows,), and in the last step's rows under each draw, (last rows, draws). nan where the control did not run, and for
    the controls themselves."""
    together, last = "_and_".join(BOTH), run.last
    points = {given: np.full(len(run.labels), np.nan) for given in (*CONTROLS, together)}
    drawn = {given: np.full((int(last.sum()), len(run.draws)), np.nan) for given in points}
    for step in np.unique(run.steps):
        rows = np.flatnonzero(run.steps == step)
        at_end = bool(last[rows[0]])
        for name, values in _partial_taus(run, rows, run.weights if at_end else run.weights[:1], together).items():
            points[name][rows] = values[:, 0]
            if at_end:
                drawn[name][:] = values[:, 1:]
    return [(f"tau_given_{name}", points[name], drawn[name]) for name in points]


def _partial_taus(
    run: ScoredRun, rows: NDArray[np.intp], weights: NDArray[np.int64], together: str
) -> dict[str, Numbers]:
    """Partial τ of the `rows` of one step under `weights`, (rows, draws), by the control that is given."""
    scores, truth, taus = run.scores[rows], run.truth, run.taus[rows, : len(weights)]
    row_of = {run.labels[row][0]: row for row in rows.tolist() if run.labels[row][0] in CONTROLS}
    with_control = {control: tau_b(scores, run.scores[row], weights) for control, row in row_of.items()}
    found = {
        control: partial_tau(scores, truth, run.scores[row], weights, taus, with_control[control])
        for control, row in row_of.items()
    }
    if row_of.keys() >= set(BOTH):
        g, h = BOTH
        given, both = (run.scores[row_of[g]], run.scores[row_of[h]]), (with_control[g], with_control[h])
        found[together] = partial_tau_of_two(scores, truth, given, weights, taus, both)
    for name, values in found.items():
        own = [row_of[control] for control in (BOTH if name == together else (name,))]
        values[np.isin(rows, own)] = np.nan
    return found


def _write_last(table: pd.DataFrame, column: str, points: Numbers, drawn: Numbers, run: ScoredRun) -> None:
    """Write `points` (rows,) as `column`, and the intervals of the last step's rows from `drawn` (last rows, draws)."""
    ends = np.full((len(points), 2), np.nan)
    known = np.isfinite(points[run.last])
    ends[np.flatnonzero(run.last)[known]] = np.array([interval(row, run.level) for row in drawn[known]]).reshape(-1, 2)
    table[column], table[f"{column}_low"], table[f"{column}_high"] = points, *ends.T


def _write(table: pd.DataFrame, column: str, values: Numbers, level: float) -> None:
    """Write the observed value (first draw) and its interval as `column`, `column`_low and `column`_high."""
    ends = np.array([interval(row[1:], level) for row in values]).reshape(len(values), 2)
    table[column], table[f"{column}_low"], table[f"{column}_high"] = values[:, 0], *ends.T
