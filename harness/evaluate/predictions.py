"""What one predictor says of the architectures at one budget, what it took, and why where it says nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import isnan
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.schema import FACT_COLUMNS, BadInput, Collective, Explained, Learned, NoScore, Predictor, Trace, Uncertain

Answer = TypeVar("Answer")

AnyPredictor = Predictor | Collective | Learned

Prediction = tuple[float, float, str]
"""Score, standard deviation, reason; nan for a number that is not stated, "" where there is a score."""


@dataclass(frozen=True)
class BudgetedTrace:
    """A trace as it stood at a budget; `unusable` says why nothing that reads the training can be scored, or is ""."""

    trace: Trace
    unusable: str


FitExample = tuple[int, BudgetedTrace]
"""The place of an architecture, and a trace of it that learned predictors may be fitted on."""


@dataclass
class Clock:
    """What a predictor took at one budget: of each fit the traces and seconds, of all scores together the seconds."""

    fits: list[tuple[int, float]] = field(default_factory=list)
    scored: int = 0
    seconds: float = 0.0

    def read(self) -> tuple[float, float, float]:
        """Mean traces a fit, mean seconds a fit, mean seconds a scored trace; 0 without fits, nan without scores."""
        on, fit = np.mean(self.fits, axis=0) if self.fits else (0.0, 0.0)
        return float(on), float(fit), self.seconds / self.scored if self.scored else float("nan")


def cut(trace: Trace, budget: int) -> BudgetedTrace:
    """The trace until `budget`, and what is wrong with it."""
    short = trace.until(budget)
    if short.diverged is not None:
        return BudgetedTrace(short, f"diverged at step {short.diverged}")
    if trace.diverged is None and trace.last_step < budget:
        return BudgetedTrace(short, f"the trace ends at step {trace.last_step}")
    return BudgetedTrace(short, "")


def predictions_of(
    predictor: AnyPredictor,
    cuts: Sequence[BudgetedTrace],
    fit_examples: Sequence[FitExample],
    accuracies: NDArray[np.float64],
    fold: NDArray[np.int64],
    clock: Clock,
) -> list[Prediction]:
    """What a predictor says of each cut trace, in their order; a learned one is fitted on `fit_examples`."""
    untrained = set(predictor.columns) <= set(FACT_COLUMNS)
    predictions = [_none("" if untrained else c.unusable) for c in cuts]
    usable = np.array([not reason for _, _, reason in predictions], dtype=bool)
    if isinstance(predictor, Collective):
        together = np.flatnonzero(usable).tolist()
        if not together:
            return predictions
        begin = time.perf_counter()
        answers = _answers(predictor, [cuts[i].trace for i in together])
        clock.scored, clock.seconds = len(together), time.perf_counter() - begin
        for i, answer in zip(together, answers, strict=True):
            predictions[i] = _checked(answer)
        return predictions
    for scored, fitted, level in _fitted(predictor, fit_examples, accuracies, fold, usable, clock):
        begin = time.perf_counter()
        for i in scored:
            score, sd, reason = _none(fitted) if isinstance(fitted, str) else _prediction(fitted, cuts[i].trace)
            predictions[i] = (score - level, sd, reason)
        if not isinstance(fitted, str):
            clock.scored, clock.seconds = clock.scored + len(scored), clock.seconds + time.perf_counter() - begin
    return predictions


def _answers(predictor: Collective, traces: Sequence[Trace]) -> list[float | str]:
    """The score of each trace, or the reason why there is none."""
    found = _attempt(partial(predictor.score_together, traces))
    if isinstance(found, str):
        return [found for _ in traces]
    tell = predictor.reason if isinstance(predictor, Explained) else lambda _: "no opinion"
    return [tell(trace) if isnan(score) else score for trace, score in zip(traces, found.tolist(), strict=True)]


def _fitted(
    predictor: Predictor | Learned,
    fit_examples: Sequence[FitExample],
    accuracies: NDArray[np.float64],
    fold: NDArray[np.int64],
    usable: NDArray[np.bool_],
    clock: Clock,
) -> Iterator[tuple[NDArray[np.intp], Predictor | str, float]]:
    """Which traces a ready predictor may score; that predictor, or the reason why there is none; the level to take off.

    The level of a learned one is its mean score on what it was fitted on. A fold of good architectures is scored by a
    fit on the worse others, so that without this a predictor that knows nothing would rank the folds backwards: its
    pooled tau would be about -.1 at n = 80 in 5 folds (derived, docs/methods.md).
    """
    if not isinstance(predictor, Learned):
        yield np.flatnonzero(usable), predictor, 0.0
        return
    untrained = set(predictor.columns) <= set(FACT_COLUMNS)
    known = [(i, c) for i, c in fit_examples if np.isfinite(accuracies[i]) and (untrained or not c.unusable)]
    for number in np.unique(fold[usable]):
        seen = [(i, c.trace) for i, c in known if fold[i] != number]
        scored = np.flatnonzero(usable & (fold == number))
        if seen:
            levels = accuracies[[i for i, _ in seen]]
            begin = time.perf_counter()
            fit = _attempt(partial(predictor.fit, [trace for _, trace in seen], levels))
            level = 0.0 if isinstance(fit, str) else _level(fit, [trace for _, trace in seen])
            clock.fits.append((len(seen), time.perf_counter() - begin))
            yield scored, fit, level
        else:
            yield scored, "no other architecture to fit on", 0.0


def _level(fitted: Predictor, traces: Sequence[Trace]) -> float:
    """Mean score of the traces that a predictor was fitted on, 0 where it scores none of them."""
    scores = [_attempt(partial(fitted.score, trace)) for trace in traces]
    numbers = np.array([score for score in scores if not isinstance(score, str)], dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    return float(numbers.mean()) if numbers.size else 0.0


def _prediction(predictor: Predictor, trace: Trace) -> Prediction:
    """Score, standard deviation and reason of one trace."""
    found: tuple[float, float] | float | str
    if isinstance(predictor, Uncertain):
        found = _attempt(partial(predictor.estimate, trace))
    else:
        found = _attempt(partial(predictor.score, trace))
    return _checked(found)


def _checked(found: tuple[float, float] | float | str) -> Prediction:
    """The answer as an opinion: a reason, or a finite score, or none."""
    if isinstance(found, str):
        return _none(found)
    score, sd = map(float, found if isinstance(found, tuple) else (found, float("nan")))
    if isnan(score):
        return _none("no opinion")
    return (score, sd, "") if np.isfinite(score) else _none("the score is infinite")


def _attempt(ask: Callable[[], Answer]) -> Answer | str:
    """The answer, or the reason why there is none; a wrong configuration and mistakes in the code are raised."""
    try:
        return ask()
    except NoScore as none:
        return str(none) or "no opinion"
    except BadInput:
        raise
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        return f"{type(error).__name__}: {error}"


def _none(reason: str) -> Prediction:
    return float("nan"), float("nan"), reason
