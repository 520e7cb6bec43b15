"""The predictions of one predictor at one budget: scores, the reasons for missing ones, and the time they took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import isnan
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.schema import (
    BadInput,
    Batched,
    Collective,
    Explained,
    Learned,
    NoScore,
    Predictor,
    Trace,
    Uncertain,
    are_properties,
    at_initialization,
    is_property,
)

Answer = TypeVar("Answer")

AnyPredictor = Predictor | Collective | Learned

Prediction = tuple[float, float, str]
"""Score, standard deviation, reason; nan for a number that is not stated, "" where there is a score."""

NOT_YET = "not yet"
"""How the reason of a score begins that is missing because of the budget, which is not a failure."""

OTHER_BUDGETS = "learned predictors are scored at other budgets (evaluate.learned_every)"
"""Why a learned predictor has no scores at a budget that `evaluate.learned_every` leaves out."""

NO_OTHERS = "no other architecture to fit on"
NO_SCORE = "no score"


@dataclass(frozen=True)
class BudgetedTrace:
    """A trace until a budget; `unusable` is the reason why no predictor that reads the training has a score, or ""."""

    trace: Trace
    unusable: str


FitExample = tuple[int, BudgetedTrace]
"""The index of an architecture, and a trace of it that learned predictors may be fitted on."""


@dataclass
class Clock:
    """The time of one predictor at one budget: traces and seconds of each fit, and the seconds of all scores."""

    fits: list[tuple[int, float]] = field(default_factory=list)
    scored: int = 0
    seconds: float = 0.0

    def read(self) -> tuple[float, float, float]:
        """Mean traces a fit, mean seconds a fit, mean seconds a scored trace; 0 without fits, nan without scores."""
        on, fit = np.mean(self.fits, axis=0) if self.fits else (0.0, 0.0)
        return float(on), float(fit), self.seconds / self.scored if self.scored else float("nan")


def cut(trace: Trace, budget: int) -> BudgetedTrace:
    """The trace until `budget` (steps), and whether it is usable there."""
    short = trace.until(budget)
    if not short.observations:
        return BudgetedTrace(short, f"{NOT_YET}: nothing is observed by step {budget}")
    if short.diverged is not None:
        return BudgetedTrace(short, f"diverged at step {short.diverged}")
    if trace.diverged is None and trace.last_step < budget:
        return BudgetedTrace(short, f"the trace ends at step {trace.last_step}")
    return BudgetedTrace(short, "")


@dataclass(frozen=True)
class Fold:
    """What learned predictors are fitted on: traces, accuracies (architectures,) in percent, and the fold of each
    architecture (architectures,)."""

    fit_examples: Sequence[FitExample]
    accuracies: NDArray[np.float64]
    fold: NDArray[np.int64]


def predictions_of(
    predictor: AnyPredictor, traces: Sequence[BudgetedTrace], folds: Fold, clock: Clock, number: int | None = None
) -> list[Prediction]:
    """The prediction for each budgeted trace, in their order; a learned predictor is cross-fitted on `folds`.

    `number`: of the traces in this fold alone, those of the others being as if they were unusable. A missing score
    whose columns are not measured yet at this budget has a reason that begins with `NOT_YET`.
    """
    untrained = are_properties(predictor.columns)
    predictions = [_none("" if untrained else each.unusable) for each in traces]
    usable = np.array([not reason for _, _, reason in predictions], dtype=bool)
    if number is not None:
        usable &= folds.fold == number
    if isinstance(predictor, Collective):
        _score_together(predictor, traces, np.flatnonzero(usable).tolist(), predictions, clock)
    else:
        for scored, fitted, level in _fitted(predictor, folds, usable, clock):
            begin = time.perf_counter()
            given = [traces[i].trace for i in scored]
            found = [_none(fitted)] * len(given) if isinstance(fitted, str) else _predictions(fitted, given)
            for i, (score, sd, reason) in zip(scored, found, strict=True):
                predictions[i] = (score - level, sd, reason)
            if not isinstance(fitted, str):
                clock.scored, clock.seconds = clock.scored + len(scored), clock.seconds + time.perf_counter() - begin
    for i in np.flatnonzero(usable).tolist():
        reason = predictions[i][2]
        if reason and reason != NO_OTHERS and _is_early(predictor, traces[i].trace):
            predictions[i] = _none(f"{NOT_YET}: {reason.removeprefix(f'{NOT_YET}: ')}")
    return predictions


def _is_early(predictor: AnyPredictor, trace: Trace) -> bool:
    """Whether a missing score is one that a longer budget may give: no reading of its columns has failed, and one of
    them is not measured yet, or nothing is trained yet."""
    if at_initialization(predictor):
        return False
    states = [_due(trace, column) for column in predictor.columns if not is_property(column)]
    if not states or any(due and not finite for due, finite in states):
        return False
    return trace.last_step == 0 or any(not due for due, _ in states)


def _due(trace: Trace, column: str) -> tuple[bool, bool]:
    """Whether a column was due at some observation of the trace, and whether its last value that was due is finite.

    A column without a clock is the mean of an interval of training, which is due from the first interval on. Cells of
    vector columns count as finite where any entry is.
    """
    clock = trace.clocks.get(column)
    measured = clock is not None and trace.has(clock)
    due = np.flatnonzero(trace.numbers(str(clock) if measured else "step") > 0)
    if not due.size and not measured:
        return _is_finite(trace.cells(column)[0]), True
    return bool(due.size), bool(due.size) and _is_finite(trace.cells(column)[due[-1]])


def _is_finite(cell: object) -> bool:
    return bool(np.isfinite(np.asarray(np.nan if cell is None else cell, dtype=float)).any())


def _score_together(
    predictor: Collective,
    traces: Sequence[BudgetedTrace],
    usable: Sequence[int],
    predictions: list[Prediction],
    clock: Clock,
) -> None:
    """Write the predictions for the `usable` traces, which a collective predictor scores at once."""
    if not usable:
        return
    begin = time.perf_counter()
    answers = _answers(predictor, [traces[i].trace for i in usable])
    clock.scored, clock.seconds = len(usable), time.perf_counter() - begin
    for i, answer in zip(usable, answers, strict=True):
        predictions[i] = _checked(answer)


def _answers(predictor: Collective, traces: Sequence[Trace]) -> list[float | str]:
    """The score of each trace, or the reason why there is none."""
    found = _attempt(partial(predictor.score_together, traces))
    if isinstance(found, str):
        return [found for _ in traces]
    explain = predictor.reason if isinstance(predictor, Explained) else lambda _: NO_SCORE
    return [explain(trace) if isnan(score) else score for trace, score in zip(traces, found.tolist(), strict=True)]


def _fitted(
    predictor: Predictor | Learned, folds: Fold, usable: NDArray[np.bool_], clock: Clock
) -> Iterator[tuple[NDArray[np.intp], Predictor | str, float]]:
    """For each fold the indices to score, the fitted predictor (or the reason why there is none), and its level.

    The level, which is subtracted from every score, is the mean score on the traces of the fit; 0 for a predictor that
    is not learned. A fold of good architectures is scored by a fit on the worse others: without the subtraction an
    uninformative predictor would rank the folds backwards, with a pooled τ of about −.1 at n = 80 in 5 folds (derived,
    docs/methods.md).
    """
    if not isinstance(predictor, Learned):
        yield np.flatnonzero(usable), predictor, 0.0
        return
    untrained = are_properties(predictor.columns)
    accuracies, fold = folds.accuracies, folds.fold
    known = [(i, each) for i, each in folds.fit_examples if np.isfinite(accuracies[i])]
    known = [(i, each) for i, each in known if untrained or not each.unusable]
    for number in np.unique(fold[usable]):
        examples = [(i, each.trace) for i, each in known if fold[i] != number]
        scored = np.flatnonzero(usable & (fold == number))
        if not examples:
            yield scored, NO_OTHERS, 0.0
            continue
        begin = time.perf_counter()
        traces = [trace for _, trace in examples]
        fit = _attempt(partial(predictor.fit, traces, accuracies[[i for i, _ in examples]]))
        level = 0.0 if isinstance(fit, str) else _level(fit, traces)
        clock.fits.append((len(examples), time.perf_counter() - begin))
        yield scored, fit, level


def _level(fitted: Predictor, traces: Sequence[Trace]) -> float:
    """Mean score of the traces that a predictor was fitted on, 0 where it scores none of them."""
    if isinstance(fitted, Batched):
        scores = _batch(fitted, traces)
    else:
        scores = [_attempt(partial(fitted.score, trace)) for trace in traces]
    numbers = np.array([score for score in scores if not isinstance(score, str)], dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    return float(numbers.mean()) if numbers.size else 0.0


def _predictions(predictor: Predictor, traces: Sequence[Trace]) -> list[Prediction]:
    """Score, standard deviation and reason of each trace."""
    found: Iterable[tuple[float, float] | float | str]
    if isinstance(predictor, Uncertain):
        found = (_attempt(partial(predictor.estimate, trace)) for trace in traces)
    elif isinstance(predictor, Batched):
        found = _batch(predictor, traces)
    else:
        found = (_attempt(partial(predictor.score, trace)) for trace in traces)
    return [_checked(each) for each in found]


def _batch(predictor: Batched, traces: Sequence[Trace]) -> list[float | str]:
    """The score of each trace, or the reason why there is none, by one call for all that have a row.

    Where that call fails, every trace is scored alone, so that one of them spoils no other.
    """
    rows = [_attempt(partial(predictor.row, trace)) for trace in traces]
    able = [row for row in rows if not isinstance(row, str)]
    scores = _attempt(partial(predictor.scores, able)) if able else np.zeros(0)
    if isinstance(scores, str):
        return [_attempt(partial(predictor.score, trace)) for trace in traces]
    numbers = iter(scores.tolist())
    return [row if isinstance(row, str) else next(numbers) for row in rows]


def _checked(found: tuple[float, float] | float | str) -> Prediction:
    """The answer as a prediction: a finite score, or the reason why there is none."""
    if isinstance(found, str):
        return _none(found)
    score, sd = map(float, found if isinstance(found, tuple) else (found, float("nan")))
    if isnan(score):
        return _none(NO_SCORE)
    return (score, sd, "") if np.isfinite(score) else _none("the score is infinite")


def _attempt(ask: Callable[[], Answer]) -> Answer | str:
    """The answer, or the reason why there is none; a wrong configuration and mistakes in the code are raised."""
    try:
        return ask()
    except NoScore as none:
        return str(none) or NO_SCORE
    except BadInput:
        raise
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        return f"{type(error).__name__}: {error}"


def _none(reason: str) -> Prediction:
    return float("nan"), float("nan"), reason
