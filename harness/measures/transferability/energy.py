"""How familiar the images are to the source classifier."""

from __future__ import annotations

from scipy.special import logsumexp

from .features import Matrix


def energy(logits: Matrix) -> float:
    """Mean over images of ln sum_z exp(logit_z), minus the free energy (Gholami et al. 2023, arXiv 2308.02027).

    The energy part of ETran, at temperature 1, from the source classifier's logits (n, Z). It needs no labels. Higher
    is better: the images lie nearer to what the network was trained on. It depends on the logits' scale.
    """
    return float(logsumexp(logits, axis=1).mean())
