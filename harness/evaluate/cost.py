"""What a ranking costs: who is worth its time, and how soon a given τ is reached."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

COLUMNS = ["target", "predictor", "family", "step", "epoch", "images", "seconds", "fitted_on", "tau", "low", "high"]


def front(metrics: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether no other row is at least as good in both `seconds` and `tau` and better in one, (rows,).

    The Pareto front of cheap and right over all predictors and budgets. A row whose τ or seconds are nan is not on it
    and keeps no other off it; of equal rows all are on it.
    """
    known = metrics["tau"].notna() & metrics["seconds"].notna()
    on = np.zeros(len(metrics), dtype=bool)
    best = -np.inf
    groups = metrics.reset_index(drop=True)[known.to_numpy()].groupby("seconds")["tau"]
    for _, taus in groups:
        if taus.max() > best:
            best = taus.max()
            on[taus.index[taus == best]] = True
    return on


def time_to_tau(metrics: pd.DataFrame, targets: Sequence[float]) -> pd.DataFrame:
    """The cheapest budget at which each predictor reaches each target τ; those that never do have no row.

    Columns: target, predictor, family, step, epoch, images, seconds, fitted_on, tau, low, high. The cheapest is that of
    fewest `seconds`, of equal ones (or where they were not recorded) the one of fewest updates; a later budget may lie
    below the target again. Sorted by target and seconds, those not recorded last.
    """
    frames = []
    for target in targets:
        reached = metrics[metrics["tau"] >= target].sort_values(["seconds", "step"], kind="stable")
        frames.append(reached.drop_duplicates("predictor").assign(target=float(target)))
    found = pd.concat(frames) if frames else metrics.head(0).assign(target=0.0)
    found = found.rename(columns={"tau_low": "low", "tau_high": "high"})
    return found[COLUMNS].sort_values(["target", "seconds", "step", "predictor"], ignore_index=True)
