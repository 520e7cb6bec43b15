"""Models that tell good from bad trainings and predict their accuracy, with the settings of the predictors."""

from __future__ import annotations

from collections.abc import Callable

import lightgbm
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from harness.predictors.boosting import BOOSTING
from harness.predictors.logit_linear import LogitLinear, standardiser

from .runs import Numbers

Predict = Callable[[Numbers], Numbers]
Fit = Callable[[Numbers, Numbers, NDArray[np.bool_]], tuple[Predict, Predict]]
"""Of features (n, d), accuracies (n,) and which are good: what predicts the accuracy, and the probability of good."""

TREES, PENALTY = 100, 10.0


def linear(x: Numbers, accuracy: Numbers, good: NDArray[np.bool_]) -> tuple[Predict, Predict]:
    """Ridge on the logit of the accuracy; logistic regression. Both on standardised features."""
    classifier = make_pipeline(standardiser(), LogisticRegression(C=1 / PENALTY, max_iter=1000)).fit(x, good)
    return LogitLinear(x, accuracy).predict, lambda features: np.asarray(classifier.predict_proba(features)[:, 1])


def boosting(x: Numbers, accuracy: Numbers, good: NDArray[np.bool_]) -> tuple[Predict, Predict]:
    """LightGBM for a few hundred rows."""
    regression, classification = (
        lightgbm.train({**BOOSTING, "objective": objective, "seed": 0}, lightgbm.Dataset(x, y), TREES)
        for objective, y in (("regression", accuracy), ("binary", good.astype(float)))
    )
    return lambda f: np.asarray(regression.predict(f)), lambda f: np.asarray(classification.predict(f))


MODELS: dict[str, Fit] = {"linear": linear, "boosting": boosting}
