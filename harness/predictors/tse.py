"""Training speed: sums and moving averages of the training loss.

Ru et al., "Speedy Performance Estimation for Neural Architecture Search" (NeurIPS 2021): TSE (first called SoTL, the
sum of training losses), TSE-E and TSE-EMA. A trace holds the mean loss of each interval between observations, which
may be shorter than an epoch; here that interval plays the part of the paper's epoch. Scores are the negatives of the
paper's estimates, so that higher is better. A training that diverged has no score: it left fewer losses to sum, and
would look like a fast one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from harness.predictors.points import Column
from harness.schema import NoScore, Trace, demand


@dataclass(frozen=True)
class TSE:
    """Minus the sum of the training losses of all steps so far (Ru et al. 2021, TSE).

        TSE = sum_i steps_i * loss_i,

    with loss_i the mean loss of the steps_i steps of interval i; over whole epochs of B steps it is B times the paper's
    sum of epoch means, the same order. No score before the first step, with a missing loss, or after divergence.
    """

    kind: ClassVar[str] = "predictor/tse"

    column: str = "train_loss"
    family: str = "learning_curve"

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def score(self, trace: Trace) -> float:
        """Minus a sum of losses, in nats; higher is better. Raises NoScore: see the class."""
        loss, step, _ = intervals(trace, self.column)
        return -float(loss @ np.diff(step))


@dataclass(frozen=True)
class TSEE:
    """Minus the sum of the training losses of the last `epochs` passes (Ru et al. 2021, TSE-E, where E = 1).

    An interval that reaches over the beginning of those passes counts with the part of its steps that lies within.
    A trace shorter than `epochs` is summed whole, as TSE does. No score where TSE has none.
    """

    kind: ClassVar[str] = "predictor/tse_e"

    epochs: float = 1.0
    column: str = "train_loss"
    family: str = "learning_curve"

    def __post_init__(self) -> None:
        demand(self.epochs > 0, "predictor.tse_e.epochs", "a number above 0", self.epochs)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def score(self, trace: Trace) -> float:
        """Minus a sum of losses, in nats; higher is better. Raises NoScore: see the class."""
        loss, step, epoch = intervals(trace, self.column)
        within = np.diff(np.maximum(epoch, epoch[-1] - self.epochs)) / np.diff(epoch)
        return -float(loss @ (within * np.diff(step)))


@dataclass(frozen=True)
class TSEEMA:
    """Minus the sum of the training losses of all epochs, discounted by their age (Ru et al. 2021, TSE-EMA).

        TSE-EMA = sum_t gamma^(T - t) * loss_t,

    with loss_t the mean loss of epoch t, the T epochs counted back from the last observation, so that the density of
    the observations does not matter; an interval that reaches over the beginning of an epoch is shared out. The
    paper, as recalled, tries gamma from 0.9 to 0.999; with 0.999 a brief training has the score of TSE, so 0.9 is the
    default. The authors' code has the recursion ema = 0.1 * ema + 0.9 * loss_t instead, which ranks as TSE-E does
    (Spearman .999 on real curves). No score where TSE has none.
    """

    kind: ClassVar[str] = "predictor/tse_ema"

    gamma: float = 0.9
    column: str = "train_loss"
    family: str = "learning_curve"

    def __post_init__(self) -> None:
        demand(0 < self.gamma < 1, "predictor.tse_ema.gamma", "a number between 0 and 1, both excluded", self.gamma)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def score(self, trace: Trace) -> float:
        """Minus a sum of losses, in nats; higher is better. Raises NoScore: see the class."""
        loss, _, epoch = intervals(trace, self.column)
        age = epoch[-1] - epoch  # in epochs, of what lies before each observation
        whole = np.floor(age)
        weight = (1 - self.gamma**whole) / (1 - self.gamma) + (age - whole) * self.gamma**whole  # of all younger losses
        return -float(loss @ -np.diff(weight))


def intervals(trace: Trace, column: str) -> tuple[Column, Column, Column]:
    """Mean losses (k,) of the k intervals between observations, and the k + 1 steps and epochs that bound them.

    Raises NoScore where there is no interval yet, a loss is not finite, or the training diverged.
    """
    if trace.diverged is not None:
        raise NoScore(f"training diverged at step {trace.diverged}")
    loss, step, epoch = (trace.numbers(name) for name in (column, "step", "epoch"))
    if len(loss) < 2:
        raise NoScore(f"no {column} before the first step")
    missing = step[1:][~np.isfinite(loss[1:])]
    if missing.size:
        raise NoScore(f"{column} is not finite at step {missing[0]:.0f}")
    return loss[1:], step, epoch
