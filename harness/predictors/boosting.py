"""Gradient boosting by LightGBM, set for a few hundred architectures."""

from __future__ import annotations

from dataclasses import dataclass, field

import lightgbm
import numpy as np

from harness.predictors.points import Column

BOOSTING = {
    "objective": "regression",
    "learning_rate": 0.05,
    "num_leaves": 7,
    "min_data_in_leaf": 5,
    "min_data_in_bin": 1,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
"""LightGBM for some 50 to 500 architectures: few leaves, and small ones (its own 20 allow no split below 40)."""


@dataclass(frozen=True)
class Boosted:
    """Fitted trees."""

    booster: lightgbm.Booster = field(repr=False)

    def predict(self, x: Column) -> Column:
        """Predictions (n,) of features x (n, d), by one thread: for a few rows more only wait for each other."""
        found: Column = np.asarray(self.booster.predict(x, num_threads=1))
        return found


def boosting(x: Column, y: Column, trees: int, seed: int, **settings: object) -> Boosted:
    """`trees` trees without early stopping on features x (n, d), nan where one is missing, and accuracies y (n,)."""
    parameters = {**BOOSTING, **settings, "seed": seed}
    return Boosted(lightgbm.train(parameters, lightgbm.Dataset(x, y), num_boost_round=trees))
