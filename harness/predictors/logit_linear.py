"""The logit-linear model of accuracies."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from harness.predictors.points import Column

ACCURACY_LIMITS = (0.001, 0.999)
"""Accuracies are kept within these before the logit, which is infinite at 0 and 1."""


class LogitLinear:
    """100 * sigmoid of a ridge on standardised features, fitted to the logit of accuracies y (n,) in percent.

    The ridge's strength is chosen by leave-one-out over the architectures of the fit; a missing value (nan) counts as
    the mean of the fit.
    """

    def __init__(self, x: Column, y: Column) -> None:
        self.ridge = make_pipeline(standardiser(), RidgeCV(np.logspace(-3, 5, 17)))
        self.ridge.fit(x, logits(y))

    def predict(self, features: Column) -> Column:
        """Percent accuracies (n,) of feature vectors (n, d)."""
        return percents(self.ridge.predict(features))


def standardiser() -> Pipeline:
    """Missing values to the mean, then mean 0 and deviation 1, both of the fit; a column of only nan becomes 0."""
    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())


def logits(accuracies: Column) -> Column:
    """Logits of accuracies in percent."""
    found: Column = logit(np.clip(accuracies / 100, *ACCURACY_LIMITS))
    return found


def percents(values: Column) -> Column:
    """Accuracies in percent of logits."""
    found: Column = 100 * expit(values)
    return found
