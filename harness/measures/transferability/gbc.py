"""Overlap of the classes as Gaussians."""

from __future__ import annotations

import numpy as np

from .features import Features, NoValue

COMPONENTS = 64
"""Principal components that the features are reduced to."""


def gbc(features: Features) -> float:
    """GBC = -sum over pairs c != c' of exp(-D(c, c')) (Pandy et al. 2022, arXiv 2111.12780).

    D is the Bhattacharyya distance of spherical Gaussians with each class's mean and variance v (the mean over the d
    reduced dimensions): |m - m'|^2 / (4 (v + v')) + d/2 ln((v + v') / (2 sqrt(v v'))). Both orders of a pair count. At
    most 0; higher is better. Classes of one image have no variance and are left out. Raises NoValue where fewer than
    two classes are left, or all images of a class have the same features.
    """
    z = features.reduced(COMPONENTS)
    classes = [z[features.y == label] for label in np.flatnonzero(features.counts > 1)]
    if len(classes) < 2:
        raise NoValue("fewer than two classes with two images")
    means = np.stack([points.mean(axis=0) for points in classes])
    variances = np.array([points.var(axis=0).mean() for points in classes])
    if (variances <= 1e-12 * features.spectrum.sum() / len(features.y)).any():
        raise NoValue("all images of a class have the same features")
    total = variances[:, None] + variances
    apart = ((means[:, None] - means) ** 2).sum(axis=2) / (4 * total)
    distance = apart + z.shape[1] / 2 * np.log(total / (2 * np.sqrt(np.outer(variances, variances))))
    overlap = np.exp(-distance)
    return float(np.trace(overlap) - overlap.sum())
