"""Accuracy by support-vector regression on the seen part of the learning curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn import config_context
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler
from sklearn.svm import NuSVR

from harness.predictors.points import Column
from harness.schema import NoScore, Trace

FEWEST = 4
INNER_FOLDS = 3
GRID = tuple(product((0.1, 1.0, 10.0), (0.0003, 0.003, 0.03)))
"""Pairs of C and gamma, for standardised features and targets."""

MIDDLE = GRID[4]
"""Of a fit that is too small for an inner cross-validation."""

ACCURACY_LIMITS = (0.001, 0.999)
"""Accuracies are kept within these before the logit, which is infinite at 0 and 1."""


@dataclass(frozen=True)
class LcSVR:
    """LcSVR, or BGRN: nu-SVR on seen learning curve and facts (Baker et al. 2017, arXiv 1705.10823, section 3).

    BGRN is its name in Jiang et al. (2022). Features: the values of `column` after step 0, their first and second
    differences, mean and standard deviation, and the `facts` (the paper's architecture parameters: sizes and numbers of
    layers). The target is the logit of the final accuracy, so that the few networks at chance level do not rule the fit
    [derived]. Radial kernel, nu = 0.5; C and gamma by the smallest squared error of an inner cross-validation over a
    small fixed grid (the paper: random search), in folds of whole groups. Curves of other steps than the
    most frequent of the fit have no place in the vector and no score.
    """

    kind: ClassVar[str] = "predictor/lcsvr"

    column: str = "valid_accuracy"
    facts: list[str] = field(default_factory=lambda: ["params", "flops", "layers"])
    family: str = "learning_curve"

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column, *self.facts)

    def fit(self, traces: Sequence[Trace], accuracies: NDArray[np.float64]) -> FittedLcSVR:
        """The regression fitted to `traces` and their final `accuracies` (n,), in percent.

        Traces without the features and accuracies that are not finite are skipped. Raises NoScore where fewer
        than 4 remain.
        """
        kept = [i for i, accuracy in enumerate(accuracies) if np.isfinite(accuracy)]
        steps = _commonest([_steps(traces[i], self.column) for i in kept])
        seen = [(i, x) for i in kept if (x := self._features(traces[i], steps)) is not None]
        if len(seen) < FEWEST:
            raise NoScore(f"the fit needs {FEWEST} architectures with a curve of {self.column}, has {len(seen)}")
        x, y = np.array([x for _, x in seen]), logit(np.clip(accuracies[[i for i, _ in seen]] / 100, *ACCURACY_LIMITS))
        groups = [traces[i].architecture.group for i, _ in seen]
        with config_context(assume_finite=True, skip_parameter_validation=True):  # of 27 tiny fits most is checking
            pair = MIDDLE if len(set(groups)) < 2 * INNER_FOLDS else _searched(x, y, groups)
            return FittedLcSVR(self, steps, Standardised(x, y).machine(*pair))

    def _features(self, trace: Trace, steps: tuple[int, ...]) -> Column | None:
        """The vector (d,) of a trace that was observed at exactly these steps, else None."""
        if not steps or _steps(trace, self.column) != steps:
            return None
        curve = trace.numbers(self.column)[np.isin(trace.cells("step"), steps)]
        facts = np.array([trace.numbers(name)[-1] for name in self.facts])
        features = np.concatenate([curve, np.diff(curve), np.diff(curve, n=2), [curve.mean(), curve.std()], facts])
        return features if np.isfinite(features).all() else None


@dataclass(frozen=True)
class FittedLcSVR:
    """LcSVR after its fit."""

    settings: LcSVR
    steps: tuple[int, ...]
    machine: Machine = field(repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return self.settings.columns

    @property
    def family(self) -> str:
        """As of the predictor."""
        return self.settings.family

    def score(self, trace: Trace) -> float:
        """Predicted accuracy in percent; higher is better. Raises NoScore as `row`."""
        return float(self.scores([self.row(trace)])[0])

    def row(self, trace: Trace) -> Column:
        """The features (d,).

        Raises NoScore for a trace that was not observed as those of the fit, or lacks a fact.
        """
        features = self.settings._features(trace, self.steps)
        if features is None:
            raise NoScore(
                f"{self.settings.column} or the facts are not those of the {len(self.steps)} steps of the fit"
            )
        return features

    def scores(self, rows: Sequence[Column]) -> Column:
        """Predicted accuracies (n,) of n rows."""
        found: Column = 100 * expit(self.machine.predict(np.array(rows)))
        return found


class Standardised:
    """Features x (n, d) and targets y (n,) of a fit with mean 0 and deviation 1."""

    def __init__(self, x: Column, y: Column) -> None:
        self.scale, self.unit = StandardScaler(), StandardScaler()
        self.x, self.y = self.scale.fit_transform(x), self.unit.fit_transform(y[:, None])[:, 0]

    def machine(self, cost: float, gamma: float) -> Machine:
        """The regression fitted to them."""
        return Machine(self.scale, self.unit, NuSVR(C=cost, gamma=gamma).fit(self.x, self.y))


@dataclass(frozen=True)
class Machine:
    """A support-vector regression on standardised features and targets."""

    scale: StandardScaler
    unit: StandardScaler
    svr: NuSVR

    def predict(self, x: Column) -> Column:
        """Targets (n,) of features x (n, d), in their own unit."""
        found: Column = self.unit.inverse_transform(self.svr.predict(self.scale.transform(x))[:, None])[:, 0]
        return found


def _searched(x: Column, y: Column, groups: Sequence[str]) -> tuple[float, float]:
    """The pair of the grid with the smallest squared error, mean over inner folds of whole groups; of equals the
    first.

    Not scikit-learn's GridSearchCV, which does the same in twice the time: it standardises each fold anew for every
    pair, and checks every input of 27 tiny fits.
    """
    errors = []
    for fit, held in GroupKFold(INNER_FOLDS).split(x, y, groups):
        inner = Standardised(x[fit], y[fit])
        found = [inner.machine(*pair).predict(x[held]) for pair in GRID]
        errors.append([((each - y[held]) ** 2).mean() for each in found])
    return GRID[int(np.mean(errors, axis=0).argmin())]


def _steps(trace: Trace, column: str) -> tuple[int, ...]:
    """Steps after the start at which the column is finite."""
    steps = trace.cells("step")
    return tuple(steps[np.isfinite(trace.numbers(column)) & (steps > 0)].tolist())


def _commonest(steps: list[tuple[int, ...]]) -> tuple[int, ...]:
    """The most frequent; of several the longest, then the latest. () where there is none."""
    return max(set(steps), key=lambda s: (bool(s), steps.count(s), len(s), s), default=())
