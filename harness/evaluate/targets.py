"""The same scores against further ground truths."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from harness.evaluate.bootstrap import interval
from harness.evaluate.judge import scored_run
from harness.evaluate.metrics import FEWEST_FOR_INTERVAL
from harness.evaluate.settings import Evaluation
from harness.schema import Truth
from harness.schema.columns import TARGETS


def by_target(
    scores: pd.DataFrame, truths: Mapping[str, Truth], families: Mapping[str, str], evaluation: Evaluation
) -> pd.DataFrame:
    """Kendall's τ-b of each predictor at each step with each of `truths`: the table "targets".

    Scores are those of the run: a learned predictor was fitted on the run's own ground truth, not on these. Each truth
    holds every scored architecture, nan where it has no accuracy: such a one is left out. Intervals resample the
    architectures that are left.
    """
    frames = []
    for target, truth in truths.items():
        run = scored_run(scores, truth, families, evaluation)
        ends = np.array([interval(row[1:], run.level) for row in run.taus]).reshape(-1, 2)
        ends[run.n < FEWEST_FOR_INTERVAL] = np.nan
        frame = pd.DataFrame(list(run.labels), columns=["predictor", "step"])
        frame.insert(0, "target", target)
        frames.append(frame.assign(tau=run.taus[:, 0], low=ends[:, 0], high=ends[:, 1], n=run.n))
    return pd.concat(frames, ignore_index=True)[TARGETS.names]
