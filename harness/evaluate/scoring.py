"""The scores of all predictors at all budgets, with nobody looking ahead and nobody scored by what was fitted on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import isnan
from typing import TypeVar

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from harness.evaluate.folds import assign_folds
from harness.schema import (
    FACT_COLUMNS,
    BadInput,
    Collective,
    Learned,
    NoScore,
    Predictor,
    Reasoned,
    Trace,
    Uncertain,
    demand,
)

COLUMNS = ["predictor", "step", "architecture", "score", "sd", "reason"]

TIMINGS = ["predictor", "step", "fitted_on", "fit_seconds", "score_seconds"]

Row = tuple[str, int, str, float, float, str]

CHUNKS = 4
"""Parts a worker: some predictors take a hundred times as long as others."""

WORTH_SHARING = 200
"""Traces times budgets below which starting processes costs more than it saves."""

Answer = TypeVar("Answer")

AnyPredictor = Predictor | Collective | Learned

Opinion = tuple[float, float, str]
"""Score, standard deviation, reason; nan for a number that is not stated, "" where there is a score."""


@dataclass(frozen=True)
class Cut:
    """A trace as it stood at a budget; `unusable` says why nothing that reads the training can be scored, or is ""."""

    trace: Trace
    unusable: str


Clocked = tuple[str, int, float, float, float]
"""A row of timings."""


Lesson = tuple[int, Cut]
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


@dataclass(frozen=True)
class Matter:
    """What predictors are scored on: traces and lessons of every budget, accuracies and folds of the architectures."""

    cuts: Mapping[int, Sequence[Cut]]
    lessons: Mapping[int, Sequence[Lesson]]
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
    demand(folds >= 2, "evaluate.folds", "a count of at least 2", folds)
    demand(all(budget >= 0 for budget in budgets), "evaluate.budgets", "steps of at least 0", list(budgets))
    names = [trace.architecture.name for trace in traces]
    demand(len(set(names)) == len(names), "traces", "one trace an architecture", f"{len(names)} of {len(set(names))}")
    order = np.argsort(np.array(names, dtype=object), kind="stable")
    traces, accuracies = [traces[i] for i in order], np.asarray(accuracies, dtype=float)[order]
    fold = assign_folds([trace.architecture for trace in traces], folds, seed)
    cuts = {budget: [cut(trace, budget) for trace in traces] for budget in budgets}
    places = {trace.architecture.name: place for place, trace in enumerate(traces)}
    lessons = {
        budget: [(places[name], cut(t, budget)) for source in fitting for name, t in sorted(source.items())]
        if fitting
        else list(enumerate(cuts[budget]))
        for budget in budgets
    }
    matter = Matter(cuts, lessons, accuracies, fold)
    items = list(predictors.items())
    if workers > 1 and len(traces) * len(budgets) >= WORTH_SHARING:
        parts = [items[i :: CHUNKS * workers] for i in range(CHUNKS * workers)]
        done = Parallel(n_jobs=workers)(delayed(_rows)(part, matter) for part in parts if part)
    else:
        done = [_rows(items, matter)]
    by_name = {name: rows for part in done for name, rows in part.items()}
    rows = [row for name in predictors for row in by_name[name][0]]
    clocked = [row for name in predictors for row in by_name[name][1]]
    numbers = dict.fromkeys(TIMINGS[2:], "float64")
    return (
        pd.DataFrame(rows, columns=COLUMNS).astype({"step": "int64", "score": "float64", "sd": "float64"}),
        pd.DataFrame(clocked, columns=TIMINGS).astype({"step": "int64", **numbers}),
    )


def _rows(predictors: Sequence[tuple[str, AnyPredictor]], matter: Matter) -> dict[str, tuple[list[Row], list[Clocked]]]:
    """The rows of scores and of timings of some predictors, by name."""
    rows: dict[str, tuple[list[Row], list[Clocked]]] = {name: ([], []) for name, _ in predictors}
    for name, predictor in predictors:
        for budget, cuts in matter.cuts.items():
            clock = Clock()
            opinions = _opinions(predictor, cuts, matter.lessons[budget], matter.accuracies, matter.fold, clock)
            scores, clocked = rows[name]
            scores += [(name, budget, c.trace.architecture.name, *o) for c, o in zip(cuts, opinions, strict=True)]
            clocked.append((name, budget, *clock.read()))
    return rows


def cut(trace: Trace, budget: int) -> Cut:
    """The trace until `budget`, and what is wrong with it."""
    short = trace.until(budget)
    if short.diverged is not None:
        return Cut(short, f"diverged at step {short.diverged}")
    if trace.diverged is None and trace.last_step < budget:
        return Cut(short, f"the trace ends at step {trace.last_step}")
    return Cut(short, "")


def _opinions(
    predictor: AnyPredictor,
    cuts: Sequence[Cut],
    lessons: Sequence[Lesson],
    accuracies: NDArray[np.float64],
    fold: NDArray[np.int64],
    clock: Clock,
) -> list[Opinion]:
    """What a predictor says of each cut trace, in their order; a learned one is fitted on `lessons`."""
    untrained = set(predictor.columns) <= set(FACT_COLUMNS)
    opinions = [_none("" if untrained else c.unusable) for c in cuts]
    usable = np.array([not reason for _, _, reason in opinions], dtype=bool)
    if isinstance(predictor, Collective):
        together = np.flatnonzero(usable).tolist()
        if not together:
            return opinions
        begin = time.perf_counter()
        answers = _answers(predictor, [cuts[i].trace for i in together])
        clock.scored, clock.seconds = len(together), time.perf_counter() - begin
        for i, answer in zip(together, answers, strict=True):
            opinions[i] = _checked(answer)
        return opinions
    for scored, fitted, level in _fitted(predictor, lessons, accuracies, fold, usable, clock):
        begin = time.perf_counter()
        for i in scored:
            score, sd, reason = _none(fitted) if isinstance(fitted, str) else _opinion(fitted, cuts[i].trace)
            opinions[i] = (score - level, sd, reason)
        if not isinstance(fitted, str):
            clock.scored, clock.seconds = clock.scored + len(scored), clock.seconds + time.perf_counter() - begin
    return opinions


def _answers(predictor: Collective, traces: Sequence[Trace]) -> list[float | str]:
    """The score of each trace, or the reason why there is none."""
    found = _attempt(partial(predictor.score_together, traces))
    if isinstance(found, str):
        return [found for _ in traces]
    tell = predictor.reason if isinstance(predictor, Reasoned) else lambda _: "no opinion"
    return [tell(trace) if isnan(score) else score for trace, score in zip(traces, found.tolist(), strict=True)]


def _fitted(
    predictor: Predictor | Learned,
    lessons: Sequence[Lesson],
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
    known = [(i, c) for i, c in lessons if np.isfinite(accuracies[i]) and (untrained or not c.unusable)]
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


def _opinion(predictor: Predictor, trace: Trace) -> Opinion:
    """Score, standard deviation and reason of one trace."""
    found: tuple[float, float] | float | str
    if isinstance(predictor, Uncertain):
        found = _attempt(partial(predictor.estimate, trace))
    else:
        found = _attempt(partial(predictor.score, trace))
    return _checked(found)


def _checked(found: tuple[float, float] | float | str) -> Opinion:
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


def _none(reason: str) -> Opinion:
    return float("nan"), float("nan"), reason
