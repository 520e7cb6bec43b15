"""How near the features are to the neural collapse that fine-tuning ends in."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.linalg import eigvalsh
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from .features import Features, Matrix, NoValue

COMPONENTS, HEAVIEST = 64, 32
"""Principal components that are kept, and those whose variances decide the shrinkage."""

LEAST = 1e-10
"""Smallest shrinkage; there the analysis has none."""

VANISHED = 1e-12
"""Share of the largest variance below which one within classes counts as 0."""


@dataclass(frozen=True)
class Analysis:
    """Features (n, min(K - 1, 64)) along the discriminants, centred, and probabilities (n, K) of the classes."""

    projected: Matrix
    p: Matrix


def structure(features: Features) -> float:
    """Nuclear norm of the features along the discriminants; higher is better (Wang et al. 2023, SELI)."""
    return float(np.linalg.norm(analysis(features).projected, "nuc"))


def centres(features: Features) -> float:
    """Mean probability of the true class, 0 to 1; higher is better (Wang et al. 2023, nearest class centre)."""
    return float(analysis(features).p[np.arange(len(features.y)), features.y].mean())


def collapse(features: Features) -> float:
    """-ln sum_c |p_c|_*, p_c the probabilities of one class's images; higher is better (Wang et al. 2023).

    It is highest where all images have the same probabilities, also those of other classes: only the sum with the other
    parts says that a network is good.
    """
    p = analysis(features).p
    norms = [np.linalg.norm(p[features.y == label], "nuc") for label in range(len(features.counts))]
    return -float(np.log(sum(norms)))


PARTS: MappingProxyType[str, Callable[[Features], float]] = MappingProxyType({
    "ncti_structure": structure, "ncti_centres": centres, "ncti_collapse": collapse,
})  # fmt: skip
"""The parts of NCTI, which are scaled over the candidates and added (`predictor/min_max_sum`)."""


def analysis(features: Features) -> Analysis:
    """Linear discriminant analysis of the principal components, shrunk by exp(-sum of the largest variances).

    Raises NoValue where the components do not vary in all directions within the classes.
    """
    z, n = features.reduced(COMPONENTS), len(features.y)
    means = (features.indicator.T @ z) / features.counts[:, None]
    rest = z - means[features.y]
    if eigvalsh(rest.T @ rest)[0] <= VANISHED * features.spectrum[0]:
        raise NoValue("the features do not vary in all directions within classes")
    shrinkage = max(float(np.exp(-features.spectrum[:HEAVIEST].sum() / (n - 1))), LEAST)
    solver = {"solver": "svd"} if shrinkage == LEAST else {"solver": "eigen", "shrinkage": shrinkage}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Only one sample available")  # of a class: its covariance is 0
        fitted = LinearDiscriminantAnalysis(**solver).fit(z, features.y)
    projected = fitted.transform(z)
    return Analysis(projected - projected.mean(axis=0), fitted.predict_proba(z))
