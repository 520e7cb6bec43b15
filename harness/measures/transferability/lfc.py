"""Correlation of the features' kernel with that of the labels."""

from __future__ import annotations

import numpy as np

from .features import Features


def lfc(features: Features) -> float:
    """LFC: correlation over all pairs of images of f_i . f_j with +1 for equal and -1 for other labels.

    Deshpande et al. 2021, arXiv 2102.00084; -1 to 1, higher is better. An image's pair with itself counts.
    """
    same = features.y[:, None] == features.y
    return float(np.corrcoef((features.x @ features.x.T).ravel(), same.ravel())[0, 1])
