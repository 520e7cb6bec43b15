"""A few small dense nets for accuracies, trained side by side.

Not scikit-learn's MLPRegressor: its initial outputs vary as much as the target, which some 60 architectures do not
correct (Kendall τ .21 to .25 where these nets reach .43). Not torch: the same predictions to
1e-10 in 3.5 to 5 times the time (64 and 160 architectures, 60 and 420 features, one thread), and its import.
"""

from __future__ import annotations

import numpy as np

from harness.predictors.logit_linear import logits, percents, standardiser
from harness.predictors.points import Column

MEMBERS = 8
HIDDEN = 8
HELD_OUT = 0.25
LEARNING_RATE = 0.01
DECAY = 0.01
"""Penalty of the squared weights of the hidden layer, against a mean squared error of 1."""
UPDATES = 300
PATIENCE = 30
FARTHEST = 5.0
"""Standard deviations within which every feature is kept."""

FEWEST = 8
"""Architectures of which a quarter is two, so that it can stop a training."""


class DenseNet:
    """100 * sigmoid of the mean of `MEMBERS` nets with one hidden layer of tanh, on standardised features x (n, d).

    Each starts at an output of 0 and is trained by full-batch Adam on the standardised logit of accuracies y (n,) in
    percent, on three quarters of the fit drawn for it alone. It keeps the weights that were best on the other quarter:
    nothing that is scored later has a part in it. Hidden weights and quarters follow from `seed`. A missing value (nan)
    counts as the mean of the fit, and features are kept within 5 standard deviations.
    """

    def __init__(self, x: Column, y: Column, seed: int) -> None:
        self.scale = standardiser()
        scaled, target = _kept(self.scale.fit_transform(x)), logits(y)
        self.centre, self.spread = float(target.mean()), float(target.std()) or 1.0
        self.weights = _trained(scaled, (target - self.centre) / self.spread, np.random.default_rng(seed))

    def predict(self, features: Column) -> Column:
        """Percent accuracies (n,) of feature vectors (n, d)."""
        heights = _forward(_kept(self.scale.transform(features)), *self.weights)[1].mean(axis=0)
        return percents(self.centre + self.spread * heights)


def _trained(x: Column, target: Column, random: np.random.Generator) -> list[Column]:
    """Weights of the members: first (m, d, h), shift (m, h), last (m, h), constant (m,)."""
    n, d = x.shape
    weights = [random.normal(size=(MEMBERS, d, HIDDEN)) / np.sqrt(d)]
    weights += [np.zeros((MEMBERS, HIDDEN)), np.zeros((MEMBERS, HIDDEN)), np.zeros(MEMBERS)]
    held = random.permuted(np.tile(np.arange(n) < HELD_OUT * n, (MEMBERS, 1)), axis=1)
    learned = ~held / (~held).sum(axis=1, keepdims=True)
    best, least, last = [w.copy() for w in weights], np.full(MEMBERS, np.inf), 0
    mean, square = ([np.zeros_like(w) for w in weights] for _ in range(2))
    for update in range(1, UPDATES + 1):
        hidden, heights = _forward(x, *weights)
        miss = heights - target
        loss = (miss**2).mean(axis=1, where=held)
        better = np.flatnonzero(loss < least)
        if better.size:
            last = update
        elif update - last > PATIENCE:
            break
        least[better] = loss[better]
        for mine, now in zip(best, weights, strict=True):
            mine[better] = now[better]
        slopes = _backward(x, hidden, 2 * learned * miss, weights)
        for w, slope, m, s in zip(weights, slopes, mean, square, strict=True):
            m += 0.1 * (slope - m)
            s += 0.001 * (slope**2 - s)
            w -= LEARNING_RATE * (m / (1 - 0.9**update)) / (np.sqrt(s / (1 - 0.999**update)) + 1e-8)
    return best


def _forward(x: Column, first: Column, shift: Column, last: Column, constant: Column) -> tuple[Column, Column]:
    """Hidden values (m, n, h) and outputs (m, n) of every member."""
    hidden = np.tanh(np.matmul(x, first) + shift[:, None])
    return hidden, np.matmul(hidden, last[:, :, None])[:, :, 0] + constant[:, None]


def _backward(x: Column, hidden: Column, slope: Column, weights: list[Column]) -> list[Column]:
    """Derivatives in the weights of every member, for derivatives `slope` (m, n) in its outputs."""
    first, _, last, _ = weights
    inner = slope[:, :, None] * last[:, None] * (1 - hidden**2)
    along = np.matmul(x.T, inner) + 2 * DECAY * first
    return [along, inner.sum(axis=1), np.matmul(slope[:, None], hidden)[:, 0], slope.sum(axis=1)]


def _kept(values: Column) -> Column:
    kept: Column = np.clip(values, -FARTHEST, FARTHEST)
    return kept
