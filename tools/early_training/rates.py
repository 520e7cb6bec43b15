"""Learning rates of a brief training compared: runs of the same architectures, one for each rate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.evaluate.bootstrap import interval, observed_and_draws
from harness.evaluate.correlations import tau_b

from .judge import LEVEL
from .literal import RESAMPLINGS
from .process import Numbers

DEFAULT = 0.1
"""The rate that the others are compared with."""

NUMBERS = [f"{name}{end}" for name in ("tau", "tau_half") for end in ("", "_low", "_high")]


def table(runs: Mapping[float, Path]) -> pd.DataFrame:
    """A row per rate and predictor at the last step: median training loss, τ and its paired difference to `DEFAULT`."""
    found, scores = [], {rate: _scores(run) for rate, run in runs.items()}
    truth = pd.read_parquet(runs[DEFAULT] / "architectures.parquet").set_index("architecture")["truth"]
    weights = observed_and_draws(len(truth), RESAMPLINGS, 0)
    for rate, run in sorted(runs.items()):
        metrics = pd.read_parquet(run / "metrics.parquet")
        last = metrics[(metrics["step"] == metrics["step"].max()) & metrics["tau"].notna()]
        rows = last[["predictor", "n", *NUMBERS]].sort_values("predictor")
        deltas = [_delta([each.loc[truth.index, name] for each in (scores[rate], scores[DEFAULT])], truth, weights)
                  for name in rows["predictor"]]  # fmt: skip
        ends = pd.DataFrame(deltas, columns=["delta_tau", "delta_tau_low", "delta_tau_high"], index=rows.index)
        known = {"rate": rate, "train_loss": _median_loss(run)}
        found.append(pd.concat([rows.assign(**known)[[*known, *rows.columns]], ends], axis=1))
    whole: pd.DataFrame = pd.concat(found, ignore_index=True)
    return whole


def _scores(run: Path) -> pd.DataFrame:
    whole = pd.read_parquet(run / "scores.parquet")
    last = whole[whole["step"] == whole["step"].max()]
    wide: pd.DataFrame = last.pivot(index="architecture", columns="predictor", values="score")
    return wide


def _median_loss(run: Path) -> float:
    whole = pd.read_parquet(run / "trajectories.parquet")
    return float(whole.loc[whole["step"] == whole["step"].max(), "train_loss"].median())


def _delta(both: list[pd.Series], truth: pd.Series, weights: NDArray[np.int64]) -> Numbers:
    """The difference of τ of two columns of scores, with its interval, (3,)."""
    mine, default = tau_b(np.array(both, dtype=float), truth.to_numpy(dtype=float), weights)
    return np.array([mine[0] - default[0], *interval((mine - default)[1:], LEVEL)])
