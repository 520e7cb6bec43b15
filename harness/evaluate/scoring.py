"""The scores of all predictors at all budgets: no predictor sees past its budget, learned ones are cross-fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.evaluate.folds import assign_folds
from harness.evaluate.predictions import AnyPredictor, BudgetedTrace, Clock, FitExample, Fold, cut, predictions_of
from harness.processes.workers import OneMachine, Workers
from harness.schema import Trace, are_properties, at_initialization, demand
from harness.schema.progress import Count, uncounted

COLUMNS = ["predictor", "step", "architecture", "score", "sd", "reason"]

TIMINGS = ["predictor", "step", "fitted_on", "fit_seconds", "score_seconds"]

INITIAL = 0
"""The step at which predictors at initialization see every trace, whatever the budget."""

CHUNKS = 4
"""Parts a worker: some predictors take a hundred times as long as others."""

WORTH_SHARING = 200
"""Traces times budgets below which starting processes costs more than it saves."""

Row = tuple[str, int, str, float, float, str]
"""A row of scores."""

Clocked = tuple[str, int, float, float, float]
"""A row of timings."""

ByName = dict[str, tuple[list[Row], list[Clocked]]]
"""The rows of scores and of timings of each predictor."""


@dataclass(frozen=True)
class ScoringInput:
    """What predictors are scored on.

    `traces`, one an architecture; `accuracies` (architectures,) in percent, nan where unknown; `budgets` in steps
    (updates); cross-fitting in `folds` folds that depend on `seed` and the names. `fitting`: traces of other networks
    (of another width, say) by architecture name, on which learned predictors are fitted instead of on `traces`.
    """

    traces: Sequence[Trace]
    accuracies: NDArray[np.float64]
    budgets: Sequence[int]
    folds: int
    seed: int
    fitting: Sequence[Mapping[str, Trace]] = ()

    def __post_init__(self) -> None:
        demand(self.folds >= 2, "evaluate.folds", "at least 2", self.folds)
        demand(all(step >= 0 for step in self.budgets), "evaluate.budgets", "steps of at least 0", list(self.budgets))
        names = [trace.architecture.name for trace in self.traces]
        twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        demand(not twice, "traces", "one per architecture", twice)


@dataclass(frozen=True)
class BudgetedInput:
    """Traces and fit examples at every budget and at `INITIAL`, sorted by name; accuracies and folds to match."""

    budgets: Sequence[int]
    traces: Mapping[int, Sequence[BudgetedTrace]]
    folds: Mapping[int, Fold]


def score_all(
    predictors: Mapping[str, AnyPredictor],
    given: ScoringInput,
    workers: Workers = OneMachine(),  # noqa: B008  a frozen value
    progress: Count = uncounted,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and what they cost: two tables.

    Scores have a row for each predictor, budget and architecture: predictor, step, architecture, score, sd, reason.
    Timings have one for each predictor and budget: predictor, step, `fitted_on` (traces that a learned one was fitted
    on, mean over its folds, 0 for others), `fit_seconds` (one fit and the level taken from it, likewise),
    `score_seconds` (one trace to one score; a `Collective`'s time divided by the traces that it scored). Seconds are
    wall-clock time, measured once, while other workers run; nan where nothing was timed.

    Traces are cut to the budget before a predictor sees them; a predictor at initialization sees them until step 0, and
    neither it nor one that reads properties alone is fitted or timed more than once. A trace that diverged within what
    is seen, or ends before it, has no score (nan, with the reason) but from predictors that read properties alone. A
    score that is missing because its columns are not measured yet at this budget has a reason that begins with "not
    yet"; it is no failure. Learned
    predictors are cross-fitted: groups (isomorphism classes) are kept together, and the fit is on the usable traces of
    the other folds whose accuracy is finite. NoScore, nan and arithmetic that fails (ValueError, ArithmeticError,
    numpy's LinAlgError) give nan with a reason; any other error is a mistake in the predictor and is raised. Rows do
    not depend on the order of the traces, which are sorted by name, nor on `workers`.
    `progress` counts predictors, or parts of them where there are several workers.
    """
    prepared = _prepared(given)
    share = len(given.traces) * len(given.budgets) >= WORTH_SHARING
    by_name = _shared_out(predictors, prepared, workers if share else OneMachine(), progress)
    rows = [row for name in predictors for row in by_name[name][0]]
    clocked = [row for name in predictors for row in by_name[name][1]]
    numbers = dict.fromkeys(TIMINGS[2:], "float64")
    return (
        pd.DataFrame(rows, columns=COLUMNS).astype({"step": "int64", "score": "float64", "sd": "float64"}),
        pd.DataFrame(clocked, columns=TIMINGS).astype({"step": "int64", **numbers}),
    )


def _prepared(given: ScoringInput) -> BudgetedInput:
    """What is given, sorted by name and cut to every budget."""
    order = sorted(range(len(given.traces)), key=lambda i: given.traces[i].architecture.name)
    traces, accuracies = [given.traces[i] for i in order], np.asarray(given.accuracies, dtype=float)[order]
    fold = assign_folds([trace.architecture for trace in traces], given.folds, given.seed)
    at = {trace.architecture.name: i for i, trace in enumerate(traces)}
    others = [(at[name], trace) for source in given.fitting for name, trace in sorted(source.items())]
    seen, folds = {}, {}
    for step in {*given.budgets, INITIAL}:
        seen[step] = [cut(trace, step) for trace in traces]
        examples: list[FitExample] = [(i, cut(trace, step)) for i, trace in others] or list(enumerate(seen[step]))
        folds[step] = Fold(examples, accuracies, fold)
    return BudgetedInput(given.budgets, seen, folds)


def _shared_out(
    predictors: Mapping[str, AnyPredictor], prepared: BudgetedInput, workers: Workers, progress: Count
) -> ByName:
    """The rows of all predictors, made by the workers."""
    items, count = list(predictors.items()), workers.count(len(predictors))
    number = len(items) if count == 1 else CHUNKS * count
    parts = [part for i in range(number) if (part := items[i::number])]
    done = workers.in_order(partial(_rows, prepared=prepared), parts, progress)
    return {name: rows for part in done for name, rows in part.items()}


def _rows(predictors: Sequence[tuple[str, AnyPredictor]], prepared: BudgetedInput) -> ByName:
    """The rows of scores and of timings of some predictors, by name."""
    rows: ByName = {name: ([], []) for name, _ in predictors}
    for name, predictor in predictors:
        scores, timings = rows[name]
        once = _once(predictor, prepared)
        for budget in prepared.budgets:
            predicted, clocked = once or _at(predictor, prepared, budget)
            scores += [(name, budget, *row) for row in predicted]
            timings.append((name, budget, *clocked))
    return rows


def _once(
    predictor: AnyPredictor, prepared: BudgetedInput
) -> tuple[list[tuple[str, float, float, str]], tuple[float, float, float]] | None:
    """What `_at` gives at every budget of a predictor that reads properties or initial values alone, else None."""
    if at_initialization(predictor):
        return _at(predictor, prepared, INITIAL)
    if are_properties(predictor.columns):
        return _at(predictor, prepared, max(prepared.budgets, default=INITIAL))
    return None


def _at(
    predictor: AnyPredictor, prepared: BudgetedInput, step: int
) -> tuple[list[tuple[str, float, float, str]], tuple[float, float, float]]:
    """(architecture, score, sd, reason) of every trace cut to `step`, and the timings of a predictor there."""
    clock, traces = Clock(), prepared.traces[step]
    predictions = predictions_of(predictor, traces, prepared.folds[step], clock)
    names = [each.trace.architecture.name for each in traces]
    return [(name, *found) for name, found in zip(names, predictions, strict=True)], clock.read()
