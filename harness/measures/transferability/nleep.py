"""LEEP with clusters of the features in place of source classes."""

from __future__ import annotations

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from .features import Features
from .leep import expected_log_likelihood

ENERGY = 0.8
"""Share of the variance that the principal components keep."""

PER_CLASS, IMAGES = 5, 20
"""Components for each class, and images for each component, below which there are fewer of them."""

ROUNDS = 100
"""Most iterations of the mixture's fit."""


def nleep(features: Features, seed: int) -> float:
    """N-LEEP: LEEP of the components of a Gaussian mixture, nats (Li et al. 2021, arXiv 2011.11200).

    The mixture is fitted to the principal components that hold `ENERGY` of the variance, with `PER_CLASS` components
    for each class, but no more than one for `IMAGES` images, or one a class; p(z | x) are its posteriors. At most 0;
    higher is better. Covariances are diagonal. The same `seed` gives the same value.
    """
    kept = int((features.spectrum.cumsum() < ENERGY * features.spectrum.sum()).sum()) + 1
    points = features.reduced(kept)
    points = points / points[:, 0].std()
    classes, n = len(features.counts), len(features.y)
    components = min(PER_CLASS * classes, max(classes, n // IMAGES), n)
    mixture = GaussianMixture(components, covariance_type="diag", max_iter=ROUNDS, random_state=seed % 2**32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the fit is good enough, or points coincide
        posterior = mixture.fit(points).predict_proba(points)
    return expected_log_likelihood(posterior, features.y)
