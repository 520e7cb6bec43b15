"""Accuracy of the nearest neighbours."""

from __future__ import annotations

import numpy as np

from .features import Features, NoValue


def knn(features: Features, neighbours: int) -> float:
    """Leave-one-out accuracy (%) of the most frequent class among the nearest other images, by cosine similarity.

    A tie goes to the tied class with the larger sum of similarities. An image whose features are all 0 has similarity 0
    to every other. Higher is better. Raises NoValue where there are too few images.
    """
    length = np.linalg.norm(features.x, axis=1)
    if neighbours >= len(length):
        raise NoValue(f"fewer than {neighbours} other images")
    unit = features.x / np.where(length > 0, length, 1.0)[:, None]
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :neighbours]
    near = np.take_along_axis(similarity, nearest, axis=1)
    votes = np.zeros_like(features.indicator)
    rows = np.arange(len(length))[:, None]
    np.add.at(votes, (rows, features.y[nearest]), 1 + near / (2 * neighbours + 1))
    return float(100 * (votes.argmax(axis=1) == features.y).mean())
