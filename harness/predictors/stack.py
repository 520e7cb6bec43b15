"""Accuracy predicted from many columns at once, in named groups that can be left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.predictors.boosting import Boosted, boosting
from harness.predictors.logit_linear import LogitLinear
from harness.predictors.points import Column
from harness.predictors.weight_statistics import last_vector
from harness.schema import FACT_COLUMNS, NoScore, Trace, demand

FEWEST = 4
READINGS = 4
"""Of a number column: last value, first value, mean, slope."""


@dataclass(frozen=True)
class Stack:
    """Final accuracy from columns of several families together, by boosting or a ridge ([derived], docs/methods.md).

    `groups` names lists of trace columns, and `without` the groups that are left out: the difference between the stack
    and the stack without a group is what the group adds to the others. Of a number column four features are read, from
    the observations at which it is finite: its last value, its first, its mean, and its least-squares slope a step (nan
    with one observation); of a fact (params, flops, layers), which never changes, the value alone; of a vector column
    the last vector. What is missing is nan.

    `model`: "boosting", LightGBM with `trees` trees, to which nan is a value of its own; "ridge", a logit-linear model
    of arcsinh(feature / m), m the median magnitude of the feature in the fit, since proxies spread over decades. nan
    is the mean of the fit to the ridge. A unit changes neither.
    """

    kind: ClassVar[str] = "predictor/stack"

    groups: dict[str, list[str]]
    model: str = "boosting"
    without: list[str] = field(default_factory=list)
    trees: int = 60
    seed: int = 0
    family: str = "combination"

    def __post_init__(self) -> None:
        key, there = "predictor.stack", ", ".join(self.groups)
        demand(self.model in ("boosting", "ridge"), f"{key}.model", "'boosting' or 'ridge'", self.model)
        demand(self.trees >= 1, f"{key}.trees", "at least 1", self.trees)
        demand(0 <= self.seed < 2**31, f"{key}.seed", "a whole number from 0 to 2147483647", self.seed)
        for group in self.without:
            demand(group in self.groups, f"{key}.without", f"a group of {there}", group)
        demand(bool(self.columns), f"{key}.groups", "a column in the groups that are not left out", self.groups)
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        demand(not twice, f"{key}.groups", "every column once", twice)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read: those of the groups in use."""
        return tuple(chain.from_iterable(names for group, names in self.groups.items() if group not in self.without))

    def fit(self, traces: Sequence[Trace], accuracies: NDArray[np.float64]) -> FittedStack:
        """The model fitted to `traces` and their final `accuracies` (n,), in percent.

        An accuracy that is not finite is skipped, as is a trace of which no column is. Raises NoScore where fewer
        than 4 architectures remain, or where the vectors of a column differ in length.
        """
        known = np.isfinite(accuracies)
        seen = [trace for trace, finite in zip(traces, known, strict=True) if finite]
        widths = {name: _width(seen, name) for name in self.columns}
        table = [features(trace, widths) for trace in seen]
        usable = np.array([np.isfinite(row).any() for row in table], dtype=bool)
        if usable.sum() < FEWEST:
            raise NoScore(f"the fit needs {FEWEST} architectures with any of its columns, has {usable.sum()}")
        x, y = np.array(table)[usable], accuracies[known][usable]
        regressor = boosting(x, y, self.trees, self.seed) if self.model == "boosting" else ArcsinhRidge(x, y)
        return FittedStack(self.columns, self.family, widths, regressor)


@dataclass(frozen=True)
class FittedStack:
    """Stack after its fit; `widths` are the lengths of the vectors, 0 for a column of numbers."""

    columns: tuple[str, ...]
    family: str
    widths: dict[str, int]
    regressor: Boosted | ArcsinhRidge = field(repr=False)

    def score(self, trace: Trace) -> float:
        """Predicted accuracy in percent; higher is better. Raises NoScore as `row`."""
        return float(self.scores([self.row(trace)])[0])

    def row(self, trace: Trace) -> Column:
        """The features of a trace (d,). Raises NoScore where no column is finite."""
        x = features(trace, self.widths)
        if not np.isfinite(x).any():
            raise NoScore("none of its columns is finite within the budget")
        return x

    def scores(self, rows: Sequence[Column]) -> Column:
        """Predicted accuracies (n,) of n rows."""
        return self.regressor.predict(np.array(rows))


class ArcsinhRidge:
    """The logit-linear model of features x (n, d) after arcsinh(x / m), m the median |x| above 0 of each column."""

    def __init__(self, x: Column, y: Column) -> None:
        magnitude = [np.abs(values[np.isfinite(values) & (values != 0)]) for values in x.T]
        self.unit = np.array([np.median(values) if values.size else 1.0 for values in magnitude])
        self.model = LogitLinear(np.arcsinh(x / self.unit), y)

    def predict(self, features: Column) -> Column:
        """Percent accuracies (n,) of feature vectors (n, d)."""
        return self.model.predict(np.arcsinh(features / self.unit))


def features(trace: Trace, widths: dict[str, int]) -> Column:
    """The features (d,) of one trace, nan where one is missing, column by column of `widths`.

    Raises NoScore where a vector is not as long as the fit's.
    """
    return trace.kept(("stack", *widths.items()), lambda: _features(trace, widths))


def _features(trace: Trace, widths: dict[str, int]) -> Column:
    found, steps = [], trace.numbers("step")
    for name, width in widths.items():
        if not width:
            found.append(readings(steps, trace.numbers(name), name in FACT_COLUMNS))
            continue
        vector = last_vector(trace, name)
        if vector is not None and vector.size != width:
            raise NoScore(f"{name} has {vector.size} entries, those of the fit {width}")
        found.append(np.full(width, np.nan) if vector is None else vector)
    return np.concatenate(found)


def readings(steps: Column, values: Column, fact: bool) -> Column:
    """Last, first, mean and slope a step of the finite `values` (4,); of a fact the last alone (1,)."""
    finite = np.isfinite(values)
    steps, values = steps[finite], values[finite]
    if not values.size:
        return np.full(1 if fact else READINGS, np.nan)
    if fact:
        return values[-1:]
    away = steps - steps.mean()
    slope = away @ values / (away @ away) if values.size > 1 else np.nan
    return np.array([values[-1], values[0], values.mean(), slope])


def _width(traces: Sequence[Trace], name: str) -> int:
    """Length of the vectors of a column, 0 where it holds none."""
    vectors = (last_vector(trace, name) for trace in traces if trace.cells(name).dtype == object)
    widths = {vector.size for vector in vectors if vector is not None}
    if len(widths) > 1:
        raise NoScore(f"the fit needs vectors of one length, {name} has several")
    return widths.pop() if widths else 0
