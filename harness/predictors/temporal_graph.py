"""Accuracy predicted from the temporal graph of the training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from harness.predictors.boosting import boosting
from harness.predictors.logit_linear import LogitLinear
from harness.predictors.points import Column
from harness.predictors.weight_statistics import FEWEST
from harness.schema import ADDED_LATER, NoScore, Trace, demand

Predict = Callable[[Column], Column]
"""Feature vectors (n, d) to percent accuracies, or to probabilities of being good, (n,)."""


@dataclass(frozen=True)
class TemporalGraph:
    """Temporal graph: final accuracy from graphs of several checkpoints (Vahedian et al. 2022, arXiv 2111.05410).

    The features are the signatures (vectors of `column`, written by the measure of the same name) of `checkpoints`
    observations one behind the other. `skip` observations at the beginning are left out; the authors leave out one.
    `take`: "spread", evenly from the first observation to the last within the budget; "first", the first so many. Where
    the budget holds fewer, all are taken. Which moments and which model the paper used is not known: both are [derived,
    docs/methods.md].

    `task`: "regression" of the accuracy; "classification" into good and bad architectures as in the paper, good being
    the better part `good` of the fit. `model`: "ridge", a ridge on the logit of the accuracy, its strength by
    leave-one-out, or for a classification a logistic regression with the penalty `penalty` / 2 |w|^2 on standardised
    features; "boosting", LightGBM with `trees` trees. An entry that is nan is the mean of the fit to the linear models
    and a missing value to the boosting.
    """

    kind: ClassVar[str] = "predictor/temporal_graph"

    task: str = "regression"
    model: str = "ridge"
    checkpoints: int = 5
    take: str = "spread"
    good: float = 0.5
    penalty: float = 10.0
    trees: int = 200
    seed: int = 0
    column: str = "temporal_graph"
    family: str = "temporal_graph"
    skip: int = field(default=0, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        choices = {
            "task": ("regression", "classification"),
            "model": ("ridge", "boosting"),
            "take": ("spread", "first"),
        }
        for key, (one, other) in choices.items():
            value = getattr(self, key)
            demand(value in (one, other), f"predictor.temporal_graph.{key}", f"{one!r} or {other!r}", value)
        demand(self.checkpoints >= 1, "predictor.temporal_graph.checkpoints", "at least 1", self.checkpoints)
        demand(0 < self.good < 1, "predictor.temporal_graph.good", "a part between 0 and 1", self.good)
        demand(self.penalty > 0, "predictor.temporal_graph.penalty", "a number above 0", self.penalty)
        demand(self.trees >= 1, "predictor.temporal_graph.trees", "at least 1", self.trees)
        demand(self.skip >= 0, "predictor.temporal_graph.skip", "at least 0", self.skip)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def fit(self, traces: Sequence[Trace], accuracies: NDArray[np.float64]) -> FittedTemporalGraph:
        """The model fitted to `traces` and their final `accuracies` (n,), in percent.

        A trace without a signature, or an accuracy that is not finite, is skipped. Raises NoScore where fewer than
        4 architectures remain, and, for a classification, where all are good or all are bad.
        """
        seen = [
            (vectors, accuracy)
            for trace, accuracy in zip(traces, accuracies, strict=True)
            if np.isfinite(accuracy) and (vectors := signatures(trace, self.column, self.skip))
        ]
        if len(seen) < FEWEST:
            raise NoScore(f"the fit needs {FEWEST} architectures with {self.column}, has {len(seen)}")
        count = min(self.checkpoints, max(len(vectors) for vectors, _ in seen))
        x = np.array([features(vectors, count, self.take) for vectors, _ in seen])
        y = np.array([accuracy for _, accuracy in seen])
        if self.task == "regression":
            predict: Predict = LogitLinear(x, y).predict if self.model == "ridge" else self._boosting(x, y)
            return FittedTemporalGraph(self.column, self.family, self.take, count, predict, None, self.skip)
        good = y > np.quantile(y, 1 - self.good)
        if good.all() or not good.any():
            raise NoScore("the fit needs good and bad architectures, and these are all of one accuracy")
        levels = (float(y[~good].mean()), float(y[good].mean()))
        predict = _logistic(x, good, self.penalty) if self.model == "ridge" else self._boosting(x, good.astype(float))
        return FittedTemporalGraph(self.column, self.family, self.take, count, predict, levels, self.skip)

    def _boosting(self, x: Column, y: Column) -> Predict:
        objective = "regression" if self.task == "regression" else "binary"
        return boosting(x, y, self.trees, self.seed, objective=objective).predict


@dataclass(frozen=True)
class FittedTemporalGraph:
    """TemporalGraph after its fit; `levels`, of a classification, are the mean accuracies of the bad and the good."""

    column: str
    family: str
    take: str
    checkpoints: int
    predict: Predict = field(repr=False)
    levels: tuple[float, float] | None
    skip: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def score(self, trace: Trace) -> float:
        """Predicted accuracy in percent; higher is better. Raises NoScore as `row`.

        Of a classification it is (1 - p) bad + p good: the `probability` p of being good, in the unit of the accuracy
        by the mean accuracies of the bad and of the good of the fit.
        """
        return float(self.scores([self.row(trace)])[0])

    def row(self, trace: Trace) -> Column:
        """The signatures one behind the other (d,). Raises NoScore where none has a finite entry."""
        vectors = signatures(trace, self.column, self.skip)
        if not vectors:
            raise NoScore(f"no finite {self.column} within the budget")
        return features(vectors, self.checkpoints, self.take)

    def scores(self, rows: Sequence[Column]) -> Column:
        """Predicted accuracies (n,) of n rows."""
        values = self.predict(np.array(rows))
        if self.levels is None:
            return values
        bad, good = self.levels
        return bad + values * (good - bad)

    def probability(self, trace: Trace) -> float:
        """Probability that the architecture is a good one, of a classification. Raises NoScore as `row`."""
        if self.levels is None:
            raise NoScore("a regression gives no probability")
        return float(self.predict(self.row(trace)[None])[0])


def signatures(trace: Trace, column: str, skip: int = 0) -> list[Column]:
    """The vectors (d,) of `column` in order of steps, infinities as nan; empty where none has a finite entry.

    The first `skip` vectors are left out. Cells may hold arrays or lists, as a table read from Parquet does; those
    without a vector are skipped.
    """
    return trace.kept(("signatures", column, skip), lambda: _signatures(trace, column, skip))


def _signatures(trace: Trace, column: str, skip: int) -> list[Column]:
    cells = [np.asarray(np.nan if cell is None else cell, dtype=float) for cell in trace.cells(column)]
    vectors = [np.where(np.isfinite(cell), cell, np.nan) for cell in cells if cell.ndim == 1][skip:]
    return vectors if any(np.isfinite(vector).any() for vector in vectors) else []


def features(vectors: list[Column], count: int, take: str) -> Column:
    """`count` of the vectors, each (d,), one behind the other: (count * d,).

    "spread": evenly from the first to the last, of a count of 1 the last. "first": the first ones; where there are
    fewer, the rest is nan.
    """
    if take == "spread":
        last = len(vectors) - 1
        places = np.linspace(0, last, count).round().astype(int) if count > 1 else np.array([last])
        return np.concatenate([vectors[place] for place in places])
    missing = np.full_like(vectors[0], np.nan)
    return np.concatenate([*vectors[:count], *[missing] * (count - len(vectors))])


def _logistic(x: Column, good: NDArray[np.bool_], penalty: float) -> Predict:
    classifier = make_pipeline(
        SimpleImputer(keep_empty_features=True), StandardScaler(), LogisticRegression(C=1 / penalty, max_iter=1000)
    )
    classifier.fit(x, good)
    return lambda features: np.asarray(classifier.predict_proba(features)[:, 1], dtype=float)
