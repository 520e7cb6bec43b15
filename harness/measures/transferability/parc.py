"""Agreement of distances between features and between labels."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from .features import Features, NoValue


def parc(features: Features) -> float:
    """PARC: 100 times Spearman's rho over pairs of images (Bolya et al. 2021, arXiv 2111.06977).

    It correlates 1 - Pearson's r of two images' standardised features with that of their labels as indicator vectors,
    which is 0 within a class and one value between classes. -100 to 100; higher is better. Raises NoValue where
    an image has the same value of all standardised features.
    """
    deviation = features.x.std(axis=0)
    kept = deviation > 0
    z = np.zeros_like(features.x)
    z[:, kept] = (features.x[:, kept] - features.x[:, kept].mean(axis=0)) / deviation[kept]
    z -= z.mean(axis=1, keepdims=True)
    length = np.linalg.norm(z, axis=1)
    if (length <= 1e-9 * length.max()).any():
        raise NoValue("an image has the same value of all standardised features")
    z /= length[:, None]
    one, other = np.triu_indices(len(z), k=1)
    apart = features.y[one] != features.y[other]
    if apart.all():
        raise NoValue("no two images of one class")
    ranks = rankdata(1 - (z @ z.T)[one, other])
    return float(100 * np.corrcoef(ranks, apart)[0, 1])
