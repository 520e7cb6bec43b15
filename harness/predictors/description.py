"""The rank of an architecture predicted from its description: no network is built or trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline

from harness.predictors.boosting import boosting
from harness.predictors.column_value import value_or_nan
from harness.predictors.ensemble import Scale
from harness.predictors.gaussian_process import gaussian_process
from harness.predictors.logit_linear import standardiser
from harness.predictors.points import Column
from harness.predictors.weight_statistics import last_vector
from harness.schema import NoScore, Trace, demand, is_property

MODELS = ("ridge", "process", "boosting")
FEWEST = 4


@dataclass(frozen=True)
class DescriptionModel:
    """The rank by final accuracy, by a model of the architecture's description that is fitted on other architectures.

    `reads` are columns: descriptions (vectors that the benchmark states, see `schema.Described`), and properties or
    measured numbers, whose values at initialization are read. `model`: "ridge", linear in the standardised entries, its
    strength by leave-one-out over the fit; "process", a Gaussian process on the same (with the path encoding of
    BANANAS, White et al. 2021, arXiv 1910.11858, whose own model is an ensemble of nets); "boosting", `trees` trees of
    LightGBM (with graph features, in the manner of GRAF, Kadlecová et al. 2024, arXiv 2404.16551, whose own model is a
    random forest). The accuracies of the fit are turned into normal scores, so that only their order enters [derived]:
    rank r of n becomes the quantile (r - 1/2) / n of N(0, 1). An entry that is missing is a missing value to the
    boosting, and the mean of the fit to the others.
    """

    kind: ClassVar[str] = "predictor/description"

    reads: list[str]
    model: str = "boosting"
    trees: int = 200
    seed: int = 0
    family: str = "description"

    def __post_init__(self) -> None:
        key = "predictor.description"
        once = bool(self.reads) and len(set(self.reads)) == len(self.reads)
        demand(once, f"{key}.reads", "one column or more, each once", self.reads)
        demand(self.model in MODELS, f"{key}.model", " or ".join(map(repr, MODELS)), self.model)
        demand(self.trees >= 1, f"{key}.trees", "at least 1", self.trees)
        demand(0 <= self.seed < 2**31, f"{key}.seed", "a whole number from 0 to 2147483647", self.seed)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return tuple(self.reads)

    @property
    def at_initialization(self) -> bool:
        """Whether a column has to be measured, which is then read at step 0; descriptions alone need no trace."""
        return not all(map(is_property, self.reads))

    def fit(self, traces: Sequence[Trace], accuracies: NDArray[np.float64]) -> FittedDescriptionModel:
        """The model fitted to `traces` and their final `accuracies` (n,), in percent, those that are finite.

        Raises NoScore where fewer than 4 architectures remain, or where the vectors of a column differ in length.
        """
        known = np.isfinite(accuracies)
        rows = [_row(traces[i], self.reads) for i in np.flatnonzero(known).tolist()]
        if len(rows) < FEWEST:
            raise NoScore(f"the fit needs {FEWEST} architectures, has {len(rows)}")
        if len({row.size for row in rows}) > 1:
            raise NoScore("the fit needs descriptions of one length, has several")
        x, truth = np.array(rows), accuracies[known]
        return FittedDescriptionModel(self.columns, self.family, x.shape[1], self._model(x, Scale(truth).scores(truth)))

    def _model(self, x: Column, y: Column) -> Any:
        if self.model == "boosting":
            return boosting(x, y, self.trees, self.seed)
        if self.model == "ridge":
            return make_pipeline(standardiser(), RidgeCV(np.logspace(-3, 5, 17))).fit(x, y)
        scale = standardiser()
        return Scaled(scale, gaussian_process(scale.fit_transform(x), y, self.seed))


@dataclass(frozen=True)
class Scaled:
    """A model behind its scale."""

    scale: Any
    model: Any

    def predict(self, x: Column) -> Column:
        """Predictions (n,) of rows (n, d)."""
        return np.asarray(self.model.predict(self.scale.transform(x)), dtype=float)


@dataclass(frozen=True)
class FittedDescriptionModel:
    """DescriptionModel after its fit on rows of this `width`."""

    columns: tuple[str, ...]
    family: str
    width: int
    model: Any = field(repr=False)

    def score(self, trace: Trace) -> float:
        """Predicted normal score of the accuracy; higher is better. Raises NoScore as `row`."""
        return float(self.scores([self.row(trace)])[0])

    def row(self, trace: Trace) -> Column:
        """The entries of the description (d,).

        Raises NoScore where nothing is finite, or where the description is not as long as those of the fit.
        """
        row = _row(trace, self.columns)
        if row.size != self.width:
            raise NoScore(f"the description has {row.size} entries, those of the fit {self.width}")
        if not np.isfinite(row).any():
            raise NoScore("no entry of the description is finite")
        return row

    def scores(self, rows: Sequence[Column]) -> Column:
        """Predicted normal scores (n,) of n rows."""
        return np.asarray(self.model.predict(np.array(rows)), dtype=float)


def _row(trace: Trace, columns: Sequence[str]) -> Column:
    """The entries of all columns (d,), one for a number, nan where one is missing."""
    return np.concatenate([_entries(trace, name) for name in columns])


def _entries(trace: Trace, name: str) -> Column:
    if trace.cells(name).dtype == object:
        vector = last_vector(trace, name)
        return np.array([np.nan]) if vector is None else vector
    return np.array([value_or_nan(trace, name, "first")])
