"""The paper's three regressors, their settings chosen on the networks they learn from alone.

The authors stop each on the test part; here it is not looked at before the end.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import lightgbm
import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPRegressor

from harness.benches.cnn_zoo.zoo import Numbers
from harness.predictors.logit_linear import standardiser

Predict = Callable[[Numbers], Numbers]

FOLDS = 3
STRENGTHS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
TREES, PATIENCE = 2000, 30
BOOSTING = {
    "objective": "regression",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 5,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
    "seed": 0,
}
CHOICES: tuple[dict[str, object], ...] = ({}, {"num_leaves": 31, "learning_rate": 0.03}, {"extra_trees": True})
"""What is tried in place of `BOOSTING`, where there are at most `FEW` features."""

WIDE: dict[str, object] = {"feature_fraction": 0.1, "max_bin": 63, "learning_rate": 0.1}
"""What replaces it where there are more, as weights themselves: the other fits would take hours."""

FEW = 100
MEMBERS, HIDDEN = 3, (256, 256, 256)


def boosting(x: Numbers, y: Numbers) -> Predict:
    """LightGBM; settings, and as many trees, up to 2,000, as cross-validation on (x, y) asks for."""
    tried = [BOOSTING | more for more in (CHOICES if x.shape[1] <= FEW else (WIDE,))]
    found = [_errors(x, y, settings) for settings in tried]
    best = int(np.argmin([errors[-1] for errors in found]))
    model = lightgbm.train(tried[best], lightgbm.Dataset(x, y), len(found[best]))
    return lambda features: np.asarray(model.predict(features))


def _errors(x: Numbers, y: Numbers, settings: dict[str, object]) -> Numbers:
    """Mean squared error on held-out folds by the number of trees, as far as it falls."""
    data, stop = lightgbm.Dataset(x, y), lightgbm.early_stopping(PATIENCE, verbose=False)
    found = lightgbm.cv(settings, data, TREES, nfold=FOLDS, stratified=False, shuffle=True, seed=0, callbacks=[stop])
    return np.asarray(found["valid l2-mean"])


def linear(x: Numbers, y: Numbers) -> Predict:
    """One sigmoid unit, its squared error minimised; L2 by cross-validation on (x, y).

    Standardised features that outnumber the networks are rotated into the space that these span, where the optimum
    lies: the same unit, of fewer weights.
    """
    scale = standardiser()
    scaled = scale.fit_transform(x)
    axes = np.linalg.svd(scaled, full_matrices=False)[2].T if x.shape[1] > len(x) else np.eye(x.shape[1])
    unit = _fitted(scaled @ axes, y)
    return lambda features: unit(scale.transform(features) @ axes)


def _fitted(x: Numbers, y: Numbers) -> Predict:
    folds = list(KFold(FOLDS, shuffle=True, random_state=0).split(x))

    def error(strength: float) -> float:
        fits = ((_unit(x[rest], y[rest], strength), held) for rest, held in folds)
        return sum(float(((fit(x[held]) - y[held]) ** 2).sum()) for fit, held in fits)

    return _unit(x, y, min(STRENGTHS, key=error))


def dense(x: Numbers, y: Numbers) -> Predict:
    """The mean of three dense nets (one where there are many features) of 3 x 256 ReLU; each stops early on a part of
    (x, y)."""
    scale, centre, spread = standardiser(), float(y.mean()), float(y.std()) or 1.0
    scaled, target = scale.fit_transform(x), (y - centre) / spread
    members = MEMBERS if x.shape[1] <= FEW else 1
    settings = {"hidden_layer_sizes": HIDDEN, "early_stopping": True, "n_iter_no_change": 20}
    nets = [MLPRegressor(random_state=member, **settings) for member in range(members)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = [member.fit(scaled, target) for member in nets]
    return lambda features: centre + spread * np.mean([m.predict(scale.transform(features)) for m in fitted], axis=0)


MODELS: dict[str, Callable[[Numbers, Numbers], Predict]] = {"linear": linear, "boosting": boosting, "dense": dense}


def _unit(x: Numbers, y: Numbers, strength: float) -> Predict:
    """100 * sigmoid(w x + b), for the least mean squared error (of fractions) + strength |w|²."""
    target = y / 100

    def loss(point: Numbers) -> tuple[float, Numbers]:
        guess = expit(x @ point[1:] + point[0])
        miss = guess - target
        slope = 2 * miss * guess * (1 - guess) / len(target)
        value = float((miss**2).mean() + strength * (point[1:] ** 2).sum())
        return value, np.concatenate([[slope.sum()], x.T @ slope + 2 * strength * point[1:]])

    start = np.zeros(1 + x.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return lambda features: 100 * expit(features @ found[1:] + found[0])
