"""TransRate: bits that the features need, less those that they need class by class."""

from __future__ import annotations

import numpy as np

from .features import Features, Matrix

DISTORTION = 1e-4
"""The paper's epsilon."""


def transrate(features: Features) -> float:
    """TrR = R(Z) - sum_c n_c / n R(Z_c), nats (Huang et al. 2022, arXiv 2106.09362).

    R(Z) = 1/2 ln det(I + Z'Z / (n epsilon)) of features Z that are centred, all by the same mean; Z_c are those of one
    class. Higher is better. It depends on the features' scale.
    """
    z, n = features.scores, len(features.y)
    rates = [coding_rate(z[features.y == label]) for label in range(len(features.counts))]
    return float(coding_rate(z) - features.counts @ np.array(rates) / n)


def coding_rate(z: Matrix) -> float:
    """R(Z) of z (n, d), nats."""
    n, d = z.shape
    product = z @ z.T if n < d else z.T @ z
    return float(np.linalg.slogdet(np.eye(len(product)) + product / (n * DISTORTION)).logabsdet / 2)
