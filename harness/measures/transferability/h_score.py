"""H-score: the part of the features' variance that the classes explain, all directions weighing the same."""

from __future__ import annotations

import numpy as np

from .features import Features, Matrix, NoValue


def h_score(features: Features) -> float:
    """H = tr(cov(f)^-1 cov(E[f | y])) (Bao et al. 2019, An information-theoretic approach to transferability).

    Between 0 and K - 1; higher is better. The inverse is that of the directions with a variance. Raises NoValue
    where the features of n images span n - 1 directions: then H is K - 1 whatever the labels are.
    """
    if features.spans_all:
        raise NoValue("too few images: their features span all directions, and fit any labels")
    return float((explained(features) / features.spectrum).sum())


def h_score_shrunk(features: Features) -> float:
    """H_a = tr(cov_a(f)^-1 (1 - a) cov(E[f | y])) (Ibrahim et al. 2021, arXiv 2110.06893).

    cov_a = (1 - a) cov + a tr(cov) / d I, with the shrinkage a of Ledoit and Wolf. Higher is better. It has a value
    with fewer images than dimensions too.
    """
    n, d = features.x.shape
    shrinkage, variances = ledoit_wolf(features), features.spectrum / n
    shrunk = (1 - shrinkage) * variances + shrinkage * variances.sum() / d
    return float(((1 - shrinkage) * explained(features) / n / shrunk).sum())


def ledoit_wolf(features: Features) -> float:
    """Shrinkage of the covariance S to tr(S) / d I, 0 to 1 (Ledoit and Wolf 2004, section 3.2).

    Its two terms are ||S - tr(S) / d I||^2 and sum_i ||x_i x_i' - S||^2 / n^2 of the centred features, here from the
    lengths of the x_i and the eigenvalues of S.
    """
    n, d = features.x.shape
    variances = features.spectrum / n
    square = (variances**2).sum()
    spread = square - variances.sum() ** 2 / d
    noise = (((features.scores**2).sum(axis=1) ** 2).sum() / n - square) / n
    return float(min(noise, spread) / spread) if spread > 0 else 0.0


def explained(features: Features) -> Matrix:
    """Squares of the class means along each principal component, summed over images: (r,)."""
    means = (features.indicator.T @ features.scores) / features.counts[:, None]
    return np.asarray((features.counts[:, None] * means**2).sum(axis=0))
