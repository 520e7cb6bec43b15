"""Features of labelled images, with the decompositions that several scores share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

Matrix = NDArray[np.float64]

EPSILON = float(np.finfo(np.float64).eps)


class NoValue(ValueError):
    """A score has no value for these images; the message is the reason."""


@dataclass(frozen=True)
class Features:
    """Features `x` (n, d) of n images in float64, and their labels `y` (n,), 0 to K - 1, each of which occurs."""

    x: Matrix
    y: NDArray[np.int64]

    @cached_property
    def indicator(self) -> Matrix:
        """1 where an image is of a class, else 0: (n, K)."""
        return np.asarray(np.eye(int(self.y.max()) + 1)[self.y])

    @cached_property
    def counts(self) -> Matrix:
        """Images of each class (K,)."""
        return np.asarray(self.indicator.sum(axis=0))

    @cached_property
    def scores(self) -> Matrix:
        """Scores of all principal components with a variance, largest first: (n, r), columns orthogonal.

        They are the centred features in another basis: distances and covariances are the same.
        """
        directions, values = principal(self.x - self.x.mean(axis=0))
        return directions * np.sqrt(values)

    @cached_property
    def spectrum(self) -> Matrix:
        """Squared singular values of the centred features that are not 0, largest first: (r,)."""
        return np.asarray((self.scores**2).sum(axis=0))

    @property
    def spans_all(self) -> bool:
        """Whether the centred features span every vector of n numbers with mean 0: then they fit any labels exactly."""
        return len(self.spectrum) >= len(self.y) - 1

    def reduced(self, components: int) -> Matrix:
        """The scores of the first principal components: (n, components), fewer where there are not that many."""
        return self.scores[:, :components]


def prepare(x: Matrix, labels: NDArray[np.int64]) -> Features:
    """Features and labels, checked; the labels that occur are numbered from 0.

    Raises NoValue where no score has a value: a feature that is not finite, one class, equal features of all images.
    """
    if not np.isfinite(x).all():
        raise NoValue("a feature is not finite")
    y = np.unique(labels, return_inverse=True)[1]
    if not len(y) or y.max() < 1:
        raise NoValue("fewer than two classes among the images")
    if np.ptp(x, axis=0).max(initial=0.0) <= 1e3 * EPSILON * np.abs(x).max(initial=0.0):
        raise NoValue("all images have the same features")
    return Features(x.astype(np.float64), y)


def principal(x: Matrix) -> tuple[Matrix, Matrix]:
    """Left singular vectors (n, r) and squared singular values (r,) of x (n, d), largest first, without those at 0.

    From the eigenvalues of the smaller of x x' and x'x: a singular value below about 1e-7 of the largest counts as 0.
    """
    n, d = x.shape
    values, vectors = eigh(x @ x.T if n <= d else x.T @ x)
    kept = values > 10 * max(n, d) * EPSILON * values[-1]
    values, vectors = values[kept][::-1], vectors[:, kept][:, ::-1]
    return (vectors if n <= d else x @ vectors / np.sqrt(values)), values
