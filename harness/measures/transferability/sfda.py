"""Fisher discriminant analysis of features that were made harder to tell apart."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigvalsh
from scipy.special import softmax

from .features import Features, Matrix, NoValue

DECAY, LEAST = 5.0, 1e-10
"""Of the shrinkage: exp(-DECAY largest eigenvalue of the within-class scatter), but at least LEAST."""

VANISHED = 1e-12
"""Share of the largest variance below which that within classes counts as 0."""

SATURATED = 1e-6
"""A score nearer to 1 says nothing where the features fit any labels."""


def sfda(features: Features) -> float:
    """SFDA: mean probability of the true class after self-challenge (Shao et al. 2022, arXiv 2207.03036).

    A regularised discriminant analysis gives p(y | x). Each image is then mixed with the other classes, x <- p x +
    (1 - p) m, where p is the softmax of these probabilities at its own class and m the mean of the other classes'
    means; a second analysis with the same shrinkage gives the score. 0 to 1; higher is better. It depends on the
    features' scale. Raises NoValue where the features of n images span n - 1 directions and the shrinkage is too small
    to keep every probability from 1: then it is 1 whatever the labels are.
    """
    z, y, dimensions = features.scores, features.y, features.x.shape[1]
    largest = float(eigvalsh(within(features, z))[-1])
    if largest <= VANISHED * features.spectrum[0] / len(y):
        raise NoValue("all images of each class have the same features")
    shrinkage = max(float(np.exp(-DECAY * largest)), LEAST)
    sure = softmax(posterior(features, z, shrinkage, dimensions), axis=1)[np.arange(len(y)), y][:, None]
    means = class_means(features, z)
    others = (means.sum(axis=0) - means) / (len(means) - 1)
    mixed = sure * z + (1 - sure) * others[y]
    found = float(posterior(features, mixed, shrinkage, dimensions)[np.arange(len(y)), y].mean())
    if features.spans_all and found > 1 - SATURATED:
        raise NoValue("too few images: their features span all directions, and fit any labels")
    return found


def posterior(features: Features, z: Matrix, shrinkage: float, dimensions: int) -> Matrix:
    """p(y | x) (n, K) by linear discriminants of z (n, r) with the shrunk scatter S = (1 - a) W + a tr(W) / d I.

    x' S^-1 m - m' S^-1 m / 2 + ln of the class's share. `dimensions` is d, that of the features; along those that z
    does not have all images are equal.
    """
    scatter = within(features, z)
    shrunk = (1 - shrinkage) * scatter + shrinkage * np.trace(scatter) / dimensions * np.eye(len(scatter))
    means = class_means(features, z)
    solved = cho_solve(cho_factor(shrunk), means.T)
    offset = (means.T * solved).sum(axis=0) / 2 - np.log(features.counts / len(z))
    return np.asarray(softmax(z @ solved - offset, axis=1))


def within(features: Features, z: Matrix) -> Matrix:
    """Within-class scatter W = sum_c n_c / n cov_c (r, r)."""
    rest = z - class_means(features, z)[features.y]
    return np.asarray(rest.T @ rest / len(z))


def class_means(features: Features, z: Matrix) -> Matrix:
    """(K, r)."""
    return np.asarray((features.indicator.T @ z) / features.counts[:, None])
