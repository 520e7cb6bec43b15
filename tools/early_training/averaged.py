"""Several short trainings averaged, against one training of the same price: tables of `harness.tabulate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.benches import tabulated
from harness.evaluate.bootstrap import interval, observed_and_draws
from harness.evaluate.correlations import tau_b

from .judge import LEVEL, RESAMPLINGS
from .process import Numbers

SIGNS: Mapping[str, float] = {"train_loss": -1.0, "valid_loss": -1.0, "valid_accuracy": 1.0}


def rows(path: Path) -> Iterator[dict[str, object]]:
    """A row per column, epoch and number of trainings k: τ of their mean with the end of a training not among them.

    Mean over every choice of the judging training and of k others; `price` is k times the epochs. Every row has the
    same truths. `delta` is the paired difference to one training of as many epochs as `price`, in the same column.
    """
    curves = tabulated.read(path).curves
    last = curves[curves["epoch"] == curves["epoch"].max()]
    ends = last.pivot(index="architecture", columns="seed", values="test_accuracy").dropna()
    weights = observed_and_draws(len(ends), RESAMPLINGS, 0)
    for column, sign in SIGNS.items():
        found: dict[tuple[int, int], Numbers] = {}
        for epoch in sorted(map(int, curves["epoch"].unique())):
            wide = curves[curves["epoch"] == epoch].pivot(index="architecture", columns="seed", values=column)
            wide = sign * wide.loc[ends.index]
            for k in range(1, len(ends.columns)) if wide.notna().all(axis=None) else ():
                found[epoch, k] = np.mean([_tau(wide, ends[seed], k, weights) for seed in ends.columns], axis=0)
        for (epoch, k), taus in found.items():
            known = {"column": column, "epoch": epoch, "trainings": k, "price": k * epoch, "n": len(ends)}
            longer = found.get((k * epoch, 1))
            yield known | _ends("tau", taus) | ({} if longer is None else _ends("delta", taus - longer))


def final_accuracies(path: Path) -> pd.DataFrame:
    """A row per architecture and seed: the final test accuracy in percent, in the columns that `bench.source` reads."""
    curves = tabulated.read(path).curves
    last = curves.loc[curves["epoch"] == curves["epoch"].max(), ["architecture", "seed", "test_accuracy"]]
    found: pd.DataFrame = last.rename(columns={"test_accuracy": "accuracy"})
    return found.sort_values(["architecture", "seed"], ignore_index=True)


def _ends(name: str, row: Numbers) -> dict[str, object]:
    low, high = interval(row[1:], LEVEL)
    return {name: row[0], f"{name}_low": low, f"{name}_high": high}


def _tau(wide: pd.DataFrame, truth: pd.Series, k: int, weights: NDArray[np.int64]) -> Numbers:
    """τ-b (draws,) of means of k columns other than the truth's, averaged over the choices."""
    chosen = combinations([seed for seed in wide.columns if seed != truth.name], k)
    means = np.array([wide[[*seeds]].mean(axis=1).to_numpy(dtype=float) for seeds in chosen])
    found: Numbers = tau_b(means, truth.to_numpy(dtype=float), weights).mean(axis=0)
    return found
