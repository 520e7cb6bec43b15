"""What the source classifier's classes tell of the labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from .features import Matrix


def leep(logits: Matrix, y: NDArray[np.int64]) -> float:
    """LEEP = mean log sum_z P(y | z) p(z | x), nats (Nguyen et al. 2020, arXiv 2002.12462, equation 2).

    `logits` (n, Z) are those of the source classifier, p their softmax, P(y | z) the empirical conditional distribution
    of the labels. At most 0; higher is better.
    """
    return expected_log_likelihood(softmax(logits, axis=1), y)


def nce(logits: Matrix, y: NDArray[np.int64]) -> float:
    """NCE = -H(y | z), nats, z the source class of the largest logit (Tran et al. 2019, arXiv 1908.08142).

    At most 0; higher is better: the source class then determines the label.
    """
    joint = np.zeros((int(y.max()) + 1, logits.shape[1]))
    np.add.at(joint, (y, logits.argmax(axis=1)), 1 / len(y))
    label, source = joint.nonzero()
    found = joint[label, source]
    return float((found * np.log(found / joint.sum(axis=0)[source])).sum())


def expected_log_likelihood(p: Matrix, y: NDArray[np.int64]) -> float:
    """Mean over images of log sum_z P(y | z) p(z | x), for any p (n, Z) whose rows sum to 1."""
    joint = np.eye(int(y.max()) + 1)[y].T @ p
    total = joint.sum(axis=0)
    given = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    return float(np.log((given[y] * p).sum(axis=1)).mean())
