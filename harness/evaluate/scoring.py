"""The scores of all predictors at all budgets: no predictor sees past its budget, learned ones are cross-fitted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Protocol

import pandas as pd

from harness.evaluate.predictions import AnyPredictor
from harness.evaluate.scoring_parts import ByBudget, merged, parts_of, score_part
from harness.evaluate.scoring_table import ScoringInput, ScoringTable, forget
from harness.processes.workers import OneMachine, Workers
from harness.schema.progress import Count, uncounted

COLUMNS = ["predictor", "step", "architecture", "score", "sd", "reason"]

TIMINGS = ["predictor", "step", "fitted_on", "fit_seconds", "score_seconds"]

WORTH_SHARING = 200
"""Traces times budgets below which starting processes costs more than it saves."""


class ScoreCache(Protocol):
    """What earlier runs found for the same traces, accuracies and folds."""

    def read(self, predictor: AnyPredictor, table: ScoringTable) -> ByBudget:
        """What is kept of a predictor; empty where there is nothing."""
        ...

    def write(self, predictor: AnyPredictor, table: ScoringTable, found: ByBudget) -> None:
        """Keep what was found of a predictor."""
        ...


def score_all(
    predictors: Mapping[str, AnyPredictor],
    given: ScoringInput,
    workers: Workers = OneMachine(),  # noqa: B008  a frozen value
    progress: Count = uncounted,
    cache: ScoreCache | None = None,
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
    score that is missing because its columns are not measured yet at this budget, or because learned predictors are not
    scored there (`given.learned_every`), has a reason that begins with "not yet"; it is no failure. Learned
    predictors are cross-fitted: groups (isomorphism classes) are kept together, and the fit is on the usable traces of
    the other folds whose accuracy is finite. NoScore, nan and arithmetic that fails (ValueError, ArithmeticError,
    numpy's LinAlgError) give nan with a reason; any other error is a mistake in the predictor and is raised. Rows do
    not depend on the order of the traces, which are sorted by name, nor on `workers`, nor on what `cache`
    holds of earlier runs. `progress` counts parts: a predictor, or one fold of a learned one.
    """
    table = ScoringTable.of(given, predictors)
    kept = {name: cache.read(predictor, table) for name, predictor in predictors.items()} if cache else {}
    missing = parts_of(predictors, table, kept)
    one_by_one = len(given.traces) * len(given.budgets) < WORTH_SHARING
    by = OneMachine() if one_by_one else workers
    results = by.in_order(partial(score_part, table), missing, progress)
    found: dict[str, ByBudget] = {name: dict(kept.get(name, {})) for name in predictors}
    for part, scored in zip(missing, results, strict=True):
        found[part.name].update(scored)
    if cache:
        for name in dict.fromkeys(part.name for part in missing):
            cache.write(predictors[name], table, found[name])
    forget()
    return _tables(predictors, table, found)


def _tables(
    predictors: Mapping[str, AnyPredictor], table: ScoringTable, found: Mapping[str, ByBudget]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of `score_all`: what all parts of each predictor give at each budget."""
    names = [architecture.name for architecture in table.architectures]
    frames, timings = [], []
    for name, predictor in predictors.items():
        for budget in table.budgets:
            predictions, clock = merged(predictor, table, found[name], budget)
            score, sd, reason = zip(*predictions, strict=True) if predictions else ((), (), ())
            frames.append(pd.DataFrame({"predictor": name, "step": budget, "architecture": names, "score": score,
                                        "sd": sd, "reason": reason}, columns=COLUMNS))  # fmt: skip
            timings.append((name, budget, *clock.read()))
    numbers = dict.fromkeys(TIMINGS[2:], "float64")
    scores = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS)
    return (
        scores.astype({"step": "int64", "score": "float64", "sd": "float64"}),
        pd.DataFrame(timings, columns=TIMINGS).astype({"step": "int64", **numbers}),
    )
