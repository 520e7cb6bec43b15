"""What is scored at a time: a predictor at its budgets, or one fold of a learned predictor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.evaluate.predictions import NOT_YET, OTHER_BUDGETS, AnyPredictor, Clock, Prediction, predictions_of
from harness.evaluate.scoring_table import INITIAL, ScoringTable
from harness.schema import Learned, are_properties, at_initialization

ALL = -1
"""In the place of a fold: a predictor that is not learned is scored on all architectures at once."""

Found = tuple[list[Prediction], Clock]
"""The predictions of the architectures of a fold, in their order, and the time they took."""

ByBudget = dict[tuple[int, int], Found]
"""What is found of a predictor, by fold and step."""


@dataclass(frozen=True)
class Part:
    """A predictor by name, a fold (or `ALL`), and the steps at which it is to be scored."""

    name: str
    fold: int
    steps: tuple[int, ...]


def parts_of(predictors: Mapping[str, AnyPredictor], table: ScoringTable, kept: Mapping[str, ByBudget]) -> list[Part]:
    """The parts that `kept` does not hold; the smallest, folds of learned predictors, last: workers end together."""
    parts = []
    for name, predictor in sorted(predictors.items(), key=lambda item: isinstance(item[1], Learned)):
        for fold in folds_of(predictor, table):
            steps = dict.fromkeys(step_of(predictor, table, budget) for budget in _scored_at(predictor, table))
            left = tuple(step for step in steps if (fold, step) not in kept.get(name, {}))
            parts += [Part(name, fold, left)] if left else []
    return parts


def score_part(table: ScoringTable, part: Part) -> ByBudget:
    """What is found of a part, by fold and step."""
    found: ByBudget = {}
    chosen = _chosen(table, part.fold)
    for step in part.steps:
        clock, (traces, folds) = Clock(), table.at(step)
        number = None if part.fold == ALL else part.fold
        predictions = predictions_of(table.predictors[part.name], traces, folds, clock, number)
        found[part.fold, step] = [predictions[i] for i in chosen], clock
    return found


def merged(predictor: AnyPredictor, table: ScoringTable, found: ByBudget, budget: int) -> Found:
    """The predictions of all architectures at a budget, and the time of all folds."""
    if budget not in _scored_at(predictor, table):
        reason = f"{NOT_YET}: {OTHER_BUDGETS}"
        return [(float("nan"), float("nan"), reason)] * len(table.fold), Clock()
    predictions: dict[int, Prediction] = {}
    total = Clock()
    for fold in folds_of(predictor, table):
        own, clock = found[fold, step_of(predictor, table, budget)]
        predictions.update(zip(_chosen(table, fold), own, strict=True))
        total = Clock([*total.fits, *clock.fits], total.scored + clock.scored, total.seconds + clock.seconds)
    return [predictions[i] for i in range(len(table.fold))], total


def folds_of(predictor: AnyPredictor, table: ScoringTable) -> list[int]:
    """The folds that a predictor is scored in, one at a time."""
    return np.unique(table.fold).tolist() if isinstance(predictor, Learned) else [ALL]


def step_of(predictor: AnyPredictor, table: ScoringTable, budget: int) -> int:
    """The step at which a predictor sees the traces at a budget: always the same one where it reads properties or
    initial values alone."""
    if at_initialization(predictor):
        return INITIAL
    return max(table.budgets) if are_properties(predictor.columns) else budget


def _scored_at(predictor: AnyPredictor, table: ScoringTable) -> Sequence[int]:
    """The budgets at which a predictor is scored: all, of a learned one each `learned_every`-th and the last."""
    once = at_initialization(predictor) or are_properties(predictor.columns)
    if once or not isinstance(predictor, Learned):
        return table.budgets
    return sorted(table.budgets)[:: -table.learned_every]


def _chosen(table: ScoringTable, fold: int) -> list[int]:
    """The places of the architectures of a fold."""
    return np.flatnonzero((table.fold == fold) | (fold == ALL)).tolist()
