"""The scores of all predictors at all budgets, with nobody looking ahead and nobody scored by what was fitted on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from harness.evaluate.folds import assign_folds
from harness.evaluate.predictions import AnyPredictor, BudgetedTrace, Clock, FitExample, cut, predictions_of
from harness.schema import Trace, demand

COLUMNS = ["predictor", "step", "architecture", "score", "sd", "reason"]

TIMINGS = ["predictor", "step", "fitted_on", "fit_seconds", "score_seconds"]

Row = tuple[str, int, str, float, float, str]

CHUNKS = 4
"""Parts a worker: some predictors take a hundred times as long as others."""

WORTH_SHARING = 200
"""Traces times budgets below which starting processes costs more than it saves."""

Clocked = tuple[str, int, float, float, float]
"""A row of timings."""

ByName = dict[str, tuple[list[Row], list[Clocked]]]
"""The rows of scores and of timings of each predictor."""


@dataclass(frozen=True)
class ScoringInput:
    """What predictors are scored on: traces and fit examples of every budget, accuracies and folds."""

    cuts: Mapping[int, Sequence[BudgetedTrace]]
    fit_examples: Mapping[int, Sequence[FitExample]]
    accuracies: NDArray[np.float64]
    fold: NDArray[np.int64]


def score_all(
    predictors: Mapping[str, AnyPredictor],
    traces: Sequence[Trace],
    accuracies: NDArray[np.float64],
    budgets: Sequence[int],
    folds: int,
    seed: int,
    fitting: Sequence[Mapping[str, Trace]] = (),
    workers: int = 1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and what they cost: two tables.

    Scores have a row for each predictor, budget and architecture: predictor, step, architecture, score, sd, reason.
    Timings have one for each predictor and budget: predictor, step, `fitted_on` (traces that a learned one was fitted
    on, mean over its folds, 0 for others), `fit_seconds` (one fit and the level taken from it, likewise),
    `score_seconds` (one trace to one score; a `Collective`'s time shared by those it scored). Seconds are wall-clock
    time, measured once, while the other `workers` run beside; nan where nothing was timed.

    Traces are cut to the budget (in updates) before a predictor sees them. A trace that diverged within the budget, or
    ends before it, has no score (nan, with the reason) but from predictors that read no training, only facts. Learned
    predictors are cross-fitted: `folds` folds that depend on `seed` and the names, groups kept together, fitted on the
    usable traces of the other folds whose accuracy (architectures,) in percent is finite. With `fitting`, traces of
    other networks (of another width, say) by architecture name, they are fitted on those of the other folds'
    architectures in place of the traces that are scored. NoScore, nan and arithmetic that fails (ValueError,
    ArithmeticError, numpy's LinAlgError) give nan with a reason; any other error is a mistake in the predictor and is
    raised. Rows do not depend on the order of `traces`; architectures are sorted by name. Nor do they on `workers`,
    processes that share the predictors out.

    Raises BadInput where two traces are of one architecture, a budget is negative or there are fewer than 2 folds.
    """
    matter = _matter(traces, accuracies, budgets, folds, seed, fitting)
    share = len(traces) * len(budgets) >= WORTH_SHARING
    by_name = _shared_out(predictors, matter, workers if share else 1)
    rows = [row for name in predictors for row in by_name[name][0]]
    clocked = [row for name in predictors for row in by_name[name][1]]
    numbers = dict.fromkeys(TIMINGS[2:], "float64")
    return (
        pd.DataFrame(rows, columns=COLUMNS).astype({"step": "int64", "score": "float64", "sd": "float64"}),
        pd.DataFrame(clocked, columns=TIMINGS).astype({"step": "int64", **numbers}),
    )


def _matter(
    traces: Sequence[Trace],
    accuracies: NDArray[np.float64],
    budgets: Sequence[int],
    folds: int,
    seed: int,
    fitting: Sequence[Mapping[str, Trace]],
) -> ScoringInput:
    """What `score_all` was given, sorted by name and cut to every budget. Raises BadInput as it does."""
    demand(folds >= 2, "evaluate.folds", "at least 2", folds)
    demand(all(budget >= 0 for budget in budgets), "evaluate.budgets", "steps of at least 0", list(budgets))
    names = [trace.architecture.name for trace in traces]
    demand(len(set(names)) == len(names), "traces", "one trace an architecture", f"{len(names)} of {len(set(names))}")
    order = np.argsort(np.array(names, dtype=object), kind="stable")
    traces, accuracies = [traces[i] for i in order], np.asarray(accuracies, dtype=float)[order]
    fold = assign_folds([trace.architecture for trace in traces], folds, seed)
    cuts = {budget: [cut(trace, budget) for trace in traces] for budget in budgets}
    places = {trace.architecture.name: place for place, trace in enumerate(traces)}
    fit_examples = {
        budget: [(places[name], cut(t, budget)) for source in fitting for name, t in sorted(source.items())]
        if fitting
        else list(enumerate(cuts[budget]))
        for budget in budgets
    }
    return ScoringInput(cuts, fit_examples, accuracies, fold)


def _shared_out(predictors: Mapping[str, AnyPredictor], matter: ScoringInput, workers: int) -> ByName:
    """The rows of all predictors, made by so many processes."""
    items = list(predictors.items())
    if workers <= 1:
        return _rows(items, matter)
    parts = [items[i :: CHUNKS * workers] for i in range(CHUNKS * workers)]
    done = Parallel(n_jobs=workers)(delayed(_rows)(part, matter) for part in parts if part)
    return {name: rows for part in done for name, rows in part.items()}


def _rows(predictors: Sequence[tuple[str, AnyPredictor]], matter: ScoringInput) -> ByName:
    """The rows of scores and of timings of some predictors, by name."""
    rows: ByName = {name: ([], []) for name, _ in predictors}
    for name, predictor in predictors:
        for budget, cuts in matter.cuts.items():
            clock = Clock()
            predictions = predictions_of(
                predictor, cuts, matter.fit_examples[budget], matter.accuracies, matter.fold, clock
            )
            scores, clocked = rows[name]
            scores += [(name, budget, c.trace.architecture.name, *o) for c, o in zip(cuts, predictions, strict=True)]
            clocked.append((name, budget, *clock.read()))
    return rows
